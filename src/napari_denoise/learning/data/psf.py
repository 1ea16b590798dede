"""The PSF that a network learns with: from numbers or measured, centred, and of a sum of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray, as_float32
from napari_denoise.core.errors import InputError, SettingsError

__all__ = ["check_psf_size", "gaussian_psf", "measured_psf"]

Doubles = npt.NDArray[np.float64]

_TRUNCATE = 3.0
"""A Gaussian PSF ends at this many sigma, where it has fallen to 1 % of its peak."""

# Trade-off: the last percent of the light lies far out, and a wide PSF takes large patches.
_LIGHT_KEPT = 0.99
"""Share of a measured PSF's light that is kept along each axis."""

_BARE = 1e-3
"""How close to one a sum has to be to say that a PSF has been normalised by someone."""


def gaussian_psf(sigmas: Sequence[float], patch_size: Sequence[int]) -> FloatArray:
    """A Gaussian that has room in a patch; along an axis of a single pixel there is no blur.

    Parameters
    ----------
    sigmas : sequence of float
        Standard deviation per spatial axis, in pixels.
    patch_size : sequence of int

    Raises
    ------
    SettingsError
        If it is about as wide as the patch or wider.
    """
    psf = np.ones((1,) * len(sigmas))
    for axis, (sigma, size) in enumerate(zip(sigmas, patch_size, strict=True)):
        # Wider than the patch, nothing could be learned of what it has blurred.
        if size > 1 and 2 * sigma > size:
            raise SettingsError(
                f"A blur of {sigma:.3g} pixels is too wide for patches of {_extent(patch_size)}. "
                f"Choose a larger patch_size, or check the PSF's settings."
            )
        # Odd sizes, so that there is a middle pixel; no wider than the patch.
        reach = min(round(_TRUNCATE * sigma), (size - 1) // 2)
        kernel = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / sigma))
        psf = psf * np.expand_dims(kernel, [i for i in range(len(sigmas)) if i != axis])
    return _normalized(psf)


def measured_psf(pixels: Any, n_spatial: int) -> FloatArray:
    """The image of a bead as a PSF: without background and empty surroundings, centred.

    The background is the median of the outermost pixels; what lies below it counts as no light.
    A PSF that sums to one already has none, and keeps its values.

    Parameters
    ----------
    pixels : array-like, ``(Z)YX``
        Further axes of length one are left out.
    n_spatial : int

    Raises
    ------
    InputError
        If it has other axes, NaN, or no light.
    """
    image = np.asarray(pixels).squeeze()
    if image.ndim != n_spatial or not image.size:
        raise InputError(
            f"The PSF has shape {np.shape(pixels)}, but the images are seen with {n_spatial} "
            f"spatial axes. Give a PSF with as many axes, such as its plane in focus."
        )
    light = _without_background(as_float32(image, "the PSF").astype(np.float64))
    if not light.any():
        raise InputError("The PSF is empty: no pixel is brighter than its border. Choose another.")
    return _normalized(_cut_out(light, _centre(light)))


def check_psf_size(psf: FloatArray, patch_size: Sequence[int]) -> None:
    """Refuse a PSF that is larger than the patches.

    Parameters
    ----------
    psf : array, ``(Z)YX``
    patch_size : sequence of int
        Pixels per spatial axis.

    Raises
    ------
    SettingsError
        With what to do.
    """
    if any(width > size for width, size in zip(psf.shape, patch_size, strict=True)):
        raise SettingsError(
            f"The PSF spreads over {_extent(psf.shape)} pixels, more than the patches of "
            f"{_extent(patch_size)}. Choose a patch_size of at least as many, or crop the PSF."
        )


def _without_background(light: Doubles) -> Doubles:
    interior = tuple(slice(1, -1) if size > 2 else slice(None) for size in light.shape)
    is_border = np.ones(light.shape, np.bool_)
    is_border[interior] = False
    # A kernel that sums to one comes from a program that has taken the background off already.
    is_bare = not is_border.any() or abs(light.sum() - 1) < _BARE
    return np.maximum(light if is_bare else light - np.median(light[is_border]), 0)


def _centre(light: Doubles) -> list[int]:
    """The pixel nearest to the centre of mass of what is brighter than half the peak."""
    # The brighter half alone: noise far from the bead would pull the centre of mass to the middle.
    bright = np.where(light >= light.max() / 2, light, 0)
    grids = np.indices(light.shape).reshape(light.ndim, -1)
    return [round(place) for place in (grids @ bright.ravel() / bright.sum()).tolist()]


def _cut_out(light: Doubles, centre: Sequence[int]) -> Doubles:
    """A box around the centre, as wide along each axis as the light; zero beyond the image."""
    box: Doubles = light
    for axis, place in enumerate(centre):
        along = np.moveaxis(light, axis, 0).reshape(light.shape[axis], -1).sum(axis=1)
        distance = np.abs(np.arange(len(along)) - place)
        # Light within each distance from the centre, both ways: the box stays symmetric.
        within = np.cumsum(np.bincount(distance, weights=along))
        reach = int(np.searchsorted(within, _LIGHT_KEPT * within[-1]))
        margins = [(0, 0)] * light.ndim
        margins[axis] = (reach, reach)
        box = np.pad(box, margins).take(range(place, place + 2 * reach + 1), axis=axis)
    return box


def _normalized(psf: Doubles) -> FloatArray:
    normalized: FloatArray = (psf / psf.sum()).astype(np.float32)
    return normalized


def _extent(sizes: Sequence[int]) -> str:
    return " × ".join(str(size) for size in sizes)
