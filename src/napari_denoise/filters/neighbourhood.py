"""Pixels compared with their neighbours, for a whole tile at a time.

A pixel and its neighbour at some offset are the neighbour and its pixel at the opposite
offset: their weight is computed once and used twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np

from napari_denoise.intensities import FloatArray
from napari_denoise.progress import Job, Progress

__all__ = ["Offset", "half_window", "pad", "shifted", "weighted_mean", "window_sums"]

Offset = tuple[int, ...]


def pad(pixels: FloatArray, widths: Sequence[int]) -> FloatArray:
    """Mirror the image at its borders, ``d c b a | a b c d | d c b a``."""
    return np.pad(pixels, [(width, width) for width in widths], mode="symmetric")


def shifted(pixels: FloatArray, margins: Sequence[int], offset: Offset) -> FloatArray:
    """View without the margins, moved by an offset that does not reach beyond them."""
    return pixels[
        tuple(
            slice(margin + step, size - margin + step)
            for size, margin, step in zip(pixels.shape, margins, offset, strict=True)
        )
    ]


def window_sums(pixels: FloatArray, sizes: Sequence[int]) -> FloatArray:
    """Sum over each window that fits in; shorter by size − 1 per axis.

    Sums of 1, 2, 4, … pixels are added up: few operations, and none of the drift of a
    running sum.
    """
    for axis, size in enumerate(sizes):
        pixels = np.moveaxis(_sums_along_first(np.moveaxis(pixels, axis, 0), size), 0, axis)
    return pixels


def _sums_along_first(pixels: FloatArray, size: int) -> FloatArray:
    n = len(pixels) - size + 1
    total, start, width, sums = None, 0, 1, pixels
    while width <= size:
        if size & width:
            part = sums[start : start + n]
            total = part if total is None else total + part
            start += width
        if 2 * width <= size:
            sums = sums[:-width] + sums[width:]
        width *= 2
    assert total is not None  # noqa: S101  a window has at least one pixel
    return total


def half_window(radius: Sequence[int]) -> Iterator[Offset]:
    """One of each pair of opposite offsets within the radius."""
    for offset in product(*(range(-r, r + 1) for r in radius)):
        if offset > (0,) * len(radius):
            yield offset


def weighted_mean(
    pixels: FloatArray,
    radius: Sequence[int],
    weigh: Callable[[FloatArray, Offset], FloatArray],
    *,
    patch: Sequence[int] | None = None,
) -> Job[FloatArray]:
    """Mean of each pixel's neighbours within `radius`, the pixel itself with weight 1.

    Parameters
    ----------
    pixels : array, (Z)YX
    radius : sequence of int
        How far neighbours may be, in pixels per axis.
    weigh : callable
        Given the squared differences of pixels to those at an offset, summed over a patch
        around each, and the offset: the weights. May write into its input.
    patch : sequence of int, optional
        Odd widths of the patches that are compared; single pixels if None.
    """
    patch = patch or (1,) * pixels.ndim
    margins = [r + size // 2 for r, size in zip(radius, patch, strict=True)]
    padded = pad(pixels, margins)
    total, weights, weighted = pixels.copy(), np.ones_like(pixels), np.empty_like(pixels)
    offsets = list(half_window(radius))
    for i, offset in enumerate(offsets):
        yield Progress(fraction=i / len(offsets))
        weight = weigh(_patch_differences(padded, margins, offset, patch), offset)
        for direction, pairs in zip((1, -1), _both_ways(weight, pixels.shape, offset), strict=True):
            neighbour = tuple(direction * step for step in offset)
            total += np.multiply(pairs, shifted(padded, margins, neighbour), out=weighted)
            weights += pairs
    return total / weights


def _patch_differences(
    padded: FloatArray, margins: Sequence[int], offset: Offset, patch: Sequence[int]
) -> FloatArray:
    """Squared differences to the neighbour, summed over a patch around each.

    For all pixels of the image and, so that the weights serve both ways, for those just
    outside of it whose neighbour is inside.
    """
    here, there = [], []
    for margin, size, step, width in zip(margins, padded.shape, offset, patch, strict=True):
        start = margin - max(step, 0) - width // 2
        stop = size - margin + max(-step, 0) + width // 2
        here.append(slice(start, stop))
        there.append(slice(start + step, stop + step))
    differences = padded[tuple(here)] - padded[tuple(there)]
    return window_sums(np.square(differences, out=differences), patch)


def _both_ways(
    weight: FloatArray, shape: tuple[int, ...], offset: Offset
) -> tuple[FloatArray, FloatArray]:
    """Weights of the neighbour at the offset, and of the one opposite, for each pixel."""
    ahead, behind = [], []
    for size, step in zip(shape, offset, strict=True):
        ahead.append(slice(max(step, 0), max(step, 0) + size))
        behind.append(slice(max(-step, 0), max(-step, 0) + size))
    return weight[tuple(ahead)], weight[tuple(behind)]
