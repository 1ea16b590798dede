"""Units as files spell them, and sizes no microscope has."""

import pytest

from napari_denoise.core.units import believable, micrometers, symbol, unit_name


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("µm", "micrometer"),
        ("μm", "micrometer"),
        ("um", "micrometer"),
        ("micron", "micrometer"),
        ("Microns", "micrometer"),
        ("micrometre", "micrometer"),
        (" nm ", "nanometer"),
        ("Å", "angstrom"),
        ("seconds", "second"),
        ("sec", "second"),
        ("ms", "millisecond"),
        ("s", "second"),
        ("inch", "inch"),
        ("pixels", "pixel"),
        ("", "pixel"),
        ("reference frame", "pixel"),
    ],
)
def test_a_unit_has_one_name_however_it_is_spelt(spelling, name):
    assert unit_name(spelling) == name


def test_the_symbol_depends_on_what_the_axis_measures():
    assert symbol("micrometer", "X") == "µm"
    assert symbol("second", "T") == "s"
    assert symbol("micrometer", "T") is None
    assert symbol("second", "Z") is None
    assert symbol("pixel", "X") == "pixel"
    assert symbol("pixel", "T") is None


@pytest.mark.parametrize(
    ("scale", "unit", "answer"),
    [
        (0.1, "micrometer", True),
        (65, "nanometer", True),
        (1e-5, "centimeter", True),
        (1, "centimeter", False),
        (1 / 300, "inch", False),
        (1, "pixel", False),
        (0, "micrometer", False),
        (-1, "micrometer", False),
    ],
)
def test_only_the_pixel_of_a_microscope_is_believable(scale, unit, answer):
    assert believable(scale, unit) is answer


@pytest.mark.parametrize(
    ("size", "unit", "length"),
    [
        (0.1, "µm", 0.1),
        (65, "nanometer", 0.065),
        (2, "mm", 2000),
        (1, "pixel", None),
        (1, "s", None),
    ],
)
def test_lengths_are_converted_to_micrometers_and_nothing_else_is(size, unit, length):
    assert micrometers(size, unit) == (length and pytest.approx(length))
