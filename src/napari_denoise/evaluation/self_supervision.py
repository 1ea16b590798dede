"""The error of a denoised image, estimated with the denoiser its recipe names."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.denoiser import Denoiser
from napari_denoise.core.errors import DenoiseError, InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.tiling import Place
from napari_denoise.metrics import JInvariantError, j_invariant_error_job
from napari_denoise.noise import calibrate_job
from napari_denoise.registry import denoiser_of

__all__ = ["estimate_error_job", "estimate_error_of_job"]

_TILE = {2: (256, 256), 3: (16, 128, 128)}
"""Pixels that the estimate is made on, from the middle: the filter has to run four times."""


def estimate_error_job(noisy: Image, recipe: Recipe) -> Job[JInvariantError]:
    """Estimate the error of the recipe's denoiser on a crop from the middle of the noisy image.

    Raises
    ------
    InputError
        If the denoiser cannot be had again from the recipe.
    """
    denoiser = denoiser_of(recipe)
    if denoiser is None:
        raise InputError("The recipe names no denoiser that could be run again.")
    layout = Layout(noisy.axes, recipe.spatial or "YX", _channels(recipe))
    return (yield from estimate_error_of_job(denoiser, noisy.pixels, layout))


def estimate_error_of_job(denoiser: Denoiser, pixels: Any, layout: Layout) -> Job[JInvariantError]:
    """Estimate a denoiser's error on a crop from the middle of a noisy image.

    Parameters
    ----------
    pixels : array-like, axes as in `layout`
    """
    shape = tuple(pixels.shape)
    units = list(layout.units(shape))
    unit = units[len(units) // 2]
    # From the middle of the stack: first planes are often empty, first frames not yet bleached.
    tile = layout.read(pixels, unit, _middle(layout, shape))
    job = denoiser.fitted(pixels, layout, [unit])
    fitted = yield from nested(job, 0.0, 0.1)
    variance = yield from nested(_noise_variance(pixels, layout, unit, tile), 0.1, 0.2)
    with fitted.prepare() as session:
        clean = partial(session.denoise_tile, place=Place())
        job_of_all = j_invariant_error_job(clean, tile, noise_variance=variance)
        return (yield from nested(job_of_all, 0.2, 1.0))


def _channels(recipe: Recipe) -> Any:
    return recipe.channels or "independent"


def _middle(layout: Layout, shape: tuple[int, ...]) -> tuple[slice, ...]:
    sizes = layout.unit_shape(shape)[1:]
    spans = []
    for size, wanted in zip(sizes, _TILE[layout.n_spatial], strict=True):
        start = max(0, (size - wanted) // 2)
        spans.append(slice(start, min(size, start + wanted)))
    return tuple(spans)


def _noise_variance(pixels: Any, layout: Layout, unit: UnitIndex, tile: Any) -> Job[float | None]:
    """Mean variance of the noise; None where it cannot be measured."""
    try:
        found = yield from calibrate_job(pixels, layout.axes, channel=layout.channel_of(unit))
    except DenoiseError:
        return None
    variance = float(found.variance(tile).mean())
    return variance if found.reliable and math.isfinite(variance) else None
