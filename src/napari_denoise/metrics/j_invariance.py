"""The error of a denoiser, estimated on the noisy image alone: by pixels it was not shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.core.dtype import FloatArray, as_float32, check_pixels
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Job, nested
from napari_denoise.metrics.metric import Metric, Quantity, Scene

__all__ = ["J_INVARIANCE", "JInvariantError", "j_invariant_error_job"]

_STRIDE = 4


@dataclass(frozen=True, slots=True)
class JInvariantError:
    """How well pixels are predicted that a denoiser was not shown.

    Attributes
    ----------
    loss : float
        Mean squared difference of prediction and noisy pixel, in the image's units squared.
        Its differences between methods or settings are those of their errors.
    error : float
        Standard error of `loss`.
    mse : float
        Estimated mean squared error against the clean image: `loss` without the variance of the
        noise; NaN if that was not given.
    """

    loss: float
    error: float
    mse: float


def j_invariant_error_job(
    denoise_tile: Callable[[FloatArray], Job[FloatArray]],
    noisy: npt.ArrayLike,
    *,
    noise_variance: float | None = None,
    n_passes: int = 4,
) -> Job[JInvariantError]:
    """Estimate a denoiser's error by self-supervision [1]_: no clean image is needed.

    Pixels on a grid are replaced by the mean of their neighbours, the denoiser is run, and what
    it predicts there is held against what was measured. As noise is independent from pixel to
    pixel, the expected loss is the error of the blinded denoiser plus the variance of the noise.
    It says too little where noise is correlated, and slightly too much for a denoiser that
    gains by seeing the pixel itself.

    Parameters
    ----------
    denoise_tile : callable
        Such as :meth:`napari_denoise.core.denoiser.Denoiser.denoise_tile`: takes ``C(Z)YX``
        float32, is a job that returns the same.
    noisy : array-like, ``C(Z)YX``
        One tile, held in memory.
    noise_variance : float, optional
        Mean variance of the noise, in the image's units squared.
    n_passes : int
        How many of the grids of every fourth pixel are tried, at one run of the denoiser each.

    Raises
    ------
    InputError
        If the tile has no ``C(Z)YX`` axes or a pixel is not finite.
    SettingsError
        If `n_passes` is not between 1 and the number of grids, 16 in 2D and 64 in 3D.

    References
    ----------
    .. [1] Batson & Royer 2019, doi:10.48550/arXiv.1901.11365
    """
    tile = as_float32(noisy)
    check_pixels(tile)
    if tile.ndim not in {3, 4}:
        raise InputError(f"The tile has {tile.ndim} axes. Give it as CYX or CZYX.")
    grids = list(np.ndindex(*(min(_STRIDE, size) for size in tile.shape[1:])))
    if not 1 <= n_passes <= len(grids):
        raise SettingsError(f"n_passes must be from 1 to {len(grids)} (given: {n_passes}).")
    interpolated = _mean_of_neighbours(tile)
    losses = []
    for i in range(n_passes):
        start = grids[i * len(grids) // n_passes]
        grid = (slice(None), *(slice(first, None, _STRIDE) for first in start))
        blinded = tile.copy()
        blinded[grid] = interpolated[grid]
        message = f"pass {i + 1} of {n_passes}"
        job = denoise_tile(blinded)
        predicted = yield from nested(job, i / n_passes, (i + 1) / n_passes, message)
        losses.append(np.square(predicted[grid] - tile[grid], dtype=np.float64).ravel())
    return _error_of(np.concatenate(losses), noise_variance)


def _mean_of_neighbours(tile: FloatArray) -> FloatArray:
    """Mean of the pixels that share a side with each pixel of ``C(Z)YX``."""
    kernel = ndimage.generate_binary_structure(tile.ndim - 1, 1).astype(np.float32)
    kernel[(1,) * kernel.ndim] = 0
    means: FloatArray = ndimage.correlate(tile, kernel[np.newaxis] / kernel.sum(), mode="mirror")
    return means


def _error_of(squares: npt.NDArray[Any], noise_variance: float | None) -> JInvariantError:
    loss = float(squares.mean())
    error = float(squares.std()) / math.sqrt(squares.size)
    mse = math.nan if noise_variance is None else loss - noise_variance
    return JInvariantError(loss, error, mse)


def _start(scene: Scene) -> Job[JInvariantError] | None:
    return scene.estimate_error() if scene.estimate_error else None


def _words(found: JInvariantError) -> str:
    return f"J-invariant MSE {found.mse:.4g} (loss {found.loss:.4g} ± {found.error:.1g})"


J_INVARIANCE = Metric(
    "j_invariance",
    "the noisy image, and an image made from it with a filter of this package",
    _start,
    _words,
    (
        Quantity(
            "j_invariant_mse",
            "J-invariant MSE",
            "Mean squared error estimated without a reference, by predicting pixels the filter "
            "was not shown; for filters of this plugin, where the noise can be calibrated.",
            attrgetter("mse"),
            1,
        ),
        Quantity(
            "j_invariant_loss",
            "J-invariant loss",
            "The same with the noise's variance in it: only differences between methods count. "
            "Lower is better.",
            attrgetter("loss"),
            1,
        ),
    ),
    may_fail=True,
)
