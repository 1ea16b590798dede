"""``train``: a model from images."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_denoise.axes import Layout
from napari_denoise.cli.options import (
    AsJson,
    Axes,
    ChannelRole,
    Channels,
    Device,
    Seed,
    Set,
    Spatial,
    SpatialAxes,
    parse_settings,
)
from napari_denoise.cli.output import say
from napari_denoise.cli.resuming import check_paths, chosen_method, unfinished_path
from napari_denoise.console import run_with_bar
from napari_denoise.errors import AxesError, InputError
from napari_denoise.io.images import Image, read_image
from napari_denoise.io.units import pixel_size_um
from napari_denoise.learning.patches import TrainingImage

__all__ = ["train"]


def train(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="Images to learn from.")],
    *,
    model: Annotated[Path, typer.Option(help="Model file to write (.safetensors).")],
    method: Annotated[
        str,
        typer.Option(help="A learned method's name; see methods. Not needed with --resume."),
    ] = "",
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            help="Train this model further: an interrupted training goes on to its end, a finished "
            "model gets another training of n_steps, on these or other images. Settings that "
            "are not given are the model's.",
        ),
    ] = None,
    targets: Annotated[
        list[Path] | None,
        typer.Option(
            "--target",
            metavar="TARGET",
            help="For methods that learn from pairs: the other image of each, in the same order.",
        ),
    ] = None,
    settings: Set = None,
    preset: Annotated[
        str, typer.Option(help="Begin with a preset of the method, such as paper; see methods.")
    ] = "",
    axes: Axes = None,
    spatial: SpatialAxes = Spatial.YX,
    channels: ChannelRole = Channels.INDEPENDENT,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a model. Ctrl-C once stops and keeps what was learned; twice discards it."""
    chosen = chosen_method(method, parse_settings(settings), preset, resume)
    check_paths(model, resume)
    stacks = [
        TrainingImage(
            pixels=image.pixels,
            layout=Layout(image.axes, spatial.value, channels.value),
            name=image.name,
            target=target.pixels if target else None,
            target_name=target.name if target else "",
            pixel_size_um=pixel_size_um(image.axes, image.scale, image.units, spatial.value),
        )
        for image, target in _read_pairs(sources, targets or [], axes)
    ]
    from napari_denoise.learning.bundle import load_model, save_model  # noqa: PLC0415
    from napari_denoise.learning.training import train as training  # noqa: PLC0415

    start = time.perf_counter()
    unfinished = unfinished_path(model)
    job = training(
        chosen,
        stacks,
        seed=seed,
        device=device,
        resume=load_model(resume) if resume else None,
        autosave=unfinished,
    )
    try:
        trained = run_with_bar(job, f"training {chosen.title}", stoppable=True)
    except KeyboardInterrupt:
        if resume is None:
            unfinished.unlink(missing_ok=True)
        raise
    seconds = time.perf_counter() - start
    save_model(trained, model)
    unfinished.unlink(missing_ok=True)
    last = trained.history[-1]
    report = {
        "method": chosen.tag(),
        "model": str(model),
        "steps": last.step,
        "seconds": round(seconds, 3),
        "loss": last.loss,
        "validation_loss": last.validation_loss,
        "seed": trained.recipe.seed,
        "is_finished": trained.state is None,
    }
    say(json.dumps(report) if as_json else _training_line(report))


def _read_pairs(
    sources: list[Path], targets: list[Path], axes: str | None
) -> list[tuple[Image, Image | None]]:
    """Each image with its target, or with None.

    Raises
    ------
    InputError
        If there are not as many targets as images.
    AxesError
        If an image and its target differ in axes.
    """
    if targets and len(targets) != len(sources):
        raise InputError(
            f"The number of images ({len(sources)}) and of targets ({len(targets)}) differs. "
            f"Give --target once for each image, in the same order."
        )
    images, others = (
        [read_image(path, axes=axes) for path in paths] for paths in (sources, targets)
    )
    for image, other in zip(images, others, strict=False):
        if image.axes != other.axes:
            raise AxesError(
                f"{image.name} has axes {image.axes}, its target {other.name} has {other.axes}. "
                f"Say with --axes what the axes of both are."
            )
    nobody: list[Image | None] = [None] * len(images)
    return list(zip(images, others or nobody, strict=True))


def _training_line(report: dict[str, Any]) -> str:
    validation = report["validation_loss"]
    return (
        f"{report['steps']} steps in {report['seconds']:.1f} s, loss {report['loss']:.4g}"
        + (f", validation loss {validation:.4g}" if validation is not None else "")
        + f" → {report['model']}"
        + ("" if report["is_finished"] else f"\nTo go on: --resume {report['model']}")
    )
