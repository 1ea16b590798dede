"""Where patches lie, and what is read there: pixels, what goes with them, which of them count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.dtype import FloatArray, as_float32
from napari_denoise.core.image import Image
from napari_denoise.learning.data.images import TrainingImage

__all__ = [
    "ARRAYS",
    "Anywhere",
    "InRegion",
    "Piece",
    "Place",
    "Window",
    "places_in",
    "read_piece",
    "window_around",
]

Window = tuple[slice, ...]
"""One slice per spatial axis."""


@dataclass(frozen=True, slots=True)
class Place:
    """A unit of an image, and a window of it."""

    unit: UnitIndex
    window: Window


class Anywhere:
    """Every unit and every corner is as likely as any other.

    Parameters
    ----------
    layout : Layout
    shape : tuple of int
        Of the image, in the layout's axes.
    size : tuple of int
        Pixels of a patch per spatial axis.
    """

    def __init__(self, layout: Layout, shape: tuple[int, ...], size: tuple[int, ...]) -> None:
        self._units = list(layout.units(shape))
        self._room = layout.unit_shape(shape)[1:]
        self._size = size
        self.n_pixels = float(np.prod([float(n) for n in shape]))
        """How many pixels may be learned from."""

    def draw(self, rng: np.random.Generator) -> Place:
        """One of them."""
        unit = self._units[rng.integers(len(self._units))]
        # One number per axis, and not one for all places: results depend on the order of draws.
        corner = [
            int(rng.integers(room - wanted + 1))
            for room, wanted in zip(self._room, self._size, strict=True)
        ]
        window = tuple(slice(a, a + n) for a, n in zip(corner, self._size, strict=True))
        return Place(unit, window)


class InRegion:
    """Around the pixels of a region, each as likely as any other.

    Parameters
    ----------
    layout : Layout
    shape : tuple of int
        Of the image, in the layout's axes.
    size : tuple of int
        Pixels of a patch per spatial axis.
    region : bool array, axes as in `layout`
        Nonzero where patches are to lie; an axis of length one holds for all its positions.
    """

    def __init__(
        self,
        layout: Layout,
        shape: tuple[int, ...],
        size: tuple[int, ...],
        region: npt.NDArray[Any],
    ) -> None:
        self._layout, self._shape, self._size = layout, shape, size
        x = layout.axes.index("X")
        whole = [n if axis == x else own for axis, (own, n) in _sizes(region, shape)]
        # Rows along X: what is inside of one is looked up once it has been drawn, so that the
        # places in a large region take no more memory than its mask.
        self._rows = np.moveaxis(np.broadcast_to(region, whole), x, -1)
        # Rows end at these numbers of pixels: the n-th pixel inside is found by bisection.
        self._ends = np.cumsum(np.count_nonzero(self._rows, axis=-1), dtype=np.int64)
        self._axes = layout.axes.replace("X", "") + "X"
        # An axis of length one stands for all positions along it.
        times = [n for axis, (own, n) in _sizes(region, shape) if own == 1 and axis != x]
        self.n_pixels = float(self._ends[-1]) * float(np.prod([float(n) for n in times]))
        """How many pixels may be learned from."""

    def draw(self, rng: np.random.Generator) -> Place:
        """A patch around one of the region's pixels, moved to where the image has room for it."""
        pixel = self._pixel(rng)
        unit = tuple(
            pixel[letter] if letter in self._layout.batch_axes else slice(None)
            for letter in self._layout.axes
        )
        center = [pixel[letter] for letter in self._layout.spatial]
        room = self._layout.unit_shape(self._shape)[1:]
        return Place(unit, window_around(center, self._size, room))

    def _pixel(self, rng: np.random.Generator) -> dict[str, int]:
        """Its place along each axis."""
        # Each pixel of the region is as likely as any other, however it is spread over rows.
        number = int(rng.integers(self._ends[-1]))
        row = int(np.searchsorted(self._ends, number, side="right"))
        index = np.unravel_index(row, self._rows.shape[:-1])
        inside = np.flatnonzero(self._rows[index])
        x = int(inside[number - int(self._ends[row])])  # counted from the row's end
        pixel = dict(zip(self._axes, (*map(int, index), x), strict=True))
        sizes = dict(zip(self._layout.axes, self._shape, strict=True))
        own = dict(zip(self._axes, self._rows.shape, strict=True))
        return {
            letter: place if own[letter] == sizes[letter] else int(rng.integers(sizes[letter]))
            for letter, place in pixel.items()
        }


def places_in(image: TrainingImage, size: tuple[int, ...]) -> Anywhere | InRegion:
    """Where patches of this size (pixels per spatial axis) may lie in an image."""
    shape = tuple(image.pixels.shape)
    if image.region is None:
        return Anywhere(image.layout, shape, size)
    return InRegion(image.layout, shape, size, image.region)


def _sizes(region: npt.NDArray[Any], shape: tuple[int, ...]) -> list[tuple[int, tuple[int, int]]]:
    """Of the region and of the image, with the number of the axis."""
    return list(enumerate(zip(region.shape, shape, strict=True)))


def window_around(center: list[int], size: tuple[int, ...], room: tuple[int, ...]) -> Window:
    """A window with `center` in its middle, or as near to it as the image's border allows.

    Parameters
    ----------
    center : list of int
    size, room : tuple of int
        Of the window and of the image, in pixels per spatial axis.
    """
    starts = [
        min(max(middle - n // 2, 0), whole - n)
        for middle, n, whole in zip(center, size, room, strict=True)
    ]
    return tuple(slice(start, start + n) for start, n in zip(starts, size, strict=True))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an image as a network may see it; all arrays ``C(Z)YX`` float32.

    Attributes
    ----------
    image : TrainingImage
    place : Place
        Which part it is.
    input, target, mask : array
        As in :class:`~napari_denoise.learning.data.batch.Batch`.
    """

    image: TrainingImage
    place: Place
    input: FloatArray
    target: FloatArray
    mask: FloatArray

    @property
    def channel(self) -> int | None:
        """Which channel it shows; None if it shows all, or there are none."""
        return self.image.layout.channel_of(self.place.unit)

    @classmethod
    def stacked(cls, planes: Sequence[Piece], window: Window) -> Piece:
        """Neighbouring planes as one piece, which lies in `window`."""
        first = planes[0]
        parts = [[getattr(plane, name) for plane in planes] for name in ARRAYS]
        arrays = (np.concatenate(part, axis=-3) for part in parts)
        return cls(first.image, Place(first.place.unit, window), *arrays)

    def cut(self, window: Window) -> Piece:
        """A copy of the part in `window`, which is counted from the piece's own corner."""
        # Copies, so that the large piece can go.
        arrays = {name: getattr(self, name)[(..., *window)].copy() for name in ARRAYS}
        moved = tuple(
            slice(whole.start + part.start, whole.start + part.stop)
            for whole, part in zip(self.place.window, window, strict=True)
        )
        return replace(self, place=Place(self.place.unit, moved), **arrays)


ARRAYS = ("input", "target", "mask")
"""What a piece and a batch hold, in order."""


def read_piece(image: TrainingImage, place: Place, partner: UnitIndex | None = None) -> Piece:
    """Read a part of an image, and nothing else.

    Parameters
    ----------
    partner : UnitIndex, optional
        The unit that goes with it, of the same image; unset: the target if there is one, else
        the piece itself.

    Raises
    ------
    InputError
        If a pixel that counts is NaN or infinite.
    FileError
        If the file is damaged there.
    """
    # What is outside in either of the two is outside in both.
    other = place if partner is None else Place(partner, place.window)
    inside = _inside(image, place, other)
    pixels = target = _read(image.image, image.layout, place, inside)
    if partner is not None:
        target = _read(image.image, image.layout, other, inside)
    elif image.target is not None:
        target = _read(image.target, image.layout, place, inside)
    mask = np.ones_like(pixels) if inside is None else inside.astype(np.float32)
    return Piece(image, place, pixels, target, mask)


def _inside(image: TrainingImage, *places: Place) -> npt.NDArray[np.bool_] | None:
    """Which pixels lie in the region at all these places, ``C(Z)YX``; None if there is none."""
    if image.region is None:
        return None
    # A view: one mask for a thousand frames takes no more memory than its own.
    whole = np.broadcast_to(image.region, tuple(image.pixels.shape))
    parts = [image.layout.cut(whole, place.unit, place.window) for place in places]
    return np.asarray(np.logical_and.reduce(parts))


def _read(
    image: Image, layout: Layout, place: Place, inside: npt.NDArray[np.bool_] | None
) -> FloatArray:
    piece = layout.cut(image.pixels, place.unit, place.window)
    if inside is None:
        return as_float32(piece, image.name)
    # Pixel by pixel outside nothing is read, as it may be NaN.
    filled = np.zeros(piece.shape, np.float32)
    for channel, here, result in zip(piece, inside, filled, strict=True):
        known = as_float32(channel[here], image.name)
        # Their mean gives no single one of them away, as a copy of the nearest would.
        result[...] = known.mean(dtype=np.float64) if known.size else 0.0
        result[here] = known
    return filled
