"""Windows that are worked on axis by axis, in pieces small enough to stay in a core's cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from math import prod

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.filters.neighbourhood import window_sums

__all__ = ["PIECE", "TRUNCATE", "gaussian", "unfold", "window_means"]

PIECE = 1 << 16
"""Pixels that are worked on at a time."""

TRUNCATE = 4.0
"""A Gaussian kernel ends at this many sigma, where it has fallen to 3e-4 of its peak."""

AlongStrip = Callable[[FloatArray, int, Sequence[FloatArray]], FloatArray]
"""Given a strip, how far apart neighbours are in it, and two more arrays; may overwrite all."""


def gaussian(pixels: FloatArray, sigmas: Sequence[float]) -> Job[FloatArray]:
    """Convolve with a Gaussian kernel; the image is mirrored at its borders.

    Parameters
    ----------
    pixels : array, (Z)YX
    sigmas : sequence of float
        Standard deviation along each axis, in pixels.
    """
    kernels = [_gaussian_kernel(sigma) for sigma in sigmas]
    margins = [(len(kernel) - 1,) * 2 for kernel in kernels]
    return _along_axes(pixels, margins, [partial(_convolve, kernel) for kernel in kernels])


def window_means(pixels: FloatArray, sizes: Sequence[int]) -> Job[FloatArray]:
    """Mean of the window around each pixel; the image is mirrored at its borders.

    Parameters
    ----------
    pixels : array, (Z)YX
    sizes : sequence of int
        Width along each axis. An even window reaches one pixel further back than ahead.
    """
    margins = [(size // 2, (size - 1) // 2) for size in sizes]
    return _along_axes(pixels, margins, [partial(_mean, size) for size in sizes])


def unfold(strip: FloatArray, shape: Sequence[int], strides: Sequence[int]) -> FloatArray:
    """View a strip as an image of `shape` whose neighbours are `strides` apart in it."""
    return np.lib.stride_tricks.as_strided(
        strip, tuple(shape), [stride * strip.itemsize for stride in strides], writeable=False
    )


def _gaussian_kernel(sigma: float) -> FloatArray:
    """The right half of a kernel that sums to 1, its middle first."""
    places = np.arange(int(TRUNCATE * sigma + 0.5) + 1)
    kernel = np.exp(-0.5 * np.square(places / max(sigma, 1e-6)))
    kernel /= 2 * kernel.sum() - 1
    return kernel.astype(np.float32)


def _convolve(
    kernel: FloatArray, strip: FloatArray, stride: int, spare: Sequence[FloatArray]
) -> FloatArray:
    """Convolve along a strip with a symmetric kernel, of which the right half is given."""
    middle = (len(kernel) - 1) * stride
    length = len(strip) - 2 * middle
    total, pair = (each[:length] for each in spare)
    np.multiply(strip[middle : middle + length], kernel[0], out=total)
    for i in range(1, len(kernel)):
        before, after = strip[middle - i * stride :], strip[middle + i * stride :]
        np.add(before[:length], after[:length], out=pair)
        total += np.multiply(pair, kernel[i], out=pair)
    return total


def _mean(size: int, strip: FloatArray, stride: int, spare: Sequence[FloatArray]) -> FloatArray:
    means = window_sums(strip, [size], [stride], spare)
    means *= np.float32(1 / size)
    return means


def _along_axes(
    pixels: FloatArray, margins: Sequence[tuple[int, int]], filters: Sequence[AlongStrip]
) -> Job[FloatArray]:
    result = np.empty(pixels.shape, np.float32)  # contiguous, whatever the image is
    for axis, (margin, along) in enumerate(zip(margins, filters, strict=True)):
        yield Progress(fraction=axis / pixels.ndim)
        if margin != (0, 0):
            job = _along_axis(pixels, result, axis, margin, along)
            yield from nested(job, axis / pixels.ndim, (axis + 1) / pixels.ndim)
            pixels = result
    return pixels


def _along_axis(
    pixels: FloatArray,
    out: FloatArray,
    axis: int,
    margins: tuple[int, int],
    along: AlongStrip,
) -> Job[None]:
    """Filter along one axis, with margins before and after it that mirror the image.

    `out` may be the image itself: a piece is as long as the axis, and depends on no other.
    """
    size, before = pixels.shape[axis], margins[0]
    columns, result = (each.reshape(prod(each.shape[:axis]), size, -1) for each in (pixels, out))
    mirrored = np.pad(np.arange(size), margins, mode="symmetric")
    pieces = list(_pieces(columns.shape, len(mirrored)))
    scratch: list[FloatArray] = []
    for i, piece in enumerate(pieces):
        yield Progress(fraction=i / len(pieces))
        source, target = columns[piece], result[piece]
        n_rows, _, width = source.shape
        shape = n_rows, len(mirrored), width
        scratch = scratch or [np.empty(prod(shape), np.float32) for _ in range(3)]
        strip, *spare = (each[: prod(shape)] for each in scratch)
        padded = strip.reshape(shape)
        padded[:, before : before + size] = source
        padded[:, :before] = source[:, mirrored[:before]]
        padded[:, before + size :] = source[:, mirrored[before + size :]]
        target[...] = unfold(along(strip, width, spare), source.shape, (shape[1] * width, width, 1))


def _pieces(shape: Sequence[int], n_padded: int) -> Iterator[tuple[slice, ...]]:
    """Cut the first and last of three axes, so that pieces are neither large nor narrow."""
    width = min(max(PIECE // n_padded, 16), shape[2])
    n_rows = max(PIECE // (n_padded * width), 1)
    for top, left in product(range(0, shape[0], n_rows), range(0, shape[2], width)):
        yield slice(top, top + n_rows), slice(None), slice(left, left + width)
