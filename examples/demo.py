"""The main job from end to end: ``python -m napari_denoise.demo [IMAGE]``.

A noisy image, a few methods on it, a table of how good and how fast they were, and napari with
the results side by side.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import napari
import numpy as np
import typer
from qtpy.QtWidgets import QApplication
from rich.console import Console
from rich.table import Table

from napari_denoise._napari.compare.widget import CompareWidget
from napari_denoise._napari.shared.results import result_layer
from napari_denoise.cli.progress_bar import run_with_bar
from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import DenoiseError, InputError
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.evaluation.comparison import Outcome, compare_methods_job
from napari_denoise.filters import Gaussian, Median
from napari_denoise.instant.denoiser import Instant
from napari_denoise.io.images import read_image
from napari_denoise.learning.methods import N2V
from napari_denoise.metrics import Scores, compare_job
from napari_denoise.noise import GaussianNoise, PoissonNoise, add_noise_job

__all__ = ["main"]

_METHODS = (Instant(), Gaussian(sigma=1.0), Median(size=3), N2V())
_PHOTONS, _READ_NOISE, _PEAK = 30.0, 60.0, 4000


@dataclass(frozen=True, slots=True)
class _Subject:
    """The image the demo works on, with what is known about it."""

    name: str
    noisy: Any
    axes: str
    scale: tuple[float, ...]
    units: tuple[str, ...]
    clean: Any = None
    data_range: float | None = None


def main(
    image: Annotated[
        Path | None, typer.Argument(help="A noisy image of your own; else one is made.")
    ] = None,
    *,
    reference: Annotated[Path | None, typer.Option(help="Its clean version.")] = None,
    screenshot: Annotated[
        Path | None, typer.Option(help="Write the window to this PNG and close it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of noise and training.")] = 0,
) -> None:
    """Denoise an image with a few methods, measure them, and show them side by side."""
    try:
        subject = _open(image, reference) if image else _make(seed)
        layout = Layout(subject.axes)
        sys.stdout.write(f"{subject.name}: {layout.describe(subject.noisy.shape)}\n")
        job = compare_methods_job(
            _METHODS,
            subject.noisy,
            layout,
            clean=subject.clean,
            data_range=subject.data_range,
            seed=seed,
        )
        outcomes = run_with_bar(job, "denoising")
        _print_table(subject, outcomes)
    except DenoiseError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from error
    _show(subject, outcomes, screenshot)


def _make(seed: int) -> _Subject:
    """A procedural scene with shot noise, then read noise."""
    rng = np.random.default_rng(seed)
    clean = np.rint(scene((512, 512), rng=rng) * _PEAK).astype(np.uint16)
    shot = run_with_bar(add_noise_job(PoissonNoise(photons=_PHOTONS), clean, rng=rng), "shot noise")
    noisy = run_with_bar(
        add_noise_job(GaussianNoise(sigma=_READ_NOISE), shot.image, rng=rng, dtype="float32"),
        "read noise",
    )
    pixel_um = 0.1
    return _Subject(
        "Cells", noisy.image, "YX", (pixel_um,) * 2, ("micrometer",) * 2, clean, float(_PEAK)
    )


def _open(path: Path, reference: Path | None) -> _Subject:
    noisy = read_image(path)
    clean = read_image(reference).pixels if reference else None
    if clean is not None and clean.shape != noisy.pixels.shape:
        raise InputError(
            f"{reference} has shape {clean.shape}, {path} {noisy.pixels.shape}. "
            f"Give a reference of the same shape."
        )
    data_range = None
    if clean is not None:
        is_8_bit = clean.dtype == np.uint8
        data_range = 255.0 if is_8_bit else float(clean.max().compute() - clean.min().compute())
    return _Subject(
        noisy.name, noisy.pixels, noisy.axes, noisy.scale, noisy.units, clean, data_range
    )


def _print_table(subject: _Subject, outcomes: Sequence[Outcome]) -> None:
    table = Table("Method", title=subject.name)
    for column in ("PSNR (dB)", "SSIM", "Time (s)"):
        table.add_column(column, justify="right")
    if subject.clean is not None and subject.data_range is not None:
        job = compare_job(subject.clean, subject.noisy, data_range=subject.data_range)
        table.add_row("noisy", *_in_words(run_with_bar(job, "measuring")), "")
    for outcome in outcomes:
        table.add_row(outcome.label, *_in_words(outcome.scores), f"{outcome.seconds:.2f}")
    Console().print(table)
    if subject.data_range is not None:
        sys.stdout.write(f"PSNR and SSIM for a data range of {subject.data_range:g}.\n")


def _in_words(scores: Scores | None) -> tuple[str, str]:
    return (f"{scores.psnr:.2f}", f"{scores.ssim:.4f}") if scores else ("–", "–")


def _show(subject: _Subject, outcomes: Sequence[Outcome], screenshot: Path | None) -> None:
    viewer = napari.Viewer(title="napari-denoise", show=True)
    place = {
        "scale": subject.scale,
        "units": subject.units,
        "axis_labels": tuple(subject.axes.lower()),
        "contrast_limits": _contrast(subject.noisy),
        "rgb": False,
    }
    noisy = viewer.add_image(subject.noisy, name=subject.name, **place)
    reference = noisy
    if subject.clean is not None:
        reference = viewer.add_image(subject.clean, name=f"{subject.name} · clean", **place)
        viewer.layers.move(1, 0)
    for outcome in outcomes:
        viewer.add_layer(result_layer(noisy, outcome.image, label=outcome.label))
    _, compare_dock = viewer.window.add_plugin_dock_widget("napari-denoise", "Compare")
    compare_dock.setReference(reference)
    compare_dock.showSideBySide()
    if subject.data_range is not None:
        compare_dock.setDataRange(subject.data_range)
        compare_dock.measure()
    if screenshot:
        _write_screenshot(viewer, compare_dock, screenshot)
    else:
        napari.run()


def _contrast(image: Any) -> tuple[float, float]:
    """Limits that show the first plane of a noisy image well."""
    plane = np.asarray(image[(0,) * (image.ndim - 2)])
    low, high = np.percentile(plane, (0.5, 99.8))
    return float(low), float(max(high, low + 1e-6))


def _write_screenshot(viewer: napari.Viewer, compare_dock: CompareWidget, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    viewer.window.resize(1500, 900)
    QApplication.processEvents()
    while compare_dock.is_measuring:
        QApplication.processEvents()
        time.sleep(0.01)
    viewer.fit_to_view()
    QApplication.processEvents()
    viewer.window.screenshot(str(path), canvas_only=False, flash=False)
    sys.stdout.write(f"The window: {path.resolve()}\n")
    viewer.close()


if __name__ == "__main__":
    typer.run(main)
