"""The main job from end to end: ``python examples/demo.py [IMAGE]``.

A noisy image, a few methods on it, a table of how good and how fast they were, and napari with
the results side by side.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
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
from napari_denoise.core.image import Image
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
# Few photons, and a read noise of half a photon: what separates methods.
_PHOTONS, _READ_NOISE, _PEAK = 30.0, 60.0, 4000


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
        noisy, clean = _open(image, reference) if image else _make(seed)
        data_range = None if clean is None else _data_range(clean, is_made=image is None)
        layout = Layout(noisy.axes)
        sys.stdout.write(f"{noisy.name}: {layout.describe(noisy.shape)}\n")
        pixels = None if clean is None else clean.pixels
        job = compare_methods_job(
            _METHODS, noisy, layout, clean=pixels, data_range=data_range, seed=seed
        )
        outcomes = run_with_bar(job, "denoising")
        _print_table(noisy, clean, data_range, outcomes)
    except DenoiseError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from error
    _show(noisy, clean, data_range, outcomes, screenshot)


def _make(seed: int) -> tuple[Image, Image]:
    """A procedural scene with shot noise, then read noise, and without."""
    rng = np.random.default_rng(seed)
    clean = np.rint(scene((512, 512), rng=rng) * _PEAK).astype(np.uint16)
    shot = run_with_bar(add_noise_job(PoissonNoise(photons=_PHOTONS), clean, rng=rng), "shot noise")
    noisy = run_with_bar(
        add_noise_job(GaussianNoise(sigma=_READ_NOISE), shot.image, rng=rng, dtype="float32"),
        "read noise",
    )
    made = Image(noisy.image, "YX", scale=(0.1, 0.1), units=("micrometer",) * 2, name="Cells")
    return made, replace(made, pixels=clean, name="Cells · clean")


def _open(path: Path, reference: Path | None) -> tuple[Image, Image | None]:
    noisy = read_image(path)
    if reference is None:
        return noisy, None
    clean = replace(read_image(reference), name=f"{noisy.name} · clean")
    if clean.shape != noisy.shape:
        raise InputError(
            f"{reference} has shape {clean.shape}, {path} {noisy.shape}. "
            f"Give a reference of the same shape."
        )
    return noisy, clean


def _data_range(clean: Image, *, is_made: bool) -> float:
    """What PSNR is relative to: it is part of the number, and printed with it."""
    if is_made:
        return float(_PEAK)
    return 255.0 if clean.dtype == np.uint8 else float(np.ptp(np.asarray(clean)))


def _print_table(
    noisy: Image, clean: Image | None, data_range: float | None, outcomes: Sequence[Outcome]
) -> None:
    table = Table("Method", title=noisy.name)
    for column in ("PSNR (dB)", "SSIM", "Time (s)"):
        table.add_column(column, justify="right")
    if clean is not None and data_range is not None:
        job = compare_job(clean.pixels, noisy.pixels, data_range=data_range)
        table.add_row("noisy", *_in_words(run_with_bar(job, "measuring")), "")
    for outcome in outcomes:
        table.add_row(outcome.label, *_in_words(outcome.scores), f"{outcome.seconds:.2f}")
    Console().print(table)
    if data_range is not None:
        sys.stdout.write(f"PSNR and SSIM for a data range of {data_range:g}.\n")


def _in_words(scores: Scores | None) -> tuple[str, str]:
    return (f"{scores.psnr:.2f}", f"{scores.ssim:.4f}") if scores else ("–", "–")


def _show(
    noisy: Image,
    clean: Image | None,
    data_range: float | None,
    outcomes: Sequence[Outcome],
    screenshot: Path | None,
) -> None:
    viewer = napari.Viewer(title="napari-denoise", show=True)
    place = {
        "scale": noisy.scale,
        "units": noisy.units,
        "axis_labels": tuple(noisy.axes.lower()),
        "contrast_limits": _contrast(noisy.pixels),
        "rgb": False,
    }
    layer = viewer.add_image(noisy.pixels, name=noisy.name, **place)
    reference = layer
    if clean is not None:
        reference = viewer.add_image(clean.pixels, name=clean.name, **place)
        viewer.layers.move(1, 0)
    for outcome in outcomes:
        viewer.add_layer(result_layer(layer, outcome.image, label=outcome.label))
    _, compare_dock = viewer.window.add_plugin_dock_widget("napari-denoise", "Compare")
    compare_dock.setReference(reference)
    compare_dock.showSideBySide()
    if data_range is not None:
        compare_dock.setDataRange(data_range)
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
    # The picture is of the numbers too, so they have to be there.
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
