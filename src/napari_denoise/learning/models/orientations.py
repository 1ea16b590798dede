"""The eight ways a plane can be turned and flipped, and what they do to tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, nested

__all__ = ["Orientation", "Predict", "averaged_job", "orientations"]

Window = tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Orientation:
    """Y and X exchanged, then each reversed, or not.

    Attributes
    ----------
    is_transposed, is_y_reversed, is_x_reversed : bool
    """

    is_transposed: bool = False
    is_y_reversed: bool = False
    is_x_reversed: bool = False

    def apply(self, pixels: FloatArray) -> FloatArray:
        """Turn pixels whose last axes are Y and X."""
        turned = pixels.swapaxes(-2, -1) if self.is_transposed else pixels
        # torch takes no arrays with negative strides.
        return np.ascontiguousarray(self._reversed(turned))

    def undo(self, pixels: FloatArray) -> FloatArray:
        """Turn pixels back."""
        turned = self._reversed(pixels)
        return turned.swapaxes(-2, -1) if self.is_transposed else turned

    def window(self, window: Window, shape: tuple[int, ...]) -> Window:
        """Where a window of an array of `shape` lies in what :meth:`apply` makes of the array."""
        spans, sizes = list(window), list(shape)
        if self.is_transposed:
            spans[-2:], sizes[-2:] = spans[:-3:-1], sizes[:-3:-1]
        for axis, is_reversed in ((-2, self.is_y_reversed), (-1, self.is_x_reversed)):
            if is_reversed:
                span, size = spans[axis], sizes[axis]
                spans[axis] = slice(size - span.stop, size - span.start)
        return tuple(spans)

    def _reversed(self, pixels: FloatArray) -> FloatArray:
        y, x = (-1 if each else 1 for each in (self.is_y_reversed, self.is_x_reversed))
        return pixels[..., ::y, ::x]


Predict = Callable[[FloatArray, Orientation, tuple[int, ...]], Job[FloatArray]]


def orientations(*, may_be_turned: bool) -> tuple[Orientation, ...]:
    """All eight ways, or the four that leave lines along Y and X as they are."""
    both = (False, True)
    return tuple(
        Orientation(*each) for each in product(both if may_be_turned else both[:1], both, both)
    )


def averaged_job(
    predict: Predict, tile: FloatArray, alignment: tuple[int, ...], *, may_be_turned: bool
) -> Job[FloatArray]:
    """The mean of what is predicted for a tile in all orientations, turned back.

    Parameters
    ----------
    predict : callable
        Gives the job for a tile in one orientation; is told which one, and the spatial shape of
        the tile before it was turned.
    tile : float32 array, axes C(Z)YX
    alignment : tuple of int
        What the network's levels are multiples of, per spatial axis.
    may_be_turned : bool
        Whether Y and X may be exchanged.

    Returns
    -------
    float32 array, axes C(Z)YX
    """
    ways = orientations(may_be_turned=may_be_turned)
    whole, total = _padded(tile, alignment), np.zeros_like(tile)
    crop = tuple(map(slice, tile.shape))
    for i, way in enumerate(ways):
        job = predict(way.apply(whole), way, whole.shape[1:])
        result = yield from nested(job, i / len(ways), (i + 1) / len(ways))
        total += way.undo(result)[crop]
    total /= len(ways)
    return total


def _padded(tile: FloatArray, alignment: tuple[int, ...]) -> FloatArray:
    """A ``C(Z)YX`` tile with its last pixels repeated, so that it is as well aligned reversed.

    Else the windows of the network's levels would lie elsewhere, which is another network.
    """
    sizes = zip(tile.shape[1:], alignment, strict=True)
    ends = [(0, 0), *((0, -size % step) for size, step in sizes)]
    return np.pad(tile, ends, mode="edge") if any(end for _, end in ends) else tile
