"""Random numbers that belong to places: tiles that overlap draw the same, in any order.

Free of torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.tiling import Place

__all__ = ["Draws", "NoiseField"]

_BLOCK = {2: (64, 64), 3: (8, 32, 32)}
"""Places that are drawn together, per spatial axis, by a generator of their own. Trade-off: larger
blocks draw more in vain at the ends of a tile. What a seed gives depends on it."""


@dataclass(frozen=True, slots=True)
class NoiseField:
    """Standard normal noise that fills all of space; the same numbers give the same field.

    Attributes
    ----------
    key : tuple of int
        What it depends on, such as a seed and a level; none below zero.
    """

    key: tuple[int, ...]

    def cut(self, n_channels: int, start: Sequence[int], size: Sequence[int]) -> FloatArray:
        """The part of the field from `start` (0 or more) on, axes ``C(Z)YX``."""
        block = _BLOCK[len(size)]
        part = np.empty((n_channels, *size), np.float32)
        spans = (
            range(first // width, -(-(first + n) // width))
            for first, n, width in zip(start, size, block, strict=True)
        )
        for index in product(*spans):
            # The block's place is part of the seed, so that any tile draws the same there.
            rng = np.random.default_rng([*self.key, *index])
            drawn = rng.standard_normal((n_channels, *block), np.float32)
            read, write = [slice(None)], [slice(None)]
            for i, width, first, n in zip(index, block, start, size, strict=True):
                low, high = max(i * width, first), min((i + 1) * width, first + n)
                read.append(slice(low - i * width, high - i * width))
                write.append(slice(low - first, high - first))
            part[tuple(write)] = drawn[tuple(read)]
        return part


@dataclass(frozen=True, slots=True)
class Draws:
    """Which samples are drawn for a tile.

    Attributes
    ----------
    seed : int
        Of the first; each further one has the next number.
    n_samples : int
        How many are drawn where a result is made of several.
    place : Place
        Where the tile lies.
    """

    seed: int = 0
    n_samples: int = 16
    place: Place = field(default_factory=Place)

    def noise(
        self, sample: int, level: int, factors: Sequence[int], shape: Sequence[int]
    ) -> FloatArray:
        """Noise for the latents of a level.

        Parameters
        ----------
        sample : int
            Which of the samples, from 0.
        level : int
        factors : sequence of int
            By how much the level has shrunk the image, per spatial axis.
        shape : sequence of int
            ``C(Z)YX``.
        """
        start = self.place.start or (0,) * len(factors)
        first = [at // factor for at, factor in zip(start, factors, strict=True)]
        whole = NoiseField((self.seed + sample, self.place.unit, level))
        return whole.cut(shape[0], first, shape[1:])
