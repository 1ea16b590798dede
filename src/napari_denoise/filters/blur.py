"""Blur by a Gaussian point-spread function, fast: Richardson–Lucy does it twice a step.

The image is worked on axis by axis, in pieces small enough to stay in a core's cache, each laid
out as one strip of memory. With :func:`scipy.ndimage.gaussian_filter`, the filter would take 2.9
times as long (512² and 20 × 256², sigma 1, one thread; the values agree to 5e-5 of 254 DN).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.filters.neighbourhood import unfold

__all__ = ["TRUNCATE", "blur_job"]

_PIECE_PIXELS = 1 << 16
"""Pixels that are worked on at a time: with two more arrays of that size 0.75 MB, which a core's
cache holds. Also all that Cancel waits for."""

TRUNCATE = 4.0
"""A Gaussian kernel ends at this many sigma, where it has fallen to 3e-4 of its peak: scipy's
default."""


def blur_job(pixels: FloatArray, sigmas: Sequence[float]) -> Job[FloatArray]:
    """Convolve with a Gaussian kernel; the image is mirrored at its borders.

    Parameters
    ----------
    pixels : array, (Z)YX, float32
    sigmas : sequence of float
        Standard deviation along each axis, in pixels.

    Returns
    -------
    array, (Z)YX, float32
        The image itself where no kernel is wider than a pixel.
    """
    result = np.empty(pixels.shape, np.float32)  # contiguous, whatever the image is
    for axis, sigma in enumerate(sigmas):
        part = axis / pixels.ndim, (axis + 1) / pixels.ndim
        yield Progress(fraction=part[0])
        kernel = _half_kernel(sigma)
        if len(kernel) > 1:
            yield from nested(_blur_along(pixels, result, axis, kernel), *part)
            pixels = result
    return pixels


def _half_kernel(sigma: float) -> FloatArray:
    """The right half of a kernel that sums to 1, its middle first."""
    places = np.arange(int(TRUNCATE * sigma + 0.5) + 1)
    kernel = np.exp(-0.5 * np.square(places / max(sigma, 1e-6)))
    kernel /= 2 * kernel.sum() - 1  # both halves share the middle
    return kernel.astype(np.float32)


def _blur_along(pixels: FloatArray, out: FloatArray, axis: int, kernel: FloatArray) -> Job[None]:
    """Blur along one axis.

    `out` may be the image itself: a piece is as long as the axis, and depends on no other.
    """
    size, margin = pixels.shape[axis], len(kernel) - 1
    # Any number of axes is three: those before the one worked on, that one, and those behind it.
    columns, result = (each.reshape(prod(each.shape[:axis]), size, -1) for each in (pixels, out))
    mirrored = np.pad(np.arange(size), margin, mode="symmetric")
    pieces = list(_pieces(columns.shape, len(mirrored)))
    scratch: list[FloatArray] = []
    for i, piece in enumerate(pieces):
        yield Progress(fraction=i / len(pieces))
        source, target = columns[piece], result[piece]
        n_rows, _, width = source.shape
        shape = n_rows, len(mirrored), width
        # Taken once for all pieces: fresh memory would be cleared by the system each time.
        scratch = scratch or [np.empty(prod(shape), np.float32) for _ in range(3)]
        strip, *spare = (each[: prod(shape)] for each in scratch)
        padded = strip.reshape(shape)
        padded[:, margin : margin + size] = source
        padded[:, :margin] = source[:, mirrored[:margin]]
        padded[:, margin + size :] = source[:, mirrored[margin + size :]]
        blurred = _convolve(kernel, strip, width, spare)
        target[...] = unfold(blurred, source.shape, (shape[1] * width, width, 1))


def _convolve(
    kernel: FloatArray, strip: FloatArray, stride: int, spare: Sequence[FloatArray]
) -> FloatArray:
    """Convolve along a strip with a symmetric kernel, of which the right half is given."""
    middle = (len(kernel) - 1) * stride
    length = len(strip) - 2 * middle
    total, pair = (each[:length] for each in spare)
    np.multiply(strip[middle : middle + length], kernel[0], out=total)
    for i in range(1, len(kernel)):  # both pixels of one weight are added first: half the products
        before, after = strip[middle - i * stride :], strip[middle + i * stride :]
        np.add(before[:length], after[:length], out=pair)
        total += np.multiply(pair, kernel[i], out=pair)
    return total


def _pieces(shape: Sequence[int], n_padded: int) -> Iterator[tuple[slice, ...]]:
    """Cut the first and last of three axes, so that pieces are neither large nor narrow."""
    # At least 16 pixels of 4 bytes: a line of the cache is read whole or not at all.
    width = min(max(_PIECE_PIXELS // n_padded, 16), shape[2])
    n_rows = max(_PIECE_PIXELS // (n_padded * width), 1)
    for top, left in product(range(0, shape[0], n_rows), range(0, shape[2], width)):
        yield slice(top, top + n_rows), slice(None), slice(left, left + width)
