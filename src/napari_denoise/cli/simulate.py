"""``simulate``: noise on a clean image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import typer

from napari_denoise import registry
from napari_denoise.cli.files import open_input, result_dtype, save_result
from napari_denoise.cli.options import Axes, DType, Input, Output, Seed, Set, parse_settings
from napari_denoise.cli.progress_bar import run_with_bar
from napari_denoise.core.errors import AxesError, SettingsError
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.settings import make_settings
from napari_denoise.noise import (
    PRESETS,
    Composite,
    Noise,
    add_noise_job,
    dose_series_job,
    preset,
)

__all__ = ["simulate"]

_NAMES = ", ".join(noise.tag() for noise in registry.NOISES)
_PRESETS = ", ".join(known.name for known in PRESETS)


def simulate(
    source: Input,
    out: Output,
    *,
    noise: Annotated[
        list[str],
        typer.Option(
            metavar="NAME[:SETTING=VALUE,…]",
            help=f"One of: {_NAMES}; or a preset: {_PRESETS}. Several are added in their order: "
            "--noise bleaching:remaining=0.5 --noise poisson:photons=20 --noise stripes.",
        ),
    ],
    settings: Set = None,
    doses: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE,…",
            help="A series of lower exposures, such as 1,0.5,0.25, along a new first axis S.",
        ),
    ] = None,
    seed: Seed = 0,
    axes: Axes = None,
    dtype: DType = "same",
) -> None:
    """Add simulated noise to a clean image; whole numbers are rounded, saturate, never wrap."""
    model = parse_noises(noise, parse_settings(settings))
    shares = _parse_doses(doses) if doses else ()
    image = open_input(source, axes, out)
    kind = result_dtype(dtype, image)
    given: dict[str, Any] = {"axes": image.axes, "dtype": kind}
    given["rng"] = np.random.default_rng(seed)
    recipe = Recipe.of(
        "simulate",
        model,
        dtype=str(kind),
        seed=seed,
        doses=shares,
        source=image.name,
        axes=image.axes,
        previous=image.recipe,
    )
    if shares:
        _check_has_no_samples(image)
        job = dose_series_job(model, image.pixels, shares, **given)
    else:
        job = add_noise_job(model, image.pixels, **given)
    result = run_with_bar(job, f"adding {model.label}")
    save_result(out, result.image, image, recipe, result.n_clipped)


def parse_noises(texts: Sequence[str], settings: dict[str, str]) -> Noise:
    """The noises given as NAME or NAME:SETTING=VALUE,…; a single one may have `settings` apart.

    Raises
    ------
    SettingsError
        If a name or setting is unknown, or it is not clear whose the settings are.
    """
    if settings and len(texts) > 1:
        raise SettingsError(
            "With several --noise it is not clear whose --set is. Write settings behind the name: "
            "--noise poisson:photons=20."
        )
    return Composite.of([_parse_noise(text, settings) for text in texts])


def _parse_noise(text: str, settings: dict[str, str]) -> Noise:
    name, _, rest = text.partition(":")
    # A comma inside a value, as in a file's name, is followed by no "setting=".
    own = {**parse_settings(re.split(r",(?=\w+=)", rest) if rest else ()), **settings}
    if name not in [known.name for known in PRESETS]:
        return make_settings(registry.noise_class(name), own)
    base = preset(name)
    # Only what the preset sets itself, so that new defaults of the class hold for it too.
    return make_settings(type(base), {**base.model_dump(exclude_unset=True), **own})


def _parse_doses(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise SettingsError(
            f"--doses {text!r} cannot be read. Give shares of the full exposure, such as 1,0.5."
        ) from error


def _check_has_no_samples(image: Image) -> None:
    if "S" in image.axes:
        raise AxesError(
            "A series of doses lies along S, which the image has already. Give one sample at a "
            "time, or other --axes."
        )
