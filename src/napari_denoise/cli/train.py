"""``train``: a model from images."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_denoise.cli.checkpoint import check_paths, chosen_method, usual_roles
from napari_denoise.cli.options import (
    AsJson,
    Axes,
    Channels,
    Device,
    Seed,
    Set,
    Spatial,
    parse_settings,
)
from napari_denoise.cli.output import say
from napari_denoise.cli.progress_bar import run_with_bar
from napari_denoise.cli.simulate import parse_noises
from napari_denoise.cli.training_images import Sources, open_sources
from napari_denoise.learning.training.session import TrainingSession, unfinished_path

__all__ = ["train"]


def train(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="IN...", help="Images to learn from: files, folders, patterns."),
    ],
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
            help="For methods that learn from pairs: the other image of each, in the same order; "
            "or a folder with files of the same names.",
        ),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:SETTING=VALUE,…]",
            help="For methods that learn from clean images: the noise to add, as for simulate.",
        ),
    ] = None,
    regions: Annotated[
        list[Path] | None,
        typer.Option(
            "--region",
            metavar="MASK",
            help="Learn only where this image is not zero: one for all, or one for each, or a "
            "folder with files of the same names.",
        ),
    ] = None,
    settings: Set = None,
    preset: Annotated[
        str, typer.Option(help="Begin with a preset of the method, such as paper; see methods.")
    ] = "",
    axes: Axes = None,
    spatial: Annotated[
        Spatial | None,
        typer.Option(
            help="The axes a method treats as space.", show_default="YX, or those of the model"
        ),
    ] = None,
    channels: Annotated[
        Channels | None,
        typer.Option(
            help="Channels one at a time, or all at once.",
            show_default="independent, or as in the model",
        ),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a model. Ctrl-C once stops and keeps what was learned; twice discards it."""
    values: dict[str, Any] = dict(parse_settings(settings))
    if noise:
        values["noise"] = parse_noises(noise, {})
    chosen = chosen_method(method, values, preset, resume)
    check_paths(model, resume)
    usual_spatial, usual_channels = usual_roles(resume)
    given = open_sources(
        Sources(
            images=sources,
            targets=targets or (),
            regions=regions or (),
            axes=axes,
            spatial=(spatial or usual_spatial).value,
            channels=(channels or usual_channels).value,
        ),
        chosen,
    )
    session = TrainingSession(model, unfinished_path(model), given.skipped)
    start = time.perf_counter()
    job = session.train_job(chosen, given.images, seed=seed, device=device, resume=resume)
    try:
        trained = run_with_bar(job, f"training {chosen.title}", stoppable=True)
    except KeyboardInterrupt:
        if resume is None:
            session.discard()
        raise
    seconds = time.perf_counter() - start
    session.save(trained)
    last = trained.history[-1]
    report = {
        "method": chosen.tag(),
        "model": str(model),
        "steps": last.step,
        "seconds": round(seconds, 3),
        "loss": last.loss,
        "validation_loss": last.validation_loss,
        "seed": trained.recipe.seed,
        "is_finished": trained.checkpoint is None,
        "skipped": [{"image": each.name, "reason": each.reason} for each in session.skipped],
    }
    say(json.dumps(report) if as_json else _training_line(report))


def _training_line(report: dict[str, Any]) -> str:
    validation = report["validation_loss"]
    return (
        f"{report['steps']} steps in {report['seconds']:.1f} s, loss {report['loss']:.4g}"
        + (f", validation loss {validation:.4g}" if validation is not None else "")
        + (f", {len(report['skipped'])} skipped" if report["skipped"] else "")
        + f" → {report['model']}"
        + ("" if report["is_finished"] else f"\nTo go on: --resume {report['model']}")
    )
