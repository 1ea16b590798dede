"""Settings: one class makes the validation, the JSON, the options and the form."""

import json
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from annotated_types import Ge, Lt
from pydantic import model_validator

from napari_denoise.core.errors import SettingsError
from napari_denoise.core.settings import (
    PerAxis,
    Settings,
    describe,
    make_settings,
    per_axis,
    setting,
)


class Example(Settings):
    """Settings of every type."""

    name: Literal["example"] = "example"
    count: int = setting(3, "How many.", ge=1, le=9)
    rate: float = setting(4e-4, "How fast.", gt=0, lt=1, unit="per step", step=1e-4)
    width: PerAxis[Annotated[int, Ge(1), Lt(99)]] = setting(3, "How wide.")
    how: Literal["mean", "median"] = setting("mean", "In which way.", advanced=True)
    careful: bool = setting(default=True, description="Whether to check.")
    path: Path | None = setting(None, "Where.")
    note: str = setting("", "What.")

    presets: ClassVar = {"paper": {"count": 9, "how": "median"}}


class Ordered(Settings):
    low: int = 0
    high: int = 1

    @model_validator(mode="after")
    def _check_order(self):
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


def test_each_field_is_described_and_the_tag_is_not_one():
    fields = {field.name: field for field in describe(Example)}
    assert [field.type for field in fields.values()] == [
        "int",
        "float",
        "int",
        "choice",
        "bool",
        "path",
        "text",
    ]
    assert Example.tag() == "example"
    assert (fields["count"].minimum, fields["count"].maximum) == (1, 9)
    assert fields["rate"].exclusive_minimum
    assert fields["rate"].exclusive_maximum
    assert fields["rate"].unit == "per step"
    assert fields["width"].per_axis
    assert (fields["width"].minimum, fields["width"].maximum) == (1, 99)
    assert fields["how"].choices == ("mean", "median")
    assert fields["how"].advanced
    assert fields["path"].optional


def test_a_description_is_plain_json():
    class WithPath(Settings):
        path: Path = setting(Path("here"), "Where.")

    for field in (*describe(Example), *describe(WithPath)):
        assert json.loads(json.dumps(field.to_json()))["name"] == field.name


def test_text_is_read_as_what_the_field_is():
    given = {"count": "5", "rate": "1e-3", "width": "3, 5", "how": "median", "careful": "false"}
    assert make_settings(Example, given) == Example(
        count=5, rate=1e-3, width=(3, 5), how="median", careful=False
    )


def test_settings_survive_json():
    settings = Example(width=(1, 2, 3), path=Path("a"))
    assert Example.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"count": "0"}, r"count must be greater than or equal to 1 \(given: '0'\)"),
        ({"count": "many"}, "count must be a valid integer"),
        ({"rate": "nan"}, "rate must be a finite number"),
        ({"how": "mode"}, "how must be 'mean' or 'median'"),
        ({"colour": "red"}, "Unknown setting 'colour'. Example has: count, rate"),
        ({"width": "1,2,3,4"}, "width must"),
        ({"width": "0,2"}, "width must"),
    ],
)
def test_a_mistake_is_said_in_one_sentence(values, says):
    with pytest.raises(SettingsError, match=says) as error:
        make_settings(Example, values)
    assert "\n" not in str(error.value)


def test_a_rule_between_fields_is_said_in_its_own_words():
    with pytest.raises(SettingsError, match="low is above high"):
        make_settings(Ordered, {"low": 2})


def test_one_value_is_spread_over_the_axes_and_a_wrong_number_refused():
    assert per_axis(1.5, 3, "sigma") == (1.5, 1.5, 1.5)
    assert per_axis((1, 2), 2, "sigma") == (1, 2)
    with pytest.raises(SettingsError, match="sigma has 2 values"):
        per_axis((1, 2), 3, "sigma")


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Example().count = 4


def test_a_preset_fills_the_fields_that_are_not_given():
    chosen = make_settings(Example, {"count": "2"}, preset="paper")
    assert chosen == Example(count=2, how="median")


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"no preset 'papers'\. Example has: paper"):
        make_settings(Example, {}, preset="papers")
    with pytest.raises(SettingsError, match="Ordered has: none"):
        make_settings(Ordered, {}, preset="paper")
