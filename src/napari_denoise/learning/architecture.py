"""What a network looks like, and how far it sees: numbers only, free of torch."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal, cast

from annotated_types import Ge, Le, Len

from napari_denoise.settings import Settings

__all__ = ["Architecture", "choose_pooling"]

_SMALLEST_POOLED = 8
"""An axis shorter than this is not halved: what is left would be mostly padding."""

Factor = Literal[1, 2]
Levels = tuple[tuple[Factor, Factor], ...] | tuple[tuple[Factor, Factor, Factor], ...]


class Architecture(Settings):
    """Shape of a U-Net.

    Attributes
    ----------
    n_channels : int
        Channels of the image that it reads and writes together.
    n_features : int
        Feature maps of the first level; each further level has twice as many.
    pooling : tuple of tuple of int
        Per level, by how much it shrinks the image along each spatial axis: 2, or 1 along an
        axis with too few planes.
    """

    n_channels: Annotated[int, Ge(1), Le(1024)]
    n_features: Annotated[int, Ge(1), Le(256)]
    pooling: Annotated[Levels, Len(1, 5)]

    @property
    def n_spatial(self) -> int:
        """Two or three."""
        return len(self.pooling[0])

    def alignment(self) -> tuple[int, ...]:
        """By how much the deepest level has shrunk the image, per spatial axis."""
        return tuple(prod(factors) for factors in zip(*self.pooling, strict=True))

    def halo(self) -> tuple[int, ...]:
        """How many pixels around a pixel can change it, per spatial axis."""
        return tuple(_farthest(factors) for factors in zip(*self.pooling, strict=True))


def choose_pooling(patch_size: tuple[int, ...], depth: int) -> Levels:
    """Pooling factors that suit patches of this size.

    Depth (or time) is left whole at the first level: planes lie further apart than pixels do.

    Parameters
    ----------
    patch_size : tuple of int
        Pixels per spatial axis.
    depth : int
        Number of levels.
    """
    size, levels = patch_size, []
    for level in range(depth):
        may_halve = [len(size) == 2 or axis > 0 or level > 0 for axis in range(len(size))]
        factors = tuple(
            2 if may and n >= _SMALLEST_POOLED else 1
            for n, may in zip(size, may_halve, strict=True)
        )
        size = tuple(n // factor for n, factor in zip(size, factors, strict=True))
        levels.append(factors)
    return cast("Levels", tuple(levels))


def _farthest(factors: tuple[int, ...]) -> int:
    """The halo along one axis; it depends on where a pixel lies in its pooling window."""
    spans = ((place, _seen(place, place, factors)) for place in range(prod(factors)))
    return max(max(place - low, high - place) for place, (low, high) in spans)


def _seen(low: int, high: int, factors: tuple[int, ...]) -> tuple[int, int]:
    """First and last pixel that a level and those below it read to give pixels low to high.

    Two convolutions of width 3 on the way down and two on the way up see one pixel further each.
    """
    if factors:
        low, high = low - 2, high + 2
        factor = factors[0]
        first, last = _seen(low // factor, high // factor, factors[1:])
        low, high = min(low, first * factor), max(high, last * factor + factor - 1)
    return low - 2, high + 2
