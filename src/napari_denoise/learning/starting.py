"""What a training starts with: a network, and the normalisation that it is going to live with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from napari_denoise.errors import InputError
from napari_denoise.learning.architecture import Architecture, choose_pooling
from napari_denoise.learning.camera import Camera
from napari_denoise.learning.config import PairedMethod, TrainingMethod
from napari_denoise.learning.networks import Network
from napari_denoise.learning.normalization import Normalization, measure_normalization
from napari_denoise.learning.patches import TrainingImage
from napari_denoise.learning.pretrained import shipped_network
from napari_denoise.learning.sampler import Patches
from napari_denoise.learning.stabilization import stabilized_pixels
from napari_denoise.learning.unet import UNet
from napari_denoise.noise.calibrate import calibrate
from napari_denoise.noise.calibration import Calibration
from napari_denoise.progress import Job, Notice, nested

__all__ = ["Start", "begin"]

_N_CALIBRATED = 8
"""Images and channels that the camera is measured on."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a training begins."""

    network: Network
    normalization: Normalization | Camera


def begin(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    samples: Patches,
    *,
    seed: int,
) -> Job[Start]:
    """Choose the network, and measure what it has to know of the images.

    Parameters
    ----------
    images : sequence of TrainingImage
    samples : Patches
        Of all of them.
    seed : int
        Of a fresh network's weights.

    Raises
    ------
    InputError
        If the images are constant.
    """
    if isinstance(method, PairedMethod) and method.start == "instant":
        try:
            return (yield from _from_instant(images, samples))
        except InputError as error:
            message = f"{error} So the training starts from scratch."
            yield Notice(fraction=0.0, message=message)
    return _from_scratch(method, samples, seed)


def _from_scratch(method: TrainingMethod, samples: Patches, seed: int) -> Start:
    n_channels, *patch_size = samples.shown.shape[1:]
    architecture = Architecture(
        n_channels=n_channels,
        n_features=method.features_for(len(patch_size)),
        pooling=choose_pooling(tuple(patch_size), method.depth),
    )
    network = UNet(architecture, torch.Generator().manual_seed(seed))
    return Start(network, measure_normalization([samples.known_pixels()]))


def _from_instant(images: Sequence[TrainingImage], samples: Patches) -> Job[Start]:
    if samples.shown.shape[1] > 1:
        raise InputError("The instant denoiser sees channels one at a time, not together.")
    camera = yield from _measure_camera(images)
    level = float(stabilized_pixels(camera, torch.from_numpy(samples.known_pixels())).mean())
    network = shipped_network(images[0].layout.n_spatial)
    return Start(network, camera.model_copy(update={"level": level}))


def _measure_camera(images: Sequence[TrainingImage]) -> Job[Camera]:
    """The median of the cameras found on some of the images.

    Raises
    ------
    InputError
        If none of them can be calibrated.
    """
    places = [(image, channel) for image in images for channel in _channels(image)]
    found: list[Calibration] = []
    for image, channel in places[:: -(-len(places) // _N_CALIBRATED)]:
        job = calibrate(image.pixels, image.layout.axes, channel=channel)
        try:
            found.append((yield from nested(job, 0.0, 0.0, "measuring the camera's noise")))
        except InputError as error:
            problem = error
    if not found:
        raise problem

    def median(name: str) -> float:
        return float(np.median([getattr(each, name) for each in found]))

    return Camera(
        gain=median("gain"),
        offset=median("offset"),
        read_noise=median("read_noise"),
        correlation=(median("correlation_y"), median("correlation_x")),
    )


def _channels(image: TrainingImage) -> Sequence[int | None]:
    axes = image.layout.axes
    return range(image.pixels.shape[axes.index("C")]) if "C" in axes else (None,)
