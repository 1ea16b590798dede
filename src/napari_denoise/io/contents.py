"""What a file holds: as its format says it, and as the rest of the package gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from napari_denoise.core.axes import LETTERS, check_axes, default_axes
from napari_denoise.core.errors import AxesError
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.units import PIXEL

__all__ = ["Contents"]

_GUESSES = "XYZTSC"
"""The order in which axes without a name are filled in, the last axis first."""


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
    origin : mapping of str to float
        Where the first pixel lies by axis letter, in its unit, where the file says it.
    """

    pixels: Any
    axes: str
    scale: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, float] = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    recipe: Recipe | None = None

    def to_image(self, name: str, axes: str | None = None) -> Image:
        """Settle the axes, by what the user says where he does, and keep what still fits.

        Parameters
        ----------
        name : str
            What to call the image.
        axes : str, optional
            One letter out of ``STCZYX`` per axis, where the user names them.

        Returns
        -------
        Image
            Lazy, in the machine's byte order.

        Raises
        ------
        AxesError
            If the axes do not fit the pixels, or there are fewer than 2 or more than 6.
        InputError
            If the image is empty, or its pixels are no real numbers.
        """
        guessed = _settle(self.axes)
        # What the file says of an axis that the user names otherwise is about something else.
        named = guessed if axes is None else check_axes(axes, self.pixels.shape)
        kept = {new for old, new in zip(guessed, named, strict=True) if old == new}
        return Image(
            pixels=_native(self.pixels),
            axes=named,
            scale=tuple(self._scale(letter) if letter in kept else 1.0 for letter in named),
            units=tuple(self.units.get(a, PIXEL) if a in kept else PIXEL for a in named),
            origin=tuple(self._place(letter) if letter in kept else 0.0 for letter in named),
            channel_names=self._names_along(named, kept),
            name=name,
            recipe=self.recipe,
        )

    def _scale(self, letter: str) -> float:
        """Nothing stops a file from claiming pixels of no, endless or negative size."""
        size = self.scale.get(letter, 1.0)
        return size if isfinite(size) and size > 0 else 1.0

    def _place(self, letter: str) -> float:
        place = self.origin.get(letter, 0.0)
        return place if isfinite(place) else 0.0

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
    # A file that says nothing, or no more than YX, is an array: as the docks take one.
    if set(letters[:-2]) <= {"?"} and "".join(letters[-2:]) in {"YX", "??"}:
        return default_axes(len(axes))
    # From the last axis on: what varies fastest in a file is most often a spatial axis.
    free = [letter for letter in _GUESSES if letter not in letters]
    for place in reversed(range(len(letters))):
        if letters[place] == "?":
            letters[place] = free.pop(0)
    return "".join(letters)


def _native(pixels: Any) -> Any:
    """The pixels in this machine's byte order: torch refuses the other one."""
    return pixels if pixels.dtype.isnative else pixels.astype(pixels.dtype.newbyteorder("="))
