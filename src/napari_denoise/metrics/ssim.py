"""Structural similarity: what is made of local means, variances and covariance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress, nested, run, run_all
from napari_denoise.metrics.local_moments import (
    GAUSSIAN,
    Moments,
    Window,
    bands,
    local_moments,
)
from napari_denoise.metrics.pairs import Plane, check_data_range, check_pair, planes

__all__ = [
    "mean_maps_job",
    "ms_ssim",
    "plane_ssim_job",
    "ssim",
    "ssim_map_job",
    "ssim_maps",
]

_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""From the finest scale to the coarsest: Wang et al. 2003, calibrated on what observers see."""


def ssim_maps(moments: Moments, data_range: float) -> tuple[Plane, Plane]:
    """Per pixel: SSIM, and its contrast-structure part alone.

    Parameters
    ----------
    moments : Moments
    data_range : float
        As for :func:`ssim`, in the image's units.

    Returns
    -------
    similarity, contrast_structure : array, ``YX``, float64
    """
    # K₁ = 0.01 and K₂ = 0.03 of Wang et al. 2004: without them, flat dark places would be divided
    # by nearly nothing.
    floor_mean, floor_variance = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * moments.mean_clean * moments.mean_image + floor_mean) / (
        moments.mean_clean**2 + moments.mean_image**2 + floor_mean
    )
    contrast_structure = (2 * moments.covariance + floor_variance) / (
        moments.variance_clean + moments.variance_image + floor_variance
    )
    return luminance * contrast_structure, contrast_structure


# scikit-image's structural_similarity gives the same to 1e-15. It takes 0.9 to 1.2 times as long on
# one thread (1.1 to 1.3 in all that scores need), in one call for a plane of any size, and has
# neither MS-SSIM nor MicroSSIM, which are made of the same local moments here.

Maps = Callable[[Moments], tuple[Plane, ...]]
"""Makes maps, one or more, of local moments."""


def mean_maps_job(
    clean: Plane, image: Plane, maps: Maps, *, window: Window = GAUSSIAN, n_threads: int = 1
) -> Job[tuple[float, ...]]:
    """Mean of each map over one plane; NaN for a plane that is smaller than the window.

    Parameters
    ----------
    clean, image : array, ``YX``
    maps : callable
    window : Window
    n_threads : int
        How many bands of rows are worked on at once.

    Returns
    -------
    tuple of float
        One for each map.
    """
    if min(clean.shape) < len(window.weights):
        # Through the maps all the same: they alone know how many values there are.
        nowhere = np.full((1, 1), math.nan)
        return tuple(float(each.mean()) for each in maps(Moments(*[nowhere] * 5)))
    parts: list[Plane] = []
    places = list(bands(clean.shape, window.margin))
    jobs = (_sum_maps(clean[rows], image[rows], maps, window) for rows in places)
    threads = min(n_threads, len(places))
    yield from run_all(jobs, parts.append, n_jobs=len(places), n_threads=threads)
    totals = np.sum(parts, axis=0)
    return tuple((totals[:-1] / totals[-1]).tolist())


def _sum_maps(clean: Plane, image: Plane, maps: Maps, window: Window) -> Job[Plane]:
    """Sum of each map over a band of rows, and last the number of its pixels."""
    moments = local_moments(clean, image, window)
    yield Progress(fraction=0.7)
    made = maps(moments)
    return np.array([*(each.sum() for each in made), made[0].size])


def plane_ssim_job(
    clean: Plane,
    image: Plane,
    data_range: float,
    *,
    also: Callable[[Moments], Plane] | None = None,
    n_threads: int = 1,
) -> Job[tuple[float, float, float]]:
    """SSIM and MS-SSIM of one plane; NaN for what the plane is too small for.

    Parameters
    ----------
    clean, image : array, ``YX``
    data_range : float
    also : callable, optional
        Another map of the same moments, whose mean is returned third; else that is NaN.
    n_threads : int
        How many bands of rows are worked on at once.

    Returns
    -------
    ssim, ms_ssim, other : float
    """

    def maps(moments: Moments) -> tuple[Plane, ...]:
        similarity = ssim_maps(moments, data_range)
        return (*similarity, also(moments)) if also else similarity

    job = mean_maps_job(clean, image, maps, n_threads=n_threads)
    first = yield from nested(job, 0.0, 0.75)
    # Contrast and structure count on every scale, luminance on the last one only.
    terms, done = [first[:2]], 0.75
    for scale in range(1, len(_SCALE_WEIGHTS)):
        share = 0.75 / 4**scale  # of the work: each scale has a quarter of the pixels
        clean = _halve(clean)
        yield Progress(fraction=done)
        image = _halve(image)
        job = mean_maps_job(clean, image, lambda m: ssim_maps(m, data_range), n_threads=n_threads)
        terms.append((yield from nested(job, done, done + share)))
        done += share
    return first[0], _multi_scale(terms), first[2] if also else math.nan


def _multi_scale(terms: Sequence[tuple[float, ...]]) -> float:
    """MS-SSIM of the similarity and its contrast-structure part on each scale."""
    # Negative correlation at a scale has no real root: the index is zero then, as in the
    # published programs.
    factors = [max(part, 0.0) for _, part in terms[:-1]] + [max(terms[-1][0], 0.0)]
    if math.isnan(terms[-1][0]):
        return math.nan
    return float(np.prod(np.power(factors, _SCALE_WEIGHTS)))


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
    jobs = (mean_maps_job(*pair, lambda m: ssim_maps(m, data_range)) for pair in pairs)
    return float(np.mean([run(job)[0] for job in jobs]))


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
    return float(np.mean([run(plane_ssim_job(*pair, data_range))[1] for pair in pairs]))


def ssim_map_job(clean: Any, image: Any, *, data_range: float) -> Job[FloatArray]:
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
        # A number for every pixel, those at the border among them, unlike in the mean.
        first, second = (np.pad(plane, margin, mode="symmetric") for plane in pair)
        for rows in bands(first.shape, margin):
            moments = local_moments(first[rows], second[rows], GAUSSIAN)
            inner = slice(rows.start, rows.stop - 2 * margin)
            result[place][inner] = ssim_maps(moments, data_range)[0]
            done = (i + inner.stop / clean.shape[-2]) / n_planes
            yield Progress(fraction=done, message=f"plane {i + 1} of {n_planes}")
    return result
