"""``sweep``: models for several values of a setting, and a table of how good they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Annotated

import typer

from napari_denoise import registry
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
from napari_denoise.cli.progress_bar import run_with_bar
from napari_denoise.cli.training_images import Sources, open_sources
from napari_denoise.core.csv_table import save_csv
from napari_denoise.core.errors import FileError, InputError, SettingsError
from napari_denoise.core.settings import make_settings
from napari_denoise.evaluation.sweep import Reference, Trial, variants
from napari_denoise.evaluation.sweep import sweep_job as sweeping
from napari_denoise.io.images import read_image
from napari_denoise.metrics.pairs import check_pair

__all__ = ["sweep"]

_TITLES = ("value", "j_invariant_loss", "error", "psnr_db", "seconds", "model")


@dataclass(frozen=True, slots=True)
class _Row:
    value: str
    j_invariant_loss: float
    error: float
    psnr_db: float | None
    seconds: float
    model: str


def sweep(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="Images to learn from.")],
    *,
    method: Annotated[str, typer.Option(help="A learned method's name; see methods.")],
    vary: Annotated[
        str,
        typer.Option(
            metavar="NAME=VALUE,VALUE,…", help="The setting, and the values that are tried."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the models and the table; made if new.")],
    targets: Annotated[
        list[Path] | None,
        typer.Option("--target", metavar="TARGET", help="As for train."),
    ] = None,
    clean: Annotated[
        Path | None, typer.Option(help="Clean image of the first one: the PSNR is measured too.")
    ] = None,
    data_range: Annotated[
        float | None,
        typer.Option(help="Largest minus smallest possible intensity, for the PSNR.", min=0),
    ] = None,
    settings: Set = None,
    preset: Annotated[str, typer.Option(help="Begin with a preset of the method.")] = "",
    axes: Axes = None,
    spatial: SpatialAxes = Spatial.YX,
    channels: ChannelRole = Channels.INDEPENDENT,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a model for each value of a setting, and say which one predicts masked pixels best."""
    name, values = _parse(vary)
    given = parse_settings(settings)
    chosen = make_settings(registry.method_class(method), given, preset=preset)
    # For what it refuses: a value that does not suit is told before the files are opened.
    variants(chosen, name, values)
    if (clean is None) != (data_range is None):
        raise InputError("A PSNR needs both --clean and --data-range. Give both, or neither.")
    named = Sources(
        images=sources,
        targets=targets or (),
        axes=axes,
        spatial=spatial.value,
        channels=channels.value,
    )
    images = open_sources(named, chosen).images
    reference = None
    if clean and data_range:
        truth = read_image(clean, axes=axes).pixels
        check_pair(truth, images[0].pixels, ("The clean image", "the first noisy one"))
        reference = Reference(truth, data_range)
    _make_folder(out)
    rows: list[_Row] = []

    def keep(trial: Trial) -> None:
        # After each model, and the table anew: what is done is kept if the next one fails.
        rows.append(_save(trial, out / f"{method} {name}={trial.value}.safetensors"))
        save_csv(out / "sweep.csv", (name, *_TITLES[1:]), [asdict(r).values() for r in rows])

    job = sweeping(
        chosen,
        name,
        values,
        images,
        reference=reference,
        seed=seed,
        device=device,
        on_trial=keep,
    )
    run_with_bar(job, f"training {chosen.title} {len(values)} times")
    say(json.dumps([asdict(row) for row in rows]) if as_json else _table(name, rows))


def _parse(vary: str) -> tuple[str, list[str]]:
    name, equals, text = vary.partition("=")
    values = [value.strip() for value in text.split(",") if value.strip()]
    if not equals or not name.strip() or not values:
        raise SettingsError(f"--vary {vary!r} cannot be read. Write it as NAME=VALUE,VALUE.")
    return name.strip(), values


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder} is no folder that can be made. Choose another.") from error


def _save(trial: Trial, path: Path) -> _Row:
    from napari_denoise.learning.models.file import save_model  # noqa: PLC0415  # brings torch

    save_model(trial.model, path)
    return _Row(
        value=trial.value,
        j_invariant_loss=trial.j_invariant.loss,
        error=trial.j_invariant.error,
        psnr_db=None if isnan(trial.psnr) else trial.psnr,
        seconds=round(trial.seconds, 3),
        model=str(path),
    )


def _table(name: str, rows: Sequence[_Row]) -> str:
    width = max(len(name), *(len(row.value) for row in rows))
    lines = [f"{name:>{width}} {'J-invariant loss':>20} {'PSNR dB':>8} {'seconds':>8}"]
    for row in rows:
        loss = f"{row.j_invariant_loss:.5g} ± {row.error:.2g}"
        psnr = "" if row.psnr_db is None else f"{row.psnr_db:.2f}"
        lines.append(f"{row.value:>{width}} {loss:>20} {psnr:>8} {row.seconds:8.1f}")
    # By what can be told without a clean image, which is how one has to choose on real data.
    best = min(rows, key=lambda row: row.j_invariant_loss)
    lines.append(f"{name}={best.value} predicts masked pixels best → {best.model}")
    return "\n".join(lines)
