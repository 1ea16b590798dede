"""``denoise`` and ``apply``: a filter or a trained model on one image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_denoise import registry
from napari_denoise.cli.files import open_input, result_being_written, result_dtype, say_saved
from napari_denoise.cli.options import (
    Axes,
    Device,
    DType,
    Input,
    Output,
    Set,
    Spatial,
    SpatialAxes,
    parse_settings,
)
from napari_denoise.cli.output import say
from napari_denoise.cli.progress_bar import run_with_bar
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, check_input, recipe_of
from napari_denoise.core.denoiser import denoise_job as denoising
from napari_denoise.core.image import Image
from napari_denoise.core.settings import make_settings
from napari_denoise.evaluation import checked_job
from napari_denoise.filters.tuning.search import tune_job as tuning
from napari_denoise.learning.methods import SAMPLES
from napari_denoise.learning.models.zoo import denoiser_class_of

__all__ = ["apply", "denoise"]


def denoise(
    source: Input,
    out: Output,
    *,
    method: Annotated[str, typer.Option(help="Its name; see methods.")] = "instant",
    settings: Set = None,
    axes: Axes = None,
    spatial: SpatialAxes = Spatial.YX,
    dtype: DType = "float32",
    stabilize: Annotated[
        bool | None,
        typer.Option(
            help="Even out photon noise first; the camera is measured on the image.",
            show_default="on for filters that expect even noise, such as bm3d",
        ),
    ] = None,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune",
            help="Find the settings that suit the image, and print them; what is --set stays.",
        ),
    ] = False,
) -> None:
    """Clean an image, at once or with a filter."""
    given = parse_settings(settings)
    denoiser = registry.make_denoiser(method, given, stabilize=stabilize)
    image = open_input(source, axes, out)
    layout = Layout(image.axes, spatial.value)
    if tune:
        job = tuning(denoiser, image.pixels, layout, keep=given)
        found = run_with_bar(job, f"tuning {denoiser.label}")
        say(f"tuned: {found.summary()}")
        denoiser = found.denoiser
    _run(denoiser, image, layout, out, dtype)


def apply(
    source: Input,
    out: Output,
    *,
    model: Annotated[
        Path, typer.Option(help="Model file (.safetensors), or package of the zoo (.zip).")
    ],
    samples: Annotated[
        int | None,
        typer.Option(
            help="Draw so many of the images that may be behind the noisy one, along an axis S; "
            "for models that draw samples (divnoising).",
        ),
    ] = None,
    settings: Set = None,
    axes: Axes = None,
    dtype: DType = "float32",
    device: Device = "auto",
) -> None:
    """Apply a trained model."""
    given = {**parse_settings(settings), "path": model, "device": device}
    # The samples are an output of their own, along a new axis S.
    if samples is not None:
        given |= {"output": SAMPLES, "n_samples": samples}
    denoiser = make_settings(denoiser_class_of(model), given)
    image = open_input(source, axes, out)
    _run(denoiser, image, denoiser.layout_for(image.axes), out, dtype)


def _run(denoiser: Denoiser, image: Image, layout: Layout, out: Path, dtype: str) -> None:
    # All that can be refused is refused before the result's file is begun.
    kind = result_dtype(dtype, image)
    check_input(denoiser, image.pixels, layout)
    recipe = recipe_of(denoiser, image, layout, kind)
    n_stacked = denoiser.n_stacked
    with result_being_written(out, image, recipe, dtype=kind, n_stacked=n_stacked) as pixels:
        job = denoising(denoiser, image, layout, dtype=kind, out=pixels)
        job_with_check = checked_job(job, image)
        found = run_with_bar(job_with_check, f"applying {denoiser.label}")
    say_saved(out, kind, found.denoised.n_clipped)
    # Channels of one camera say the same; once is enough.
    for findings in dict.fromkeys(each.findings() for each in found.denoised.fitted):
        if findings:
            say(findings)
    if found.photometry:
        say(found.photometry.reason)
