"""Units of length and time: their one name here, their symbol in files, and which are believable.

Names are those that pint and napari understand ("micrometer"); an axis of which nothing is
known has the unit "pixel" and the scale 1.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PIXEL", "believable", "micrometers", "symbol", "unit_name"]

PIXEL = "pixel"
"""The unit of an axis without calibration."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit's name, its symbol in OME-XML, its size in metres or seconds, other spellings."""

    name: str
    symbol: str
    size: float
    spellings: tuple[str, ...] = ()


_LENGTHS = (
    _Unit("picometer", "pm", 1e-12),
    _Unit("angstrom", "Å", 1e-10),
    _Unit("nanometer", "nm", 1e-9),
    _Unit("micrometer", "µm", 1e-6, ("um", "micron", "\\u00b5m")),
    _Unit("millimeter", "mm", 1e-3),
    _Unit("centimeter", "cm", 1e-2),
    _Unit("inch", "in", 2.54e-2, ("inches",)),
    _Unit("meter", "m", 1.0),
)
_TIMES = (
    _Unit("picosecond", "ps", 1e-12),
    _Unit("nanosecond", "ns", 1e-9),
    _Unit("microsecond", "µs", 1e-6, ("us", "usec")),
    _Unit("millisecond", "ms", 1e-3, ("msec",)),
    _Unit("second", "s", 1.0, ("sec",)),
    _Unit("minute", "min", 60.0),
    _Unit("hour", "h", 3600.0, ("hr",)),
    _Unit("day", "d", 86400.0),
)
_UNITS = {unit.name: unit for unit in (*_LENGTHS, *_TIMES)}
_SPELLINGS = {
    spelling: unit.name
    for unit in _UNITS.values()
    for spelling in (unit.name, unit.symbol, *unit.spellings)
}
# 0.1 mm: a macroscope at its lowest zoom has some 10 µm, a print at 72 dpi 353 µm.
_LARGEST_PIXEL_M = 1e-4
"""A pixel of a micrograph larger than this is a print resolution or a forgotten default."""


def unit_name(text: str) -> str:
    """The name of a unit however a file spells it; "pixel" if it is none we know."""
    # Greek mu and the micro sign look alike and are two characters; files have both.
    spelling = text.strip().replace("μ", "µ").replace("metre", "meter")
    # As it is first: "Pm" is no picometre, but "Micron" is a micron.
    if spelling not in _SPELLINGS:
        spelling = spelling.lower()
    if spelling not in _SPELLINGS:
        spelling = spelling.removesuffix("s")
    return _SPELLINGS.get(spelling, PIXEL)


def symbol(unit: str, axis: str) -> str | None:
    """The symbol OME-XML has for a unit along `axis`; None if it has none."""
    if unit == PIXEL:
        return None if axis == "T" else PIXEL
    known = _TIMES if axis == "T" else _LENGTHS
    return next((each.symbol for each in known if each.name == unit), None)


def believable(scale: float, unit: str) -> bool:
    """Whether a pixel of this size can come from a microscope rather than from a default.

    Sizes in inches never do: they are how finely an image is to be printed.

    Parameters
    ----------
    scale : float
        Pixel size in `unit`.
    """
    return unit in _UNITS and unit != "inch" and 0 < scale * _UNITS[unit].size <= _LARGEST_PIXEL_M


def micrometers(size: float, unit: str) -> float | None:
    """A length in µm; None if `unit` is no unit of length, such as "pixel".

    Parameters
    ----------
    size : float
        The length in `unit`, which may be spelled in any way.
    """
    name = unit_name(unit)
    # The ratio first: 1e-6 / 1e-6 is 1, so that micrometres come back to the bit.
    return next((size * (each.size / 1e-6) for each in _LENGTHS if each.name == name), None)
