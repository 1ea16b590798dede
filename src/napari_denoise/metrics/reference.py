"""Metrics against a clean image of the same scene.

The data range is never guessed: PSNR and SSIM mean nothing without it, and every published
number rests on one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.metrics import structural_similarity

from napari_denoise.errors import InputError
from napari_denoise.intensities import as_float32, check_pixels
from napari_denoise.progress import Job, Progress

__all__ = ["Scores", "compare", "nrmse", "psnr", "ssim"]

_SSIM_WINDOW = 11
"""Width in pixels of SSIM's Gaussian window of sigma 1.5, cut at 3.5 sigma."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How close an image comes to a clean one.

    Attributes
    ----------
    psnr : float
        Peak signal-to-noise ratio over all pixels, in dB; infinite for equal images.
    ssim : float
        Structural similarity, mean over planes, 1 for equal images; NaN if the planes are
        smaller than its window of 11 pixels.
    nrmse : float
        Root mean square error over the root mean square of the clean image.
    data_range : float
        The range PSNR and SSIM are given for, in the image's units.
    """

    psnr: float
    ssim: float
    nrmse: float
    data_range: float


def psnr(clean: npt.ArrayLike, image: npt.ArrayLike, *, data_range: float) -> float:
    """Peak signal-to-noise ratio in dB, over all pixels.

    Parameters
    ----------
    clean, image : array-like, same shape, any axes and real dtype
    data_range : float
        Difference of the largest and smallest possible intensity, 255 for 8-bit images.

    Raises
    ------
    InputError
        If the shapes differ, the range is not positive, or a pixel is not finite.
    """
    _check_pair(clean, image, data_range)
    return _psnr(_squared_error(_double(clean), _double(image)) / np.size(clean), data_range)


def nrmse(clean: npt.ArrayLike, image: npt.ArrayLike) -> float:
    """Root mean square error, relative to the root mean square of the clean image.

    Raises
    ------
    InputError
        If the shapes differ or a pixel is not finite.
    """
    _check_pair(clean, image, 1.0)
    reference = _double(clean)
    return _nrmse(_squared_error(reference, _double(image)), float(np.square(reference).sum()))


def ssim(clean: npt.ArrayLike, image: npt.ArrayLike, *, data_range: float) -> float:
    """Structural similarity [1]_, mean over the planes that the last two axes span.

    Gaussian weights of sigma 1.5 and population covariance, as in the original paper.

    Parameters
    ----------
    clean, image : array-like, ``(...)YX``, same shape
    data_range : float
        As for :func:`psnr`.

    Returns
    -------
    float
        1 for equal images; NaN if a plane is smaller than the window of 11 pixels.

    Raises
    ------
    InputError
        As for :func:`psnr`.

    References
    ----------
    .. [1] Wang, Bovik, Sheikh & Simoncelli 2004, doi:10.1109/TIP.2003.819861
    """
    _check_pair(clean, image, data_range)
    planes = zip(_planes(np.asarray(clean)), _planes(np.asarray(image)), strict=True)
    return float(np.mean([_plane_ssim(a, b, data_range) for a, b in planes]))


def compare(clean: Any, image: Any, *, data_range: float) -> Job[Scores]:
    """All metrics at once, reading one plane at a time.

    Parameters
    ----------
    clean, image : array-like, ``(...)YX``, same shape
        May be lazy.
    data_range : float
        As for :func:`psnr`.

    Raises
    ------
    InputError
        As for :func:`psnr`.
    """
    _check_pair(clean, image, data_range)
    n_planes = math.prod(clean.shape[:-2])
    error = power = similarity = 0.0
    pairs = zip(_planes(clean), _planes(image), strict=True)
    for i, (reference, plane) in enumerate(pairs):
        error += _squared_error(reference, plane)
        power += float(np.square(reference).sum())
        similarity += _plane_ssim(reference, plane, data_range)
        yield Progress(fraction=(i + 1) / n_planes, message=f"plane {i + 1} of {n_planes}")
    return Scores(
        psnr=_psnr(error / math.prod(clean.shape), data_range),
        ssim=similarity / n_planes,
        nrmse=_nrmse(error, power),
        data_range=data_range,
    )


def _check_pair(clean: Any, image: Any, data_range: float) -> None:
    clean, image = (a if hasattr(a, "shape") else np.asarray(a) for a in (clean, image))
    check_pixels(clean, "The clean image")
    check_pixels(image)
    if clean.shape != image.shape:
        raise InputError(
            f"The clean image has shape {tuple(clean.shape)}, the other {tuple(image.shape)}. "
            f"Compare images of the same shape."
        )
    if not (math.isfinite(data_range) and data_range > 0):
        raise InputError(
            f"A data range of {data_range} cannot be used. Give the difference of the largest and "
            f"the smallest possible intensity, such as 255."
        )


def _double(image: npt.ArrayLike) -> npt.NDArray[np.float64]:
    pixels = np.asarray(image)
    if pixels.dtype.kind == "f":
        as_float32(pixels)  # raises on NaN
    return pixels.astype(np.float64)


def _planes(image: Any) -> Iterator[npt.NDArray[np.float64]]:
    for place in np.ndindex(*image.shape[:-2]):
        yield _double(image[place])


def _squared_error(clean: npt.NDArray[np.float64], image: npt.NDArray[np.float64]) -> float:
    return float(np.square(clean - image).sum())


def _psnr(mean_squared_error: float, data_range: float) -> float:
    if mean_squared_error == 0:
        return math.inf
    return 10 * math.log10(data_range**2 / mean_squared_error)


def _nrmse(squared_error: float, power: float) -> float:
    if power == 0:
        return 0.0 if squared_error == 0 else math.inf
    return math.sqrt(squared_error / power)


def _plane_ssim(
    clean: npt.NDArray[np.float64], image: npt.NDArray[np.float64], data_range: float
) -> float:
    if min(clean.shape) < _SSIM_WINDOW:
        return math.nan
    return float(
        structural_similarity(
            clean,
            image,
            data_range=data_range,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )
