"""The noise of what is trained on, and its cameras, measured where they may be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import FileError, InputError
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.learning.data.images import TrainingImage, choose_patch_size
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.noise.calibration.result import Calibration
from napari_denoise.noise.calibration.single_image import calibrate_job

__all__ = ["as_camera", "measure_camera", "measure_cameras", "measure_noise"]

_N_CALIBRATED = 8
"""Images and channels that the camera is measured on."""

_N_LARGE, _LARGE = 32, {2: (128, 128), 3: (8, 128, 128)}
"""Patches, and their size, that several cameras are measured on at once."""

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


def measure_camera(sampler: PatchSampler, seed: int) -> Job[CameraNormalization]:
    """The median of the cameras found on some of the images.

    Raises
    ------
    InputError
        If none of them can be calibrated.
    """
    return as_camera((yield from measure_noise(sampler, n_images=_N_CALIBRATED, seed=seed)))


def measure_cameras(sampler: PatchSampler, seed: int) -> Job[tuple[CameraNormalization, ...]]:
    """One for each channel that is seen together with others.

    Raises
    ------
    InputError
        If one cannot be calibrated.
    """
    n_channels = sampler.images[0].unit_shape[0]
    if n_channels == 1:
        return ((yield from measure_camera(sampler, seed)),)
    size = _LARGE[len(sampler.patch_size)]
    sampler = sampler.resized(choose_patch_size(sampler.images, size))
    rng, patches = np.random.default_rng(seed), []
    for _ in range(_N_LARGE):
        yield from sampler.read_ahead(rng)
        yield Progress(fraction=0.0, message="measuring the cameras' noise")
        patches.append(sampler.draw_in_channel(rng)[1])
    cameras = []
    for channel in range(n_channels):
        planes = [patch[channel].reshape(-1, *patch.shape[-2:]) for patch in patches]
        job = calibrate_job(np.concatenate(planes), "SYX")
        cameras.append(as_camera([(yield from nested(job, 0.0, 0.0))]))
    return tuple(cameras)


def as_camera(found: Sequence[Calibration]) -> CameraNormalization:
    """The median of several calibrations."""

    def median(name: str) -> float:
        return float(np.median([getattr(each, name) for each in found]))

    return CameraNormalization(
        gain=median("gain"),
        offset=median("offset"),
        read_noise=median("read_noise"),
        correlation=(median("correlation_y"), median("correlation_x")),
    )
