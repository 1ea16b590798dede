"""Neighbourhoods: sums and weighted means, against the plain loop."""

from itertools import product

import numpy as np
import pytest

from napari_denoise.core.progress import run
from napari_denoise.filters.neighbourhood import pad, strides_of, weighted_mean_job, window_sums


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7, 8, 13])
def test_window_sums_are_sums_over_windows(size, rng):
    pixels = rng.normal(size=(20, 17)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (size, 3))
    spare = [np.full(pixels.size, np.nan, np.float32) for _ in range(2)]
    sums = window_sums(pixels.flatten(), (size, 3), strides_of(pixels.shape), spare)
    assert len(sums) == pixels.size - (size - 1) * 17 - 2
    begins = np.arange(pixels.size).reshape(pixels.shape)[: 21 - size, :15]
    np.testing.assert_allclose(sums[begins], windows.sum((-1, -2)), rtol=1e-4, atol=1e-5)


def slow_weighted_mean(pixels, radius, patch, weight):
    margin = [r + p // 2 for r, p in zip(radius, patch, strict=True)]
    padded = pad(pixels, margin).astype(float)

    def patch_at(place):
        return padded[
            tuple(slice(i - p // 2, i + p // 2 + 1) for i, p in zip(place, patch, strict=True))
        ]

    result = np.empty(pixels.shape)
    for place in np.ndindex(*pixels.shape):
        centre = tuple(np.add(place, margin))
        total = weights = 0.0
        for offset in product(*(range(-r, r + 1) for r in radius)):
            other = tuple(np.add(centre, offset))
            square = np.square(patch_at(centre) - patch_at(other)).sum()
            factor = weight(square, offset) if any(offset) else 1.0
            total += factor * padded[other]
            weights += factor
        result[place] = total / weights
    return result


@pytest.mark.parametrize(
    ("shape", "radius", "patch"),
    [
        ((9, 11), (2, 3), (1, 1)),
        ((8, 7), (3, 1), (3, 5)),
        ((4, 6, 5), (1, 2, 1), (3, 1, 3)),
        ((1, 1), (2, 2), (3, 3)),
        ((6, 6), (0, 0), (1, 1)),
    ],
)
def test_the_weighted_mean_equals_the_plain_loop(shape, radius, patch, rng):
    pixels = rng.normal(size=shape).astype(np.float32)

    def weigh(squares, offset):
        return np.exp(-0.3 * squares - 0.1 * np.square(offset).sum())

    result = run(weighted_mean_job(pixels, radius, weigh, patch=patch))
    expected = slow_weighted_mean(pixels, radius, patch, weigh)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
