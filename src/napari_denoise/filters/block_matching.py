"""Which blocks of an image look alike: distances of all blocks to all in reach, as box sums."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress
from napari_denoise.filters.neighbourhood import (
    Offset,
    half_window,
    shift_of,
    strides_of,
    window_sums,
)

__all__ = ["Indices", "find_similar_job"]

Indices = npt.NDArray[np.intp]

_NUMBER = np.int32((1 << 14) - 1)
"""Bits of a candidate's number: enough for a radius of 63 in planes, 12 in volumes."""

_OFFSETS_AT_ONCE = 64
"""Pairs of offsets whose distances are held at a time: the more, the fewer partitions, and the
more memory, 0.5 kB for each reference block."""


def find_similar_job(
    image: FloatArray, *, block: int, step: int, radius: int, n_similar: int
) -> Job[Indices]:
    """Find the blocks most like each reference block.

    Parameters
    ----------
    image : array, (Z)YX
    block : int
        Width of the blocks along each axis, in pixels.
    step : int
        Blocks at multiples of it, along each axis, are references.
    radius : int
        How far away blocks are looked for, in pixels along each axis.
    n_similar : int
        How many are wanted for each reference; a power of two.

    Returns
    -------
    stacks : array, (reference, member)
        Where the blocks begin, as indices into the flattened image; the reference itself
        first, and then the ever less similar. Where fewer blocks are in reach, there are
        fewer members, and still a power of two.
    """
    comparison = _Comparison.of(image, block, step)
    # Near a corner there are no more than these; every reference gets as many, so that stacks
    # make one array. The transform along a stack wants a power of two.
    n_in_reach = prod(min(radius + 1, size) for size in comparison.n_places)
    wanted = 1 << (min(n_similar, n_in_reach).bit_length() - 1)
    offsets = [
        offset
        for offset in half_window((radius,) * image.ndim)
        if all(abs(o) < size for o, size in zip(offset, comparison.n_places, strict=True))
    ]
    # Code 0 is the reference itself, at no distance: whatever comes, it stays the first.
    best = np.zeros((comparison.references.size, 1), np.int32)
    for start in range(0, len(offsets), _OFFSETS_AT_ONCE):
        batch = offsets[start : start + _OFFSETS_AT_ONCE]
        distances = np.full((len(batch), 2, *comparison.references.shape), np.inf, np.float32)
        for i, offset in enumerate(batch):
            if i % 16 == 0:
                yield Progress(fraction=(start + i) / len(offsets))
            comparison.measure(offset, distances[i])
        # Each offset is two candidates, there and back; number 0 is taken.
        codes = _encode(distances.reshape(2 * len(batch), -1), 2 * start + 1)
        best = _smallest(np.concatenate([best, codes.T], axis=1), wanted)
    best.sort(axis=1)  # till here the smallest were known, but not in order
    shifts = [shift_of(offset, comparison.strides) for offset in offsets]
    both_ways = np.array([0, *(sign * shift for shift in shifts for sign in (1, -1))])
    stacks: Indices = comparison.references.reshape(-1, 1) + both_ways[best & _NUMBER]
    return stacks


def _encode(distances: FloatArray, first: int) -> npt.NDArray[np.int32]:
    """Write each candidate's number, its place along the first axis, into its distance.

    As integers, the bits of positive floats are in the same order. Their last bits, less than
    one per cent, are given to the number: so to sort distances is to sort candidates.
    """
    codes = distances.view(np.int32)
    codes &= ~_NUMBER
    codes |= np.arange(first, first + len(codes), dtype=np.int32)[:, np.newaxis]
    return codes


def _smallest(codes: npt.NDArray[np.int32], n: int) -> npt.NDArray[np.int32]:
    # Which are smallest is known in linear time; to sort all candidates would take longer.
    return codes if codes.shape[1] <= n else np.partition(codes, n - 1, axis=1)[:, :n]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Distances between blocks of one image.

    Attributes
    ----------
    strip : array, 1D
        The image.
    strides : tuple of int
        How far apart neighbours are in the strip.
    n_places : tuple of int
        How many places a block has along each axis.
    references : array, (Z)YX
        Where in the strip the reference blocks begin.
    scratch : three arrays as long as the strip
    """

    strip: FloatArray
    strides: tuple[int, ...]
    n_places: tuple[int, ...]
    references: Indices
    block: int
    step: int
    scratch: tuple[FloatArray, FloatArray, FloatArray]

    @classmethod
    def of(cls, image: FloatArray, block: int, step: int) -> _Comparison:
        strip = np.ascontiguousarray(image).ravel()
        n_places = tuple(size - block + 1 for size in image.shape)
        grid = tuple(slice(0, n, step) for n in n_places)
        references = np.arange(image.size).reshape(image.shape)[grid]
        first, second, third = (np.empty_like(strip) for _ in range(3))
        return cls(
            strip=strip,
            strides=strides_of(image.shape),
            n_places=n_places,
            references=references,
            block=block,
            step=step,
            scratch=(first, second, third),
        )

    def measure(self, offset: Offset, out: FloatArray) -> None:
        """Write each reference's distance to the blocks at the offset and at the opposite one."""
        shift = shift_of(offset, self.strides)
        squares, *spare = self.scratch
        # One pass over the whole image serves all blocks, and both signs of the offset: sums
        # over a block's window are what blocks one by one would be compared by.
        squares = squares[: len(self.strip) - shift]
        np.subtract(self.strip[:-shift], self.strip[shift:], out=squares)
        np.square(squares, out=squares)
        sums = window_sums(squares, (self.block,) * len(offset), self.strides, spare)
        for distances, sign in zip(out, (1, -1), strict=True):
            # References whose partner would begin outside the image: infinitely far, as given.
            reached = tuple(
                slice(-(min(sign * o, 0) // self.step), -(-(n - max(sign * o, 0)) // self.step))
                for o, n in zip(offset, self.n_places, strict=True)
            )
            begins = self.references[reached]
            distances[reached] = sums[begins if sign > 0 else begins - shift]
