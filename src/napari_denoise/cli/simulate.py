"""``simulate``: noise on a clean image."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer

from napari_denoise import registry
from napari_denoise.cli.files import open_input, result_dtype, save_result
from napari_denoise.cli.options import Axes, DType, Input, Output, Seed, Set, parse_settings
from napari_denoise.console import run_with_bar
from napari_denoise.noise import add_noise
from napari_denoise.recipe import Recipe
from napari_denoise.settings import make_settings

__all__ = ["simulate"]

_NOISE_NAMES = ", ".join(noise.tag() for noise in registry.NOISES)


def simulate(
    source: Input,
    out: Output,
    *,
    noise: Annotated[str, typer.Option(help=f"One of: {_NOISE_NAMES}.")],
    settings: Set = None,
    seed: Seed = 0,
    axes: Axes = None,
    dtype: DType = "same",
) -> None:
    """Add simulated noise to a clean image."""
    model = make_settings(registry.noise_class(noise), parse_settings(settings))
    image = open_input(source, axes, out)
    rng = np.random.default_rng(seed)
    kind = result_dtype(dtype, image)
    result = run_with_bar(
        add_noise(model, image.pixels, rng=rng, axes=image.axes, dtype=kind),
        f"adding {model.title}",
    )
    recipe = Recipe.of(
        "simulate",
        model,
        dtype=str(kind),
        seed=seed,
        source=image.name,
        axes=image.axes,
        previous=image.recipe,
    )
    save_result(out, result.image, image, recipe, result.n_clipped)
