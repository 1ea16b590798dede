"""What a file holds: as its format says it, and as the rest of the package gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from napari_denoise.axes import LETTERS, check_axes, default_axes
from napari_denoise.errors import AxesError, InputError
from napari_denoise.intensities import check_pixels
from napari_denoise.io.units import PIXEL
from napari_denoise.recipe import Recipe

__all__ = ["Contents", "Image"]

_GUESSES = "XYZTSC"
"""The order in which axes without a name are filled in, the last axis first."""


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels with named axes, their scale, and where they came from.

    Attributes
    ----------
    pixels : array-like in `axes`
        A dask array where the image was read from a file: nothing is loaded until it is used.
    axes : str
        One letter out of ``STCZYX`` per axis.
    scale : tuple of float
        Size of a pixel along each axis, in `units`; 1.0 where unknown.
    units : tuple of str
        Unit of each axis: "pixel" where unknown, else such as "micrometer" or "second".
    channel_names : tuple of str
        One name per channel, or none at all.
    name : str
        What to call the image: the file's name without its ending.
    recipe : Recipe or None
        How the image was made, where this package made it.

    Raises
    ------
    InputError
        If the image is empty, its pixels are no real numbers, or scale, units or channel
        names do not fit it.
    AxesError
        If the axes do not fit it.
    """

    pixels: Any
    axes: str
    scale: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    channel_names: tuple[str, ...] = ()
    name: str = ""
    recipe: Recipe | None = None

    def __post_init__(self) -> None:
        check_pixels(self.pixels, f"the image {self.name!r}" if self.name else "the image")
        n_axes = len(self.pixels.shape)
        settled = {
            "axes": check_axes(self.axes, tuple(self.pixels.shape)),
            "scale": tuple(map(float, self.scale)) or (1.0,) * n_axes,
            "units": tuple(map(str, self.units)) or (PIXEL,) * n_axes,
            "channel_names": tuple(self.channel_names),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        self._check_calibration(n_axes)

    def _check_calibration(self, n_axes: int) -> None:
        if len(self.scale) != n_axes or len(self.units) != n_axes:
            raise InputError(
                f"There are {len(self.scale)} scales and {len(self.units)} units for {n_axes} "
                f"axes ({self.axes}). Give one of each per axis."
            )
        if not all(isfinite(size) and size > 0 for size in self.scale):
            raise InputError(
                f"Scale {self.scale} has values that are no size. Give positive numbers."
            )
        n_channels = self.sizes.get("C", 1)
        if len(self.channel_names) not in {0, n_channels}:
            raise InputError(
                f"There are {len(self.channel_names)} channel names for {n_channels} channels. "
                f"Give one per channel, or none."
            )

    @property
    def sizes(self) -> dict[str, int]:
        """Number of pixels along each axis, by letter."""
        return dict(zip(self.axes, self.pixels.shape, strict=True))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Contents:
    """What a format's reader found; axes it could not name have a letter we do not use.

    Attributes
    ----------
    pixels : dask array
    axes : str
        One letter per axis of `pixels`.
    scale : mapping of str to float
        Pixel size by axis letter, where the file says it.
    units : mapping of str to str
        Unit by axis letter, where the file says it.
    """

    pixels: Any
    axes: str
    scale: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    recipe: Recipe | None = None

    def to_image(self, name: str, axes: str | None = None) -> Image:
        """Settle the axes, by what the user says where he does, and keep what still fits."""
        guessed = _settle(self.axes)
        named = guessed if axes is None else check_axes(axes, self.pixels.shape)
        kept = {new for old, new in zip(guessed, named, strict=True) if old == new}
        return Image(
            pixels=_native(self.pixels),
            axes=named,
            scale=tuple(self._scale(letter) if letter in kept else 1.0 for letter in named),
            units=tuple(self.units.get(a, PIXEL) if a in kept else PIXEL for a in named),
            channel_names=self._names_along(named, kept),
            name=name,
            recipe=self.recipe,
        )

    def _scale(self, letter: str) -> float:
        """Nothing stops a file from claiming pixels of no, endless or negative size."""
        size = self.scale.get(letter, 1.0)
        return size if isfinite(size) and size > 0 else 1.0

    def _names_along(self, axes: str, kept: set[str]) -> tuple[str, ...]:
        """The channels' names, unless the user says that the channels lie along another axis."""
        if "C" in axes and "C" not in kept:
            return ()
        n_channels = dict(zip(axes, self.pixels.shape, strict=True)).get("C", 1)
        return self.channel_names if len(self.channel_names) == n_channels else ()


def _settle(axes: str) -> str:
    """Give our letters to all axes: those known keep theirs, the others get the usual ones."""
    if not 2 <= len(axes) <= len(LETTERS):
        raise AxesError(f"An image needs 2 to 6 axes, this one has {len(axes)}.")
    letters = [letter if letter in LETTERS else "?" for letter in axes]
    if set(letters[:-2]) <= {"?"} and "".join(letters[-2:]) in {"YX", "??"}:
        return default_axes(len(axes))
    free = [letter for letter in _GUESSES if letter not in letters]
    for place in reversed(range(len(letters))):
        if letters[place] == "?":
            letters[place] = free.pop(0)
    return "".join(letters)


def _native(pixels: Any) -> Any:
    """The pixels in this machine's byte order: torch refuses the other one."""
    return pixels if pixels.dtype.isnative else pixels.astype(pixels.dtype.newbyteorder("="))
