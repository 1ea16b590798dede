"""Settings that a user chooses or a file stores: one class, and everything follows from it.

The same frozen class validates input, becomes JSON in a file, options on the command line,
and a form with limits and tooltips. :func:`describe` is the one place that reads a class's
fields for those purposes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from napari_denoise.core.errors import SettingsError

__all__ = [
    "PerAxis",
    "SettingField",
    "Settings",
    "class_named",
    "describe",
    "make_settings",
    "per_axis",
    "setting",
]

S = TypeVar("S", bound="Settings")


class Settings(BaseModel):
    """Base of everything that can be chosen and stored: frozen, strict about names."""

    # A name that is misspelt in a file or script is an error, not silently the default; NaN and
    # infinity are no settings, and JSON has no word for them.
    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
    """Names for values that belong together, such as those of a paper."""

    @classmethod
    def tag(cls) -> str:
        """The name by which files and the command line know this class."""
        return str(cls.model_fields["name"].default)


def _split_text(value: object) -> object:
    """Read ``"2, 1, 1"`` as one number per axis, ``"1.5"`` as a single one."""
    # Text comes from the command line; a single number is left to pydantic.
    if isinstance(value, str) and "," in value:
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Number = TypeVar("Number", int, float)
PerAxis = Annotated[
    Number | tuple[Number, Number] | tuple[Number, Number, Number], BeforeValidator(_split_text)
]
"""One number for all spatial axes, or one each: ``(y, x)`` or ``(z, y, x)``.

Bounds belong to the number: ``PerAxis[Annotated[float, Ge(0)]]``.
"""


def per_axis(value: float | tuple[float, ...], n_spatial: int, name: str) -> tuple[float, ...]:
    """Spread a :data:`PerAxis` setting over the spatial axes.

    Raises
    ------
    SettingsError
        If the setting names another number of axes than the image has.
    """
    # One number is the usual case: pixels as large along all axes.
    if not isinstance(value, tuple):
        return (value,) * n_spatial
    if len(value) != n_spatial:
        raise SettingsError(
            f"{name} has {len(value)} values, but the image is denoised with {n_spatial} spatial "
            f"axes. Give one value, or {n_spatial} of them."
        )
    return value


def setting(  # noqa: PLR0913  # what can be said about a field
    default: Any,
    description: str,
    *,
    unit: str = "",
    step: float | None = None,
    advanced: bool = False,
    hidden: bool = False,
    slider: tuple[float, float] | None = None,
    tuned_over: tuple[float, float] | None = None,
    unset: str = "automatic",
    **bounds: Any,
) -> Any:
    """Declare a field of a :class:`Settings` class.

    Parameters
    ----------
    default : any
        The value a new user gets.
    description : str
        One sentence for tooltip, help text and reference.
    unit : str
        Unit as shown behind the number ("pixels", "photons"); empty for none.
    step : float, optional
        What one click of a spin box adds.
    advanced : bool
        Whether a form hides the field until asked.
    hidden : bool
        Whether a form leaves the field out, as it is chosen elsewhere.
    slider : (float, float), optional
        Ends of a slider beside the number, which moves in steps of `step`; the number may be
        beyond them.
    tuned_over : (float, float), optional
        Smallest and largest value that are tried when the field is tuned to an image; both
        above zero, as steps are equal factors.
    unset : str
        What a form calls it when nothing is chosen, for a default of None.
    **bounds
        ``ge``, ``gt``, ``le``, ``lt``.
    """
    # In the JSON schema's extras, as pydantic keeps nothing else that it does not know.
    extra: dict[str, Any] = {
        "unit": unit,
        "step": step,
        "advanced": advanced,
        "hidden": hidden,
        "slider": slider,
        "tuned_over": tuned_over,
        "unset": unset,
    }
    return Field(default, description=description, json_schema_extra=extra, **bounds)


FieldType = Literal["int", "float", "bool", "choice", "text", "path", "settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One field of a settings class, as forms, command line and reference need it.

    Attributes
    ----------
    type : str
        "int", "float", "bool", "choice", "text", "path", or "settings" of their own.
    per_axis : bool
        Whether one value per spatial axis may be given instead of one.
    tuned_over : (float, float) or None
        Ends of the range in which the field can be tuned to an image.
    optional : bool
        Whether the field may be left unset (None), and in `unset` what that is called.
    minimum, maximum : float or None
        Bounds; ``exclusive_minimum`` says that the minimum itself is refused.
    """

    name: str
    type: FieldType
    default: Any
    description: str
    unit: str = ""
    step: float | None = None
    advanced: bool = False
    hidden: bool = False
    slider: tuple[float, float] | None = None
    per_axis: bool = False
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    choices: tuple[str, ...] = ()
    tuned_over: tuple[float, float] | None = None
    unset: str = "automatic"

    def to_json(self) -> dict[str, Any]:
        """The field as plain JSON values."""
        values = asdict(self)
        # What JSON has no type for: tuples, paths, settings within settings.
        values["choices"] = list(self.choices)
        if isinstance(self.default, Path):
            values["default"] = str(self.default)
        if isinstance(self.default, Settings):
            values["default"] = self.default.model_dump(mode="json")
        return values


def describe(settings: type[Settings]) -> tuple[SettingField, ...]:
    """The fields that a user may choose, in order; tags with a single value are left out."""
    # A Literal of one value is the class's tag: there is nothing to choose.
    fields = (_describe_field(name, info) for name, info in settings.model_fields.items())
    return tuple(field for field in fields if len(field.choices) != 1)


def _describe_field(name: str, info: FieldInfo) -> SettingField:
    # pydantic keeps bounds in the field's metadata, but those within a union, as in
    # "float | tuple[float, float]", only in the annotation.
    leaves, rules = _take_apart(info.annotation)
    optional = NoneType in leaves
    leaves = [leaf for leaf in leaves if leaf is not NoneType]
    choices = tuple(str(leaf) for leaf in leaves if not isinstance(leaf, type))
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    limits = _bounds([*info.metadata, *rules])
    kinds: dict[Any, FieldType] = {
        bool: "bool",
        float: "float",
        int: "int",
        Path: "path",
    }
    # In this order, as bool is an int, and a field that takes int or float is a float.
    plain: FieldType = next((kinds[k] for k in kinds if k in leaves), "text")
    if any(isinstance(leaf, type) and issubclass(leaf, Settings) for leaf in leaves):
        plain = "settings"
    return SettingField(
        name=name,
        type="choice" if choices else plain,
        default=info.default,
        description=info.description or "",
        optional=optional,
        per_axis="tuple" in str(info.annotation),
        choices=choices,
        **limits,
        **extra,  # type: ignore[arg-type]
    )


def _take_apart(annotation: Any) -> tuple[list[Any], list[Any]]:
    """The plain types and literal values an annotation is made of, and the bounds within."""
    origin = get_origin(annotation)
    if origin is Literal:
        return list(get_args(annotation)), []
    if origin is Annotated:
        inner, *rules = get_args(annotation)
        leaves, inner_rules = _take_apart(inner)
        return leaves, [*inner_rules, *rules]
    if origin in (Union, UnionType, tuple):
        parts = [_take_apart(part) for part in get_args(annotation)]
        return [leaf for p in parts for leaf in p[0]], [rule for p in parts for rule in p[1]]
    return [annotation], []


def _bounds(rules: Iterable[Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for rule in rules:
        match rule:
            case Ge(ge=value):
                limits["minimum"] = value
            case Gt(gt=value):
                limits |= {"minimum": value, "exclusive_minimum": True}
            case Le(le=value):
                limits["maximum"] = value
            case Lt(lt=value):
                limits |= {"maximum": value, "exclusive_maximum": True}
    return limits


def class_named(classes: Sequence[type[S]], name: str, what: str) -> type[S]:
    """The settings class whose tag is `name`.

    Parameters
    ----------
    classes : sequence of settings classes
        To choose from.
    what : str
        What they are, in messages: "filter".

    Raises
    ------
    SettingsError
        If there is none of that name; names those there are.
    """
    by_name = {cls.tag(): cls for cls in classes}
    if name not in by_name:
        raise SettingsError(f"There is no {what} {name!r}. Choose from: {', '.join(by_name)}.")
    return by_name[name]


def make_settings(cls: type[S], values: Mapping[str, Any], *, preset: str = "") -> S:
    """Validate `values` (text is read as numbers where numbers belong) into settings.

    Parameters
    ----------
    preset : str
        One of the class's presets, for the fields that `values` does not name.

    Raises
    ------
    SettingsError
        One sentence: which setting, what was given, what is allowed.
    """
    if preset and preset not in cls.presets:
        known = ", ".join(cls.presets) or "none"
        raise SettingsError(f"There is no preset {preset!r}. {cls.__name__} has: {known}.")
    try:
        return cls.model_validate({**cls.presets.get(preset, {}), **values})
    except ValidationError as error:
        raise SettingsError(_explain(cls, error)) from error


def _explain(cls: type[Settings], error: ValidationError) -> str:
    # One sentence: a second mistake shows when the first is put right.
    first = error.errors(include_url=False)[0]
    where = str(first["loc"][0]) if first["loc"] else ""
    fields = [field.name for field in describe(cls)]
    if first["type"] == "extra_forbidden":
        known = ", ".join(fields) or "none"
        return f"Unknown setting {where!r}. {cls.__name__} has: {known}."
    # pydantic says "Input should be greater than 0": our sentence begins with the setting's name.
    reason = first["msg"].removeprefix("Value error, ").rstrip(".")
    reason = reason.removeprefix("Input ").removeprefix("should ").removeprefix("must ")
    given = first.get("input")
    name = where or cls.__name__
    return f"{name} must {reason} (given: {given!r})." if where else f"{name}: {reason}."
