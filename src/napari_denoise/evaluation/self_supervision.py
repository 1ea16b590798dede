"""The error of a denoised image, estimated with the denoiser its recipe names."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from napari_denoise import registry
from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.denoiser import Denoiser
from napari_denoise.core.errors import DenoiseError, InputError, SettingsError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.settings import make_settings
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.metrics import JInvariantError, j_invariant_error_job
from napari_denoise.noise import calibrate_job

__all__ = ["denoiser_of", "estimate_error", "estimate_error_of"]

_TILE = {2: (256, 256), 3: (16, 128, 128)}
"""Pixels that the estimate is made on, from the middle: the filter has to run four times."""


def denoiser_of(recipe: Recipe | None) -> Denoiser | None:
    """The denoiser that a recipe names; None if there is none, or it cannot be had again."""
    if recipe is None or recipe.operation != "denoise":
        return None
    settings = recipe.settings
    try:
        if settings.get("name") == "stabilized":
            return make_settings(Stabilized, settings)
        if path := settings.get("path"):
            return make_settings(ModelDenoiser, settings) if Path(str(path)).exists() else None
        return make_settings(registry.denoiser_class(str(settings.get("name"))), settings)
    except SettingsError:
        return None


def estimate_error(noisy: Image, recipe: Recipe) -> Job[JInvariantError]:
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
    return (yield from estimate_error_of(denoiser, noisy.pixels, layout))


def estimate_error_of(denoiser: Denoiser, pixels: Any, layout: Layout) -> Job[JInvariantError]:
    """Estimate a denoiser's error on a crop from the middle of a noisy image.

    Parameters
    ----------
    pixels : array-like, axes as in `layout`
    """
    shape = tuple(pixels.shape)
    units = list(layout.units(shape))
    unit = units[len(units) // 2]
    tile = layout.read(pixels, unit, _middle(layout, shape))
    try:
        job = denoiser.fitted(pixels, layout, [unit])
        fitted = yield from nested(job, 0.0, 0.1)
        variance = yield from nested(_noise_variance(pixels, layout, unit, tile), 0.1, 0.2)
        job_of_all = j_invariant_error_job(fitted.denoise_tile, tile, noise_variance=variance)
        return (yield from nested(job_of_all, 0.2, 1.0))
    finally:
        denoiser.release()


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
