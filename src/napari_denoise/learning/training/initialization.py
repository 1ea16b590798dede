"""What a training starts with: a network, and the normalisation that it is going to live with."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Notice
from napari_denoise.learning.data.sampler import Patches, PatchSampler
from napari_denoise.learning.methods import (
    DecoNoising,
    DivNoising,
    PairedMethod,
    ProbabilisticMethod,
    TrainingMethod,
)
from napari_denoise.learning.models.model import Model
from napari_denoise.learning.networks.architecture import (
    Architecture,
    BlurredArchitecture,
    LadderArchitecture,
    choose_pooling,
)
from napari_denoise.learning.networks.blurred import BlurredNetwork
from napari_denoise.learning.networks.build import Network
from napari_denoise.learning.networks.ladder_vae import LadderNetwork
from napari_denoise.learning.networks.shipped import shipped_network
from napari_denoise.learning.networks.unet import UNet
from napari_denoise.learning.normalization import AnyNormalization
from napari_denoise.learning.normalization.camera import Camera
from napari_denoise.learning.normalization.light import Light
from napari_denoise.learning.normalization.linear import measure_normalization
from napari_denoise.learning.normalization.variance_stabilization import stabilized_pixels
from napari_denoise.learning.training.background import measure_background
from napari_denoise.learning.training.camera_estimation import measure_camera
from napari_denoise.learning.training.noise_model_estimation import measure_detector
from napari_denoise.noise.calibration.mean_variance import CORRELATED

__all__ = ["Start", "begin", "begin_with"]

_LEAST_CONTRAST = 0.1
"""In units of the noise: an image with less is taken to have that much."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a training begins."""

    network: Network
    normalization: AnyNormalization


def begin(
    method: TrainingMethod,
    sampler: PatchSampler,
    samples: Patches,
    *,
    seed: int,
    psf: FloatArray | None = None,
) -> Job[Start]:
    """Choose the network, and measure what it has to know of the images.

    Parameters
    ----------
    sampler : PatchSampler
    samples : Patches
        From all images.
    seed : int
        Of a fresh network's weights.
    psf : array, ``(Z)YX``, optional
        For methods that learn what is before the microscope's blur.

    Raises
    ------
    InputError
        If the images are constant.
    """
    if isinstance(method, PairedMethod) and method.start == "instant":
        try:
            return (yield from _from_instant(sampler, samples, seed))
        except InputError as error:
            message = f"{error} So the training starts from scratch."
            yield Notice(fraction=0.0, message=message)
    if isinstance(method, DecoNoising) and psf is not None:
        return (yield from _with_blur(method, sampler, samples, seed, psf))
    if isinstance(method, ProbabilisticMethod):
        return (yield from _with_detector(method, sampler, samples, seed))
    if isinstance(method, DivNoising):
        return (yield from _ladder(method, sampler, samples, seed))
    return _from_scratch(method, samples, seed)


def begin_with(model: Model) -> Start:
    """Start from the weights and the normalisation of a model, which stays as it is."""
    network: Network = deepcopy(model.network)
    return Start(network.requires_grad_(requires_grad=True), model.normalization)


def _from_scratch(method: TrainingMethod, samples: Patches, seed: int) -> Start:
    network = UNet(_architecture(method, samples), torch.Generator().manual_seed(seed))
    return Start(network, measure_normalization([samples.known_pixels()]))


def _with_blur(
    method: DecoNoising, sampler: PatchSampler, samples: Patches, seed: int, psf: FloatArray
) -> Job[Start]:
    """A network with a PSF behind it, for which the background is zero."""
    architecture = BlurredArchitecture(sharp=_architecture(method, samples), psf_size=psf.shape)
    rng = torch.Generator().manual_seed(seed)
    network = BlurredNetwork(architecture, rng, torch.from_numpy(psf))
    stds = measure_normalization([samples.known_pixels()]).stds
    given = method.background
    backgrounds = measure_background(samples) if given is None else (given,) * len(stds)
    camera = None
    if method.weighting == "noise":
        try:
            camera = yield from measure_camera(sampler, seed)
        except InputError as error:
            yield Notice(fraction=0.0, message=f"{error} So all pixels count alike.")
    return Start(network, Light(backgrounds=backgrounds, stds=stds, camera=camera))


def _with_detector(
    method: ProbabilisticMethod, sampler: PatchSampler, samples: Patches, seed: int
) -> Job[Start]:
    """A network that gives several answers for each pixel, and the noise to weigh them by."""
    detector = yield from measure_detector(method, sampler, samples, seed)
    network = UNet(_architecture(method, samples), torch.Generator().manual_seed(seed))
    return Start(network, detector)


def _architecture(method: TrainingMethod, samples: Patches) -> Architecture:
    n_channels, *patch_size = samples.shown.shape[1:]
    return method.network(n_channels, tuple(patch_size))


def _from_instant(sampler: PatchSampler, samples: Patches, seed: int) -> Job[Start]:
    if samples.shown.shape[1] > 1:
        raise InputError("The instant denoiser sees channels one at a time, not together.")
    camera = yield from measure_camera(sampler, seed)
    level = float(stabilized_pixels(camera, torch.from_numpy(samples.known_pixels())).mean())
    network = shipped_network(sampler.images[0].layout.n_spatial)
    return Start(network, camera.model_copy(update={"level": level}))


def _ladder(method: DivNoising, sampler: PatchSampler, samples: Patches, seed: int) -> Job[Start]:
    """A fresh ladder, and the camera whose noise it is to see through."""
    camera = yield from _camera_of(method, sampler, seed)
    values = stabilized_pixels(camera, torch.from_numpy(samples.known_pixels()))
    patch_size = samples.shown.shape[2:]
    architecture = LadderArchitecture(
        n_features=method.features_for(len(patch_size)),
        n_latents=method.n_latents,
        pooling=choose_pooling(patch_size, method.depth),
        contrast=max(float(values.std()), _LEAST_CONTRAST),
    )
    network = LadderNetwork(architecture, torch.Generator().manual_seed(seed))
    return Start(network, camera.model_copy(update={"level": float(values.mean())}))


def _camera_of(method: DivNoising, sampler: PatchSampler, seed: int) -> Job[Camera]:
    """The camera that was given, or what is measured.

    Raises
    ------
    InputError
        If it cannot be measured.
    """
    if method.gain is not None:
        return Camera(gain=method.gain, offset=method.offset, read_noise=method.read_noise)
    try:
        camera = yield from measure_camera(sampler, seed)
    except InputError as error:
        raise InputError(f"{error} Or give the camera's gain, offset and read_noise.") from error
    if max(camera.correlation) > CORRELATED:
        message = (
            f"Neighbouring pixels share noise (correlation {max(camera.correlation):.2f}), which "
            f"{method.title} cannot tell from signal: it will be in the result."
        )
        yield Notice(fraction=0.0, message=message)
    return camera
