"""What denoising took out of an image: noise and nothing else is white and follows no signal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.metrics.metric import Metric, Quantity, Scene
from napari_denoise.metrics.pairs import NOISY_AND_DENOISED, Plane, check_pair, planes
from napari_denoise.metrics.pixel_sums import PixelSums, plane_sums_job, total

__all__ = ["RESIDUAL", "ResidualStatistics", "analyse_residual_job"]


@dataclass(frozen=True, slots=True)
class ResidualStatistics:
    """What was taken out of an image by denoising it.

    Attributes
    ----------
    std : float
        Standard deviation of the residual, in the image's units.
    along_y, along_x : tuple of float
        Autocorrelation of the residual at lags of 1, 2, … pixels; near zero for white noise,
        NaN where a plane is not that large.
    signal_correlation : float
        Pearson correlation of residual and denoised image: positive where structure went with
        the noise; NaN if one of them is constant.
    error : float
        Standard error of each correlation if the residual is white.
    """

    std: float
    along_y: tuple[float, ...]
    along_x: tuple[float, ...]
    signal_correlation: float
    error: float

    @property
    def lag_1(self) -> float:
        """Autocorrelation between direct neighbours, mean over rows and columns."""
        return (self.along_y[0] + self.along_x[0]) / 2


def analyse_residual_job(noisy: Any, denoised: Any, *, max_lag: int = 5) -> Job[ResidualStatistics]:
    """Tell how white the residual is and whether it follows the signal, plane by plane.

    Noise that is correlated itself, as from interpolating or wide-field cameras, makes a
    residual that is: compare with the noise of a flat region before blaming the denoiser.

    Parameters
    ----------
    noisy, denoised : array-like, ``(...)YX``, same shape
        May be lazy.
    max_lag : int
        Largest lag in pixels.

    Returns
    -------
    ResidualStatistics

    Raises
    ------
    InputError
        If the shapes differ or a pixel is not finite.
    SettingsError
        If `max_lag` is less than one.
    """
    if max_lag < 1:
        raise SettingsError(f"max_lag must be at least 1 pixel (given: {max_lag}).")
    noisy, denoised = check_pair(noisy, denoised, ("The noisy image", "the denoised one"))
    n_planes = math.prod(noisy.shape[:-2])
    products = np.zeros((2, max_lag + 1))
    sums: list[PixelSums] = []
    for i, (_, (before, after)) in enumerate(planes(noisy, denoised, NOISY_AND_DENOISED)):
        yield Progress(fraction=i / n_planes, message=f"plane {i + 1} of {n_planes}")
        residual = before - after
        job = plane_sums_job(residual, after)
        sums.append((yield from nested(job, i / n_planes, i / n_planes)))
        # By plane: an offset from frame to frame is no correlation of neighbours.
        residual -= residual.mean()
        for lag in range(max_lag + 1):
            # Means, not sums: all planes count alike, and so do lags that fewer pairs have.
            products[:, lag] += [_mean_product(residual, lag, axis) for axis in (0, 1)]
            done = (i + (lag + 1) / (max_lag + 1)) / n_planes
            yield Progress(fraction=done)
    return _statistics(products, total(sums))


def _mean_product(plane: Plane, lag: int, axis: int) -> float:
    """Mean product of pixels that lie `lag` apart along an axis; NaN if there are none."""
    if lag >= plane.shape[axis]:
        return math.nan
    later, earlier = (
        plane[(slice(None),) * axis + (part,)]
        for part in (slice(lag, None), slice(plane.shape[axis] - lag))
    )
    # einsum: no array for the products.
    return float(np.einsum("ij,ij->", later, earlier)) / later.size


def _statistics(products: npt.NDArray[np.float64], sums: PixelSums) -> ResidualStatistics:
    (residual, product), (_, signal) = sums.scatter
    variance = products[:, :1]  # at lag 0
    correlations = products[:, 1:] / np.where(variance > 0, variance, np.nan)
    # Of white noise, each correlation of n pixels has a standard error of 1 / √n (Bartlett).
    scale = math.sqrt(residual * signal)
    return ResidualStatistics(
        std=math.sqrt(residual / sums.n_pixels),
        along_y=tuple(correlations[0].tolist()),
        along_x=tuple(correlations[1].tolist()),
        signal_correlation=float(product / scale) if scale > 0 else math.nan,
        error=1 / math.sqrt(sums.n_pixels),
    )


def _start(scene: Scene) -> Job[ResidualStatistics] | None:
    return None if scene.noisy is None else analyse_residual_job(scene.noisy, scene.image)


def _words(found: ResidualStatistics) -> str:
    return (
        f"Residual: standard deviation {found.std:.4g}, correlation of neighbours "
        f"{found.lag_1:.3f}, with the signal {found.signal_correlation:.3f} "
        f"(each ± {found.error:.1g})"
    )


RESIDUAL = Metric(
    "residual",
    "the noisy image",
    _start,
    _words,
    (
        Quantity(
            "residual_correlation",
            "Residual r₁",
            "Correlation of neighbouring pixels in what was taken out (noisy minus image). Near "
            "0 if that was white noise; more if structure or correlated noise went too.",
            attrgetter("lag_1"),
            is_main=True,
        ),
        Quantity(
            "signal_correlation",
            "Signal r",
            "Correlation of what was taken out with the image. Near 0 is good; positive where "
            "structure went with the noise.",
            attrgetter("signal_correlation"),
            is_main=True,
        ),
        Quantity(
            "residual_std",
            "Residual SD",
            "Standard deviation of what was taken out, in the image's units; about that of the "
            "noise.",
            attrgetter("std"),
        ),
    ),
)
