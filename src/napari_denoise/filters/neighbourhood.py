"""Pixels compared with their neighbours, for a whole tile at a time.

A tile with its margins is laid out as one strip of memory, in which the neighbour at some
offset is a fixed shift away: each step is one pass over contiguous numbers. What reaches
beyond the end of a row meets the next one, but only in the margins, which are cut off.

A pixel and its neighbour at some offset are the neighbour and its pixel at the opposite
offset: their weight is computed once and used twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress

__all__ = [
    "Offset",
    "half_window",
    "pad",
    "shift_of",
    "shifted",
    "strides_of",
    "unfold",
    "weighted_mean_job",
    "window_sums",
]

Offset = tuple[int, ...]


def pad(pixels: FloatArray, widths: Sequence[int]) -> FloatArray:
    """Mirror the image at its borders, ``d c b a | a b c d | d c b a``.

    Parameters
    ----------
    pixels : array, (Z)YX
    widths : sequence of int
        Pixels to add on both sides of each axis.

    Returns
    -------
    array, (Z)YX
    """
    return np.pad(pixels, [(width, width) for width in widths], mode="symmetric")


def shifted(pixels: FloatArray, margins: Sequence[int], offset: Offset) -> FloatArray:
    """View without the margins, moved by an offset that does not reach beyond them.

    Parameters
    ----------
    pixels : array, (Z)YX
        With margins.
    margins : sequence of int
        Their width on both sides of each axis, in pixels.
    offset : tuple of int
        Pixels along each axis, none more than the margin.

    Returns
    -------
    array, (Z)YX
        Without margins; a view.
    """
    return pixels[
        tuple(
            slice(margin + step, size - margin + step)
            for size, margin, step in zip(pixels.shape, margins, offset, strict=True)
        )
    ]


def strides_of(shape: Sequence[int]) -> tuple[int, ...]:
    """How far apart neighbours along each axis lie in the strip of an image of `shape`."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def shift_of(offset: Sequence[int], strides: Sequence[int]) -> int:
    """How far apart pixels at this offset lie in a strip.

    Parameters
    ----------
    offset : sequence of int
        Pixels along each axis.
    strides : sequence of int
        Of the image in the strip, from :func:`strides_of`.

    Returns
    -------
    int
        Negative for what lies before.
    """
    return sum(step * stride for step, stride in zip(offset, strides, strict=True))


def unfold(strip: FloatArray, shape: Sequence[int], strides: Sequence[int]) -> FloatArray:
    """View a strip as an image whose neighbours are `strides` apart in it.

    Parameters
    ----------
    strip : array, 1D
    shape : sequence of int
        Of the image.
    strides : sequence of int
        In pixels, one for each axis.

    Returns
    -------
    array of `shape`
        A view that cannot be written to.
    """
    return np.lib.stride_tricks.as_strided(
        strip, tuple(shape), [stride * strip.itemsize for stride in strides], writeable=False
    )


def window_sums(
    strip: FloatArray, sizes: Sequence[int], strides: Sequence[int], spare: Sequence[FloatArray]
) -> FloatArray:
    """Sum over the window that begins at each place of a strip, as far as windows fit in.

    Sums of 1, 2, 4, … pixels are added up: few operations, and none of the drift of a
    running sum.

    Parameters
    ----------
    strip : array, 1D
        Overwritten.
    sizes, strides : sequence of int
        Width of the window along each axis, and how far apart its pixels are in the strip.
    spare : two arrays, 1D, at least as long as the strip
        Overwritten. The result is in one of the three arrays.

    Returns
    -------
    array, 1D
        Shorter than the strip by what the last window reaches beyond its first pixel.
    """
    # Three arrays are enough: one holds the sums of 2ⁿ pixels, one what has been added up of them,
    # and one is written to.
    unused = list(spare)
    for size, stride in zip(sizes, strides, strict=True):
        strip = _sums_along(strip, size, stride, unused)
    return strip


def _sums_along(strip: FloatArray, size: int, stride: int, unused: list[FloatArray]) -> FloatArray:
    """Sum `size` pixels from each on; takes arrays from `unused`, and leaves others there."""
    sums, total, n_added = strip, None, 0
    # As in multiplying by hand, in base two: a window of 5 is one of 4 and one of 1 behind it.
    for bit in range(size.bit_length()):
        width = 1 << bit
        if width > 1:
            length = len(sums) - width // 2 * stride
            doubled = np.add(sums[:length], sums[-length:], out=unused.pop()[:length])
            unused.extend([] if sums is total else [sums])
            sums = doubled
        if size & width:
            if total is not None:
                part = sums[n_added * stride :]
                total = total[: len(part)]
                total += part
            else:
                total = sums
            n_added += width
    unused.extend([] if sums is total else [sums])
    assert total is not None  # noqa: S101  a window has at least one pixel
    return total


def half_window(radius: Sequence[int]) -> Iterator[Offset]:
    """One of each pair of opposite offsets within the radius."""
    for offset in product(*(range(-r, r + 1) for r in radius)):
        if offset > (0,) * len(radius):  # in the order of tuples, each offset or its opposite
            yield offset


def weighted_mean_job(
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

    Returns
    -------
    array, (Z)YX, float32
    """
    patch = patch or (1,) * pixels.ndim
    margins = [r + size // 2 for r, size in zip(radius, patch, strict=True)]
    padded = pad(pixels, margins)
    strip, strides = padded.ravel(), strides_of(padded.shape)
    first, corner = shift_of(margins, strides), shift_of([size // 2 for size in patch], strides)
    # The pixel itself has weight 1. Six arrays of the tile's size are all that is ever held.
    total, weights = strip.copy(), np.ones_like(strip)
    product, scratch, *spare = (np.empty_like(strip) for _ in range(4))
    offsets = list(half_window(radius))
    for i, offset in enumerate(offsets):
        yield Progress(fraction=i / len(offsets))
        shift = shift_of(offset, strides)
        # Pairs of which either pixel lies between the first and the last of the image.
        here = slice(first - shift, len(strip) - first)
        there = slice(first, len(strip) - first + shift)
        squares = _square_differences(strip, here, shift, corner, scratch)
        weight = weigh(window_sums(squares, patch, strides, spare), offset)
        # The weight of a pair belongs to both: half the offsets do for all.
        for pixel, neighbour in ((here, there), (there, here)):
            total[pixel] += np.multiply(weight, strip[neighbour], out=product[: len(weight)])
            weights[pixel] += weight
    nowhere = (0,) * pixels.ndim
    sums = (shifted(each.reshape(padded.shape), margins, nowhere) for each in (total, weights))
    mean: FloatArray = np.divide(*sums)
    return mean


def _square_differences(
    strip: FloatArray, pairs: slice, shift: int, corner: int, out: FloatArray
) -> FloatArray:
    """Squared differences of pixels `shift` apart, from the patch of the first to the last."""
    start, stop = pairs.start - corner, pairs.stop + corner
    squares = out[: stop - start]
    np.subtract(strip[start:stop], strip[start + shift : stop + shift], out=squares)
    return np.square(squares, out=squares)
