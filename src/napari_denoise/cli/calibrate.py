"""``calibrate``: what detector an image comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_denoise.cli.options import AsJson, Axes, Input
from napari_denoise.cli.output import say
from napari_denoise.cli.progress_bar import run_with_bar
from napari_denoise.core.errors import SettingsError
from napari_denoise.io.images import read_image
from napari_denoise.noise import calibrate_job as calibration
from napari_denoise.noise import calibrate_repeats_job

__all__ = ["calibrate"]


def calibrate(
    source: Input,
    *,
    axes: Axes = None,
    channel: Annotated[
        int | None, typer.Option(help="Channel to measure, from 0; needed if there are several.")
    ] = None,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="The frames along T show one unchanging field.")
    ] = False,
    dark: Annotated[
        Path | None, typer.Option(help="Frames without light; with --repeats only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure gain, offset and read noise of a detector on one of its images."""
    if dark and not repeats:
        raise SettingsError("--dark needs repeats to go with it. Add --repeats.")
    image = read_image(source, axes=axes)
    if repeats:
        darkness = read_image(dark).pixels if dark else None
        job = calibrate_repeats_job(image.pixels, image.axes, dark=darkness, channel=channel)
    else:
        job = calibration(image.pixels, image.axes, channel=channel)
    found = run_with_bar(job, "measuring the noise")
    say(found.model_dump_json() if as_json else found.summary())
