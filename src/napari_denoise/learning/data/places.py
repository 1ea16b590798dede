"""Where patches lie: anywhere in an image, or around the pixels of a region of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.learning.data.patches import TrainingImage

__all__ = ["Anywhere", "InRegion", "Place", "Window", "places_in", "window_around"]

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
        self._ends = np.cumsum(np.count_nonzero(self._rows, axis=-1), dtype=np.int64)
        self._axes = layout.axes.replace("X", "") + "X"
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
    """A window with `center` in its middle, or as near to it as the image's border allows."""
    starts = [
        min(max(middle - n // 2, 0), whole - n)
        for middle, n, whole in zip(center, size, room, strict=True)
    ]
    return tuple(slice(start, start + n) for start, n in zip(starts, size, strict=True))
