"""``measure``: how good an image is."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_denoise.cli.files import planes_last
from napari_denoise.cli.options import AsJson, Axes
from napari_denoise.cli.output import say
from napari_denoise.console import run_with_bar
from napari_denoise.io.images import read_image
from napari_denoise.metrics import compare

__all__ = ["measure"]


def measure(
    clean: Annotated[Path, typer.Argument(metavar="CLEAN", help="The reference.")],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The image to measure.")],
    *,
    data_range: Annotated[
        float, typer.Option(help="Largest minus smallest possible intensity; 255 for 8 bit.")
    ],
    axes: Axes = None,
    as_json: AsJson = False,
) -> None:
    """PSNR, SSIM and NRMSE against a clean image."""
    reference, other = (read_image(path, axes=axes) for path in (clean, image))
    job = compare(planes_last(reference), planes_last(other), data_range=data_range)
    scores = asdict(run_with_bar(job, "measuring"))
    if as_json:
        finite = {k: v if math.isfinite(v) else None for k, v in scores.items()}
        say(json.dumps(finite))
    else:
        say(
            f"PSNR {scores['psnr']:.2f} dB (data range {data_range:g})   "
            f"SSIM {scores['ssim']:.4f}   NRMSE {scores['nrmse']:.4f}"
        )
