"""The error of a denoiser, estimated on the noisy image alone: by pixels it was not shown."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray, as_float32, check_pixels
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Job, nested
from napari_denoise.metrics.masking import Masker
from napari_denoise.metrics.metric import Metric, Quantity, Scene

__all__ = ["J_INVARIANCE", "JInvariantError", "j_invariant_error_job"]


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
    pixel, the expected loss is the error of the denoiser that does not see the pixel, plus the
    variance of the noise. It says too little where noise is correlated, and too much for a
    denoiser that gains by seeing the pixel itself: up to 1.9 times the true error for the
    filters of this package on white noise.

    Parameters
    ----------
    denoise_tile : callable
        Such as :meth:`napari_denoise.core.denoiser.Denoiser.denoise_tile`: takes ``C(Z)YX``
        float32, is a job that returns the same.
    noisy : array-like, ``C(Z)YX``
        One tile, held in memory, in the image's own units.
    noise_variance : float, optional
        Mean variance of the noise, in the image's units squared.
    n_passes : int
        How many of the 16 grids of every fourth pixel along Y and X are tried, at one run of the
        denoiser each.

    Returns
    -------
    JInvariantError

    Raises
    ------
    InputError
        If the tile has no ``C(Z)YX`` axes, is smaller than 6 × 6 pixels, or has one that is not
        finite.
    SettingsError
        If `n_passes` is not between 1 and 16.

    References
    ----------
    .. [1] Batson & Royer 2019, doi:10.48550/arXiv.1901.11365
    """
    tile = as_float32(noisy)
    check_pixels(tile)
    if tile.ndim not in {3, 4}:
        raise InputError(f"The tile has {tile.ndim} axes. Give it as CYX or CZYX.")
    masker = Masker(keeps_noise=False)  # nearer the true error than noisy replacements, see there
    if min(tile.shape[-2:]) < masker.smallest_plane:
        raise InputError(
            f"The tile has planes of {tile.shape[-2]} × {tile.shape[-1]} pixels; at least "
            f"{masker.smallest_plane} × {masker.smallest_plane} are needed to leave some out."
        )
    if not 1 <= n_passes <= masker.n_phases:
        raise SettingsError(f"n_passes must be from 1 to {masker.n_phases} (given: {n_passes}).")
    losses = []
    for i in range(n_passes):
        masked, mask = masker.mask(tile, i * masker.n_phases // n_passes)
        message = f"pass {i + 1} of {n_passes}"
        job = denoise_tile(masked)
        predicted = yield from nested(job, i / n_passes, (i + 1) / n_passes, message)
        # Sums of many squares need double precision.
        losses.append(np.square(predicted[mask] - tile[mask], dtype=np.float64))
    return _error_of(np.concatenate(losses), noise_variance)


def _error_of(squares: npt.NDArray[Any], noise_variance: float | None) -> JInvariantError:
    # Masked pixels lie apart, so that the errors at them are taken to be independent.
    loss = float(squares.mean())
    error = float(squares.std()) / math.sqrt(squares.size)
    # May come out negative, where the estimates of both are nearly the same.
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
