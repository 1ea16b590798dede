"""MicroSSIM: structural similarity after offsets and scale are fitted.

In a dim image on a camera's offset, SSIM sees little but the offset. MicroSSIM takes the
background off both images and brings one to the scale of the other first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.progress import Job, Progress, nested, run
from napari_denoise.metrics.local_moments import Moments, Window, bands, local_moments
from napari_denoise.metrics.pairs import Plane, check_pair, planes
from napari_denoise.metrics.ssim import mean_maps_job, ssim_maps

__all__ = ["ScaleFit", "fit_scale_job", "micro_ssim", "micro_ssim_map"]

_MAX_PLANES = 16
_MAX_PIXELS = 2**22
"""Planes and pixels that the backgrounds are measured on, 32 MB of each image."""

_MAX_WINDOWS = 2**18
"""Windows that the scale is fitted to: a trade-off of error and time."""

_BACKGROUND_PERCENTILE = 3
"""As in the authors' program."""

_SEARCH = 3.0
"""How far from the least-squares scale the best one is sought, as a natural logarithm."""
_WIDTHS = (0.02, 0.002)
"""Half widths of the parabolas that refine it, in the same logarithm."""
_MAX_COARSE = 2**14
"""Windows that the coarse search looks at: it must come within the first parabola, no nearer."""
_GOLDEN = (math.sqrt(5) - 1) / 2
_FIT_WINDOW = Window((1 / 7,) * 7, 49 / 48)
_SAMPLE_FACTOR = 121 / 120
"""Uniform windows for the fit, Gaussian ones for the score, sample variances in both: what the
authors' program does."""

Windows = npt.NDArray[np.float64]
"""One column per window: its five moments and the range of its clean plane."""


@dataclass(frozen=True, slots=True)
class ScaleFit:
    """What brings an image to the offset and scale of a clean one.

    Attributes
    ----------
    clean_offset, image_offset : float
        Background of either image, subtracted first, in its own units.
    scale : float
        What the image is multiplied with then.
    """

    clean_offset: float
    image_offset: float
    scale: float


def fit_scale_job(clean: Any, image: Any) -> Job[ScaleFit]:
    """Fit the offsets and the scale of MicroSSIM on at most 16 planes, evenly spread.

    The backgrounds are third percentiles; the scale is the one with the largest mean SSIM,
    sought on every window of up to 2¹⁸, and on a regular choice of them beyond.

    Parameters
    ----------
    clean, image : array-like, ``(...)YX``, same shape
        May be lazy.

    Returns
    -------
    ScaleFit
    """
    places = list(np.ndindex(*clean.shape[:-2]))
    chosen = np.linspace(0, len(places) - 1, min(len(places), _MAX_PLANES)).round().astype(int)
    n_pixels = math.prod(clean.shape[-2:]) * len(chosen)
    pixels: list[tuple[Plane, Plane]] = []
    windows: list[Windows] = []
    for i, index in enumerate(chosen):
        place = places[index]
        pair = next(planes(clean[place], image[place]))[1]
        # Every so many pixels of the flattened plane: percentiles do not mind which.
        step = _step(n_pixels, _MAX_PIXELS)
        # A copy, as a view of every so many pixels would keep the whole plane in memory.
        first, second = (plane.ravel()[::step].copy() for plane in pair)
        pixels.append((first, second))
        for part in _windows(*pair, _step(n_pixels, _MAX_WINDOWS)):
            windows.append(part)
            yield Progress(fraction=0.8 * i / len(chosen), message="fitting offset and scale")
    offsets = []
    for samples in zip(*pixels, strict=True):
        offsets.append(float(np.percentile(np.concatenate(samples), _BACKGROUND_PERCENTILE)))
        yield Progress(fraction=0.8)
    job = _best_scale(windows, offsets[0], offsets[1])
    scale = yield from nested(job, 0.8, 1.0)
    return ScaleFit(offsets[0], offsets[1], scale)


def _step(n_there: int, n_wanted: int) -> int:
    return max(1, math.ceil(n_there / n_wanted))


def _windows(clean: Plane, image: Plane, step: int) -> Iterator[Windows]:
    data_range = np.ptp(clean)  # that of each plane, as micro_ssim says
    # Five moments of a window are all that SSIM at any scale needs: pixels are read once.
    for rows in bands(clean.shape, _FIT_WINDOW.margin):
        moments = local_moments(clean[rows], image[rows], _FIT_WINDOW, step)
        parts = [getattr(moments, field.name).ravel() for field in fields(Moments)]
        yield np.stack([*parts, np.full_like(parts[0], data_range)])


def _best_scale(windows: list[Windows], clean_offset: float, image_offset: float) -> Job[float]:
    """The scale with the largest mean SSIM, sought around the least-squares one."""
    if not windows:
        return 1.0
    values = np.concatenate(windows, axis=1)
    # An offset moves the means and leaves variances as they are.
    values[0] -= clean_offset
    values[1] -= image_offset
    # Negative where the images do not resemble each other: any scale is as good then.
    guess = float(np.vdot(values[0], values[1]) / max(np.vdot(values[1], values[1]), 1e-300))
    guess = guess if guess > 0 else 1.0
    # Near enough on a choice of windows; then two parabolas through all of them. In the logarithm,
    # in which a factor and its inverse are as far away.
    coarse = values[:, :: _step(values.shape[1], _MAX_COARSE)]
    best = _golden_section(lambda x: _mean_scaled(coarse, guess * math.exp(x)))
    for i, width in enumerate(_WIDTHS):
        heights = []
        # Two parabolas are six looks at all windows; a golden section as far would be about twenty.
        for x in (best - width, best, best + width):
            heights.append(_mean_scaled(values, guess * math.exp(x)))
            yield Progress(fraction=(i + len(heights) / 3) / len(_WIDTHS))
        best += _vertex(heights) * width
    return guess * math.exp(best)


def _golden_section(height: Callable[[float], float]) -> float:
    """Where a function is largest within the search, roughly."""
    low, high = -_SEARCH, _SEARCH
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = height(left), height(right)
    while high - low > _WIDTHS[0] / 4:
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = height(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = height(right)
    return (low + high) / 2


def _vertex(heights: list[float]) -> float:
    """Where the parabola through three points at -1, 0 and 1 is highest, no farther than 1."""
    left, middle, right = heights
    # Upwards, or flat, there is no maximum between the three: the middle one stays.
    bend = left - 2 * middle + right
    return min(1.0, max(-1.0, (left - right) / (2 * bend))) if bend < 0 else 0.0


def _mean_scaled(windows: Windows, scale: float) -> float:
    """Mean SSIM of windows whose image is multiplied with `scale`."""
    mean_clean, mean_image, variance_clean, variance_image, covariance, data_range = windows
    floor_mean, floor_variance = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    above = (2 * scale * mean_clean * mean_image + floor_mean) * (
        2 * scale * covariance + floor_variance
    )
    below = (mean_clean**2 + scale**2 * mean_image**2 + floor_mean) * (
        variance_clean + scale**2 * variance_image + floor_variance
    )
    # Both empty, on a range of zero: no similarity, rather than a division by zero.
    return float(np.mean(above / np.where(below > 0, below, np.inf)))


def micro_ssim_map(fit: ScaleFit, data_range: float) -> Callable[[Moments], Plane]:
    """Make MicroSSIM's map of the local moments of images that are not fitted yet.

    Parameters
    ----------
    fit : ScaleFit
    data_range : float
        Maximum minus minimum of the clean plane; without any there is no index.

    Returns
    -------
    callable
        Of :class:`~napari_denoise.metrics.local_moments.Moments`; gives a map ``YX``.
    """

    def similarity(moments: Moments) -> Plane:
        if data_range == 0:
            return np.full_like(moments.mean_clean, math.nan)
        # The moments of a fitted image follow from those of the given one: SSIM and MicroSSIM are
        # made of one pass over the pixels.
        fitted = Moments(
            moments.mean_clean - fit.clean_offset,
            fit.scale * (moments.mean_image - fit.image_offset),
            _SAMPLE_FACTOR * moments.variance_clean,
            _SAMPLE_FACTOR * fit.scale**2 * moments.variance_image,
            _SAMPLE_FACTOR * fit.scale * moments.covariance,
        )
        return ssim_maps(fitted, data_range)[0]

    return similarity


def micro_ssim(clean: npt.ArrayLike, image: npt.ArrayLike) -> float:
    """MicroSSIM [1]_, mean over the planes that the last two axes span.

    SSIM after both backgrounds (third percentiles over all planes) are subtracted and the image
    is multiplied with the factor that makes the mean SSIM largest. The data range is that of
    each clean plane, so none has to be given. Windows as in the authors' program, version 0.0.5,
    whose value this is for one plane; for several, the program fits the scale with the range of
    the last plane, this function with that of each.

    Parameters
    ----------
    clean, image : array-like, ``(...)YX``, same shape

    Returns
    -------
    float
        1 for images that agree up to offset and gain; NaN if a plane is smaller than 11 pixels
        or a clean one constant.

    Raises
    ------
    InputError
        If the shapes differ or a pixel is not finite.

    References
    ----------
    .. [1] Ashesh, Deschamps & Jug 2024, doi:10.48550/arXiv.2408.08747
    """
    clean, image = check_pair(clean, image)
    fit = run(fit_scale_job(clean, image))
    pairs = (pair for _, pair in planes(clean, image))
    return float(np.mean([run(_plane_micro_ssim(*pair, fit)) for pair in pairs]))


def _plane_micro_ssim(clean: Plane, image: Plane, fit: ScaleFit) -> Job[float]:
    similarity = micro_ssim_map(fit, float(np.ptp(clean)))
    (mean,) = yield from mean_maps_job(clean, image, lambda moments: (similarity(moments),))
    return mean
