"""The noise of what is trained on, measured where it may be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import FileError, InputError
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.noise.calibration.result import Calibration
from napari_denoise.noise.calibration.single_image import calibrate_job

__all__ = ["measure_noise"]

_N_PATCHES = 128
"""Patches that it is measured on where images are not taken whole."""


def measure_noise(sampler: PatchSampler, *, n_images: int, seed: int = 0) -> Job[list[Calibration]]:
    """Calibrate some of the images, channel by channel.

    Where noise is added to clean images, or there is a region, it is measured on patches of all of
    them.

    Parameters
    ----------
    n_images : int
        Images and channels that are measured, at most.
    seed : int
        Of the patches.

    Raises
    ------
    InputError, FileError
        If none of them can be calibrated.
    """
    if sampler.is_noise_added or any(image.region is not None for image in sampler.images):
        jobs = yield from _of_patches(sampler, seed)
    else:
        jobs = _of_images(sampler.images, n_images)
    found: list[Calibration] = []
    for job in jobs:
        try:
            found.append((yield from nested(job, 0.0, 0.0, "measuring the camera's noise")))
        except (InputError, FileError) as error:
            problem = error
    if not found:
        raise problem
    return found


def _of_images(images: Sequence[TrainingImage], n_images: int) -> list[Job[Calibration]]:
    places = [(image, channel) for image in images for channel in _channels(image)]
    return [
        calibrate_job(image.pixels, image.layout.axes, channel=channel)
        for image, channel in places[:: -(-len(places) // n_images)]
    ]


def _of_patches(sampler: PatchSampler, seed: int) -> Job[list[Job[Calibration]]]:
    """On what the network sees."""
    rng = np.random.default_rng(seed)
    planes: dict[int | None, list[FloatArray]] = {}
    for _ in range(_N_PATCHES):
        yield from sampler.read_ahead(rng)
        yield Progress(fraction=0.0, message="measuring the camera's noise")
        channel, patch = sampler.draw_in_channel(rng)
        planes.setdefault(channel, []).append(patch.reshape(-1, *patch.shape[-2:]))
    return [calibrate_job(np.concatenate(own), "SYX") for own in planes.values()]


def _channels(image: TrainingImage) -> Sequence[int | None]:
    axes = image.layout.axes
    return range(image.pixels.shape[axes.index("C")]) if "C" in axes else (None,)
