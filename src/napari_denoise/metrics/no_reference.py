"""What can be told of a denoised image without a clean one.

A good denoiser takes away noise and nothing else: what it took is as white as the noise was and
does not follow the signal, what it left has no pattern of the network's own making, and its
error can be estimated from pixels it was not shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.core.dtype import FloatArray, as_float32, check_pixels
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.metrics.pairs import (
    NOISY_AND_DENOISED,
    Plane,
    check_image,
    check_pair,
    planes,
    to_double,
)
from napari_denoise.metrics.pixel_sums import PixelSums, plane_sums, total

__all__ = [
    "BlindSpotError",
    "ResidualStatistics",
    "analyse_residual",
    "blind_spot_error",
    "checkerboard_score",
]

_TILE = 32
_BLIND_STRIDE = 4


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


def analyse_residual(noisy: Any, denoised: Any, *, max_lag: int = 5) -> Job[ResidualStatistics]:
    """Tell how white the residual is and whether it follows the signal, plane by plane.

    Noise that is correlated itself, as from interpolating or wide-field cameras, makes a
    residual that is: compare with the noise of a flat region before blaming the denoiser.

    Parameters
    ----------
    noisy, denoised : array-like, ``(...)YX``, same shape
        May be lazy.
    max_lag : int
        Largest lag in pixels.

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
        job = plane_sums(residual, after)
        sums.append((yield from nested(job, i / n_planes, i / n_planes)))
        residual -= residual.mean()
        for lag in range(max_lag + 1):
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
    return float(np.einsum("ij,ij->", later, earlier)) / later.size


def _statistics(products: npt.NDArray[np.float64], sums: PixelSums) -> ResidualStatistics:
    (residual, product), (_, signal) = sums.scatter
    variance = products[:, :1]
    correlations = products[:, 1:] / np.where(variance > 0, variance, np.nan)
    scale = math.sqrt(residual * signal)
    return ResidualStatistics(
        std=math.sqrt(residual / sums.n_pixels),
        along_y=tuple(correlations[0].tolist()),
        along_x=tuple(correlations[1].tolist()),
        signal_correlation=float(product / scale) if scale > 0 else math.nan,
        error=1 / math.sqrt(sums.n_pixels),
    )


def checkerboard_score(image: Any) -> Job[float]:
    """How much stronger the finest patterns are than slightly coarser ones, plane by plane.

    Networks with pooling, transposed convolutions or blind spots can leave patterns with a
    period of two pixels. Their energy (in rows, columns or as a checkerboard, whichever is
    strongest) is divided by that at periods of about 2.5 pixels, in a spectrum that is the mean
    over overlapping tiles of 32 pixels [1]_.

    Parameters
    ----------
    image : array-like, ``(...)YX``
        May be lazy.

    Returns
    -------
    float
        About 1 for white noise and less for smooth images; much more than 4 is a pattern.
        (A box filter scores 3: it lets periods of two pixels through, but none of three.) NaN
        for planes smaller than 32 pixels, 0 for constant ones.

    Raises
    ------
    InputError
        If the image has fewer than two axes, or a pixel is not finite.

    References
    ----------
    .. [1] Welch 1967, doi:10.1109/TAU.1967.1161901
    """
    image = check_image(image)
    if min(image.shape[-2:]) < _TILE:
        return math.nan
    power = np.zeros((_TILE, _TILE))
    rows = range(0, image.shape[-2] - _TILE + 1, _TILE // 2)
    n_planes = math.prod(image.shape[:-2])
    for i, place in enumerate(np.ndindex(*image.shape[:-2])):
        plane = to_double(image[place])
        for j, row in enumerate(rows):
            power += _tile_power(plane[row : row + _TILE])
            done = (i + (j + 1) / len(rows)) / n_planes
            yield Progress(fraction=done, message=f"plane {i + 1} of {n_planes}")
    return _finest_over_finer(power)


def _tile_power(strip: Plane) -> npt.NDArray[np.float64]:
    """Power spectrum summed over the half-overlapping tiles of a strip of rows."""
    tiles = np.lib.stride_tricks.sliding_window_view(strip, _TILE, axis=1)[:, :: _TILE // 2]
    tiles = tiles.transpose(1, 0, 2)
    window = np.outer(*[np.hanning(_TILE + 1)[:-1]] * 2)
    spectra = np.fft.fft2((tiles - tiles.mean(axis=(1, 2), keepdims=True)) * window)
    power: npt.NDArray[np.float64] = np.square(np.abs(spectra)).sum(axis=0)
    return power


def _finest_over_finer(power: npt.NDArray[np.float64]) -> float:
    """The strongest of three patterns, each over frequencies a little below in its direction.

    A window spreads a peak over its neighbours, so these are three and four bins away; and what
    it leaks of a smooth image lies along the axes, so they lie along them too.
    """
    finest = _TILE // 2
    below = [finest - 4, finest - 3, finest + 3, finest + 4]
    patterns = [
        (power[0, finest], power[0, below]),
        (power[finest, 0], power[below, 0]),
        (power[finest, finest], np.append(power[finest, below], power[below, finest])),
    ]
    return max(_ratio(float(peak), float(np.median(around))) for peak, around in patterns)


def _ratio(peak: float, around: float) -> float:
    if peak == 0:
        return 0.0
    return peak / around if around > 0 else math.inf


@dataclass(frozen=True, slots=True)
class BlindSpotError:
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


def blind_spot_error(
    denoise_tile: Callable[[FloatArray], Job[FloatArray]],
    noisy: npt.ArrayLike,
    *,
    noise_variance: float | None = None,
    n_passes: int = 4,
) -> Job[BlindSpotError]:
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
    grids = list(np.ndindex(*(min(_BLIND_STRIDE, size) for size in tile.shape[1:])))
    if not 1 <= n_passes <= len(grids):
        raise SettingsError(f"n_passes must be from 1 to {len(grids)} (given: {n_passes}).")
    interpolated = _mean_of_neighbours(tile)
    losses = []
    for i in range(n_passes):
        start = grids[i * len(grids) // n_passes]
        grid = (slice(None), *(slice(first, None, _BLIND_STRIDE) for first in start))
        blinded = tile.copy()
        blinded[grid] = interpolated[grid]
        message = f"pass {i + 1} of {n_passes}"
        job = denoise_tile(blinded)
        predicted = yield from nested(job, i / n_passes, (i + 1) / n_passes, message)
        losses.append(np.square(predicted[grid] - tile[grid], dtype=np.float64).ravel())
    return _blind_spot_error(np.concatenate(losses), noise_variance)


def _mean_of_neighbours(tile: FloatArray) -> FloatArray:
    """Mean of the pixels that share a side with each pixel of ``C(Z)YX``."""
    kernel = ndimage.generate_binary_structure(tile.ndim - 1, 1).astype(np.float32)
    kernel[(1,) * kernel.ndim] = 0
    means: FloatArray = ndimage.correlate(tile, kernel[np.newaxis] / kernel.sum(), mode="mirror")
    return means


def _blind_spot_error(squares: npt.NDArray[Any], noise_variance: float | None) -> BlindSpotError:
    loss = float(squares.mean())
    error = float(squares.std()) / math.sqrt(squares.size)
    mse = math.nan if noise_variance is None else loss - noise_variance
    return BlindSpotError(loss, error, mse)
