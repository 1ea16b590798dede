"""Measuring several layers against one, as a job."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_denoise._napari.layers import Source
from napari_denoise.errors import InputError
from napari_denoise.intensities import as_float32, check_pixels
from napari_denoise.metrics import Scores, compare
from napari_denoise.progress import Job, Progress, nested

__all__ = ["max_minus_min", "measure"]


def measure(
    clean: Source, images: Sequence[Source], *, data_range: float | None
) -> Job[tuple[Scores, ...]]:
    """Compare each image with the clean one.

    Parameters
    ----------
    clean, images : Source
        Of the same axes and shape.
    data_range : float or None
        What PSNR and SSIM are given for; the clean image's maximum minus its minimum if None.

    Raises
    ------
    InputError
        If shapes differ, a pixel is not finite, or the clean image is constant.
    """
    n_parts = len(images) + (data_range is None)
    n_done = 0
    reference = _planes_last(clean)
    if data_range is None:
        measuring = max_minus_min(reference)
        data_range = yield from nested(measuring, 0.0, 1 / n_parts, f"Measuring {clean.name}")
        n_done = 1
    scores = []
    for image in images:
        part = n_done / n_parts, (n_done + 1) / n_parts
        comparing = compare(reference, _planes_last(image), data_range=data_range)
        scores.append((yield from nested(comparing, *part, f"Measuring {image.name}")))
        n_done += 1
    return tuple(scores)


def max_minus_min(pixels: Any) -> Job[float]:
    """The range of an image's intensities, read plane by plane.

    Raises
    ------
    InputError
        If the image is empty or constant, or a pixel is not finite.
    """
    check_pixels(pixels, "The reference")
    low, high = math.inf, -math.inf
    planes = list(np.ndindex(*pixels.shape[:-2]))
    for i, plane in enumerate(planes):
        values = as_float32(pixels[plane], "The reference")
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        yield Progress(fraction=(i + 1) / len(planes))
    if high == low:
        raise InputError(
            f"The reference is {low:g} everywhere, so maximum minus minimum gives no data range. "
            f"Give a value of your own."
        )
    return high - low


def _planes_last(source: Source) -> Any:
    """The pixels with Y and X as their last axes, still lazy."""
    order = sorted(range(len(source.axes)), key=lambda i: "YX".find(source.axes[i]))
    return source.pixels.transpose(order) if order != sorted(order) else source.pixels
