"""Structural similarity: local means, variances and covariance, and what is made of them.

A plane is worked through in bands of rows, so that a job can be stopped within a large one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.intensities import FloatArray
from napari_denoise.metrics.pairs import Plane, check_data_range, check_pair, planes
from napari_denoise.progress import Job, Progress, nested, run

__all__ = [
    "GAUSSIAN",
    "Moments",
    "Window",
    "bands",
    "local_moments",
    "mean_similarity",
    "ms_ssim",
    "plane_similarity",
    "ssim",
    "ssim_map",
]

_BAND_PIXELS = 2**17
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@dataclass(frozen=True, slots=True)
class Window:
    """The neighbourhood that local moments are taken over.

    Attributes
    ----------
    weights : tuple of float
        One-dimensional, of odd length, summing to one; used along rows and columns.
    variance_factor : float
        1 for population variances, n / (n - 1) for sample variances of n pixels.
    """

    weights: tuple[float, ...]
    variance_factor: float = 1.0

    @property
    def margin(self) -> int:
        """Pixels on each side of a plane that have no full window."""
        return len(self.weights) // 2


def _gaussian_weights(sigma: float, radius: int) -> tuple[float, ...]:
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return tuple(float(weight) for weight in weights / weights.sum())


GAUSSIAN = Window(_gaussian_weights(1.5, 5))
"""SSIM's own window: 11 pixels wide, sigma 1.5, population variances."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Local moments wherever a full window fits, ``YX`` arrays of equal shape."""

    mean_clean: Plane
    mean_image: Plane
    variance_clean: Plane
    variance_image: Plane
    covariance: Plane


def local_moments(clean: Plane, image: Plane, window: Window) -> Moments:
    """Moments of two planes in the window around each pixel that is not too near the border."""
    inner = slice(window.margin, -window.margin)

    def average(pixels: Plane) -> Plane:
        along_y = ndimage.correlate1d(pixels, window.weights, axis=0)[inner]
        averaged: Plane = ndimage.correlate1d(along_y, window.weights, axis=1)[:, inner]
        return averaged

    mean_clean, mean_image = average(clean), average(image)
    factor = window.variance_factor
    return Moments(
        mean_clean,
        mean_image,
        factor * (average(clean * clean) - mean_clean**2),
        factor * (average(image * image) - mean_image**2),
        factor * (average(clean * image) - mean_clean * mean_image),
    )


def _similarity(moments: Moments, data_range: float) -> tuple[Plane, Plane]:
    """Per pixel: SSIM, and its contrast-structure part alone."""
    floor_mean, floor_variance = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * moments.mean_clean * moments.mean_image + floor_mean) / (
        moments.mean_clean**2 + moments.mean_image**2 + floor_mean
    )
    contrast_structure = (2 * moments.covariance + floor_variance) / (
        moments.variance_clean + moments.variance_image + floor_variance
    )
    return luminance * contrast_structure, contrast_structure


def bands(shape: tuple[int, ...], margin: int) -> Iterator[slice]:
    """Rows to read so that every row with a full window is worked on once."""
    n_rows = max(1, _BAND_PIXELS // shape[1])
    for start in range(0, shape[0] - 2 * margin, n_rows):
        yield slice(start, min(start + n_rows + 2 * margin, shape[0]))


def mean_similarity(
    clean: Plane, image: Plane, data_range: float, window: Window = GAUSSIAN
) -> Job[tuple[float, float]]:
    """Mean over one plane of SSIM, and of its contrast-structure part.

    Returns
    -------
    tuple of float
        Both NaN if the plane is smaller than the window.
    """
    if min(clean.shape) < len(window.weights):
        return math.nan, math.nan
    totals, n_pixels = np.zeros(2), 0
    for rows in bands(clean.shape, window.margin):
        maps = _similarity(local_moments(clean[rows], image[rows], window), data_range)
        totals += [part.sum() for part in maps]
        n_pixels += maps[0].size
        yield Progress(fraction=rows.stop / len(clean))
    similarity, contrast_structure = totals / n_pixels
    return float(similarity), float(contrast_structure)


def plane_similarity(clean: Plane, image: Plane, data_range: float) -> Job[tuple[float, float]]:
    """SSIM and MS-SSIM of one plane; NaN for what the plane is too small for."""
    terms: list[tuple[float, float]] = []
    done = 0.0
    for scale in range(len(_SCALE_WEIGHTS)):
        share = 0.75 / 4**scale  # of the work: each scale has a quarter of the pixels
        job = mean_similarity(clean, image, data_range)
        terms.append((yield from nested(job, done, done + share)))
        clean, done = _halve(clean), done + share
        yield Progress(fraction=done)
        image = _halve(image)
    # Negative correlation at a scale has no real root: the index is zero then, as in the
    # published programs.
    factors = [max(part, 0.0) for _, part in terms[:-1]] + [max(terms[-1][0], 0.0)]
    if math.isnan(terms[-1][0]):
        return terms[0][0], math.nan
    return terms[0][0], float(np.prod(np.power(factors, _SCALE_WEIGHTS)))


def _halve(plane: Plane) -> Plane:
    """Mean of each 2 × 2 pixels; an odd last row or column is doubled."""
    if plane.shape[0] % 2 or plane.shape[1] % 2:
        plane = np.pad(plane, [(0, size % 2) for size in plane.shape], mode="edge")
    rows = plane[::2] + plane[1::2]  # whole rows first: they lie side by side in memory
    halved: Plane = (rows[:, ::2] + rows[:, 1::2]) / 4
    return halved


def ssim(clean: npt.ArrayLike, image: npt.ArrayLike, *, data_range: float) -> float:
    """Structural similarity [1]_, mean over the planes that the last two axes span.

    Gaussian weights of sigma 1.5 and population covariance, as in the original paper; pixels
    without a full window do not count.

    Parameters
    ----------
    clean, image : array-like, ``(...)YX``, same shape
    data_range : float
        Difference of the largest and smallest possible intensity, 255 for 8-bit images.

    Returns
    -------
    float
        1 for equal images; NaN if a plane is smaller than the window of 11 pixels.

    Raises
    ------
    InputError
        If the shapes differ, the range is not positive, or a pixel is not finite.

    References
    ----------
    .. [1] Wang, Bovik, Sheikh & Simoncelli 2004, doi:10.1109/TIP.2003.819861
    """
    clean, image = check_pair(clean, image)
    check_data_range(data_range)
    pairs = (pair for _, pair in planes(clean, image))
    return float(np.mean([run(mean_similarity(*pair, data_range))[0] for pair in pairs]))


def ms_ssim(clean: npt.ArrayLike, image: npt.ArrayLike, *, data_range: float) -> float:
    """Multi-scale structural similarity [1]_, mean over the planes of the last two axes.

    SSIM's contrast and structure on five scales, each half the size of the one before (means
    of 2 × 2 pixels), its luminance on the last.

    Parameters
    ----------
    clean, image : array-like, ``(...)YX``, same shape
    data_range : float
        As for :func:`ssim`.

    Returns
    -------
    float
        1 for equal images; NaN if a plane has 160 pixels or fewer along an axis, where the
        window does not fit on the last scale.

    Raises
    ------
    InputError
        As for :func:`ssim`.

    References
    ----------
    .. [1] Wang, Simoncelli & Bovik 2003, doi:10.1109/ACSSC.2003.1292216
    """
    clean, image = check_pair(clean, image)
    check_data_range(data_range)
    pairs = (pair for _, pair in planes(clean, image))
    return float(np.mean([run(plane_similarity(*pair, data_range))[1] for pair in pairs]))


def ssim_map(clean: Any, image: Any, *, data_range: float) -> Job[FloatArray]:
    """SSIM of every pixel's neighbourhood; planes are mirrored at their borders.

    Parameters
    ----------
    clean, image : array-like, ``(...)YX``, same shape
        May be lazy.
    data_range : float
        As for :func:`ssim`.

    Returns
    -------
    array, ``(...)YX`` float32
        When the job has been run to its end; 1 where the images agree.

    Raises
    ------
    InputError
        As for :func:`ssim`.
    """
    clean, image = check_pair(clean, image)
    check_data_range(data_range)
    result = np.empty(clean.shape, dtype=np.float32)
    n_planes, margin = math.prod(clean.shape[:-2]), GAUSSIAN.margin
    for i, (place, pair) in enumerate(planes(clean, image)):
        first, second = (np.pad(plane, margin, mode="symmetric") for plane in pair)
        for rows in bands(first.shape, margin):
            moments = local_moments(first[rows], second[rows], GAUSSIAN)
            inner = slice(rows.start, rows.stop - 2 * margin)
            result[place][inner] = _similarity(moments, data_range)[0]
            done = (i + inner.stop / clean.shape[-2]) / n_planes
            yield Progress(fraction=done, message=f"plane {i + 1} of {n_planes}")
    return result
