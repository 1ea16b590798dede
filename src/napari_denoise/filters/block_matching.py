"""Which blocks of an image look alike: distances of all blocks to all in reach, as box sums."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_denoise.filters.neighbourhood import Offset, half_window, window_sums
from napari_denoise.intensities import FloatArray
from napari_denoise.progress import Job, Progress

__all__ = ["Indices", "find_similar"]

Indices = npt.NDArray[np.intp]

_NUMBER = np.int32((1 << 14) - 1)
"""Bits of a candidate's number: enough for a radius of 63."""

_OFFSETS_AT_ONCE = 64
"""Pairs of offsets whose distances are held at a time."""


def find_similar(
    image: FloatArray, *, block: int, step: int, radius: int, n_similar: int
) -> Job[Indices]:
    """Find the blocks most like each reference block.

    Parameters
    ----------
    image : array, YX
    block : int
        Width of the square blocks, in pixels.
    step : int
        Blocks at multiples of it, in Y and X, are references.
    radius : int
        How far away blocks are looked for, in pixels along each axis.
    n_similar : int
        How many are wanted for each reference; a power of two.

    Returns
    -------
    stacks : array, (member, reference)
        Where the blocks begin, as indices into all places of a block in ``YX`` order; the
        reference itself first, and then the ever less similar. Where fewer blocks are in
        reach, there are fewer members, and still a power of two.
    """
    shape = tuple(size - block + 1 for size in image.shape)
    n_in_reach = int(np.prod([min(radius + 1, size) for size in shape]))
    wanted = 1 << (min(n_similar, n_in_reach).bit_length() - 1)
    offsets = [o for o in half_window((radius, radius)) if _is_inside(o, shape)]
    references = np.arange(shape[0] * shape[1]).reshape(shape)[::step, ::step]
    best = np.zeros((references.size, 1), np.int32)
    for start in range(0, len(offsets), _OFFSETS_AT_ONCE):
        batch = offsets[start : start + _OFFSETS_AT_ONCE]
        distances = np.full((len(batch), 2, *references.shape), np.inf, np.float32)
        for i, offset in enumerate(batch):
            if i % 16 == 0:
                yield Progress(fraction=(start + i) / len(offsets))
            _compare(image, offset, block, step, distances[i])
        codes = _encode(distances.reshape(2 * len(batch), -1), 2 * start + 1)
        best = _smallest(np.concatenate([best, codes.T], axis=1), wanted)
    shifts = np.array([0, *(sign * (y * shape[1] + x) for y, x in offsets for sign in (1, -1))])
    best.sort(axis=1)
    stacks: Indices = references.ravel() + shifts[best.T & _NUMBER]
    return stacks


def _is_inside(offset: Offset, n_places: Sequence[int]) -> bool:
    return all(abs(shift) < size for shift, size in zip(offset, n_places, strict=True))


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
    return codes if codes.shape[1] <= n else np.partition(codes, n - 1, axis=1)[:, :n]


def _compare(image: FloatArray, offset: Offset, block: int, step: int, out: FloatArray) -> None:
    """Write each reference's distance to the blocks at the offset and at the opposite one."""
    here = tuple(
        slice(max(-shift, 0), size - max(shift, 0))
        for shift, size in zip(offset, image.shape, strict=True)
    )
    there = tuple(
        slice(max(shift, 0), size + min(shift, 0))
        for shift, size in zip(offset, image.shape, strict=True)
    )
    differences = image[here] - image[there]
    sums = window_sums(np.square(differences, out=differences), (block, block))
    for distances, region in zip(out, (here, there), strict=True):
        first = [-(-along.start // step) for along in region]
        skipped = [
            slice(n * step - along.start, None, step)
            for n, along in zip(first, region, strict=True)
        ]
        values = sums[tuple(skipped)]
        distances[
            tuple(slice(n, n + size) for n, size in zip(first, values.shape, strict=True))
        ] = values
