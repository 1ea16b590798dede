"""How a network is used with its normalisation: noisy pixels in, clean ones out, both in DN."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor

from napari_denoise.intensities import FloatArray
from napari_denoise.learning.architecture import Architecture, InstantArchitecture
from napari_denoise.learning.camera import Camera
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.instant_network import InstantNetwork
from napari_denoise.learning.methods import Example
from napari_denoise.learning.networks import UNet
from napari_denoise.learning.normalization import Normalization
from napari_denoise.learning.stabilization import (
    clean_plane,
    clean_planes,
    noise_variance,
    planes_around,
)
from napari_denoise.progress import Job, run

__all__ = ["Network", "make_network", "mean_squared_error", "restore"]

Network = UNet | InstantNetwork


def make_network(architecture: Architecture | InstantArchitecture) -> Network:
    """A network of this shape, as yet untrained."""
    match architecture:
        case Architecture():
            return UNet(architecture)
        case InstantArchitecture():
            return InstantNetwork(architecture)


def restore(
    network: Network, normalization: Normalization | Camera, tile: FloatArray, device: torch.device
) -> Job[FloatArray]:
    """Clean a ``C(Z)YX`` tile on the device that the network is on."""
    match normalization:
        case Normalization():
            batch = torch.from_numpy(normalization.apply(tile))[None].to(device)
            result = yield from cast("UNet", network).steps(batch)
            return normalization.undo(result[0].cpu().numpy())
        case Camera():
            planes = torch.from_numpy(tile.reshape(-1, *tile.shape[-2:])).to(device)
            job = clean_planes(cast("InstantNetwork", network), normalization, planes)
            cleaned, _ = yield from job
            return np.asarray(cleaned.cpu().numpy().reshape(tile.shape))


def mean_squared_error(
    network: Network, normalization: Normalization | Camera, example: Example, device: torch.device
) -> Tensor:
    """The loss: over the pixels that count, in units of the normalised image or of the noise."""
    match normalization:
        case Normalization():
            return _error_of_unet(cast("UNet", network), normalization, example, device)
        case Camera():
            instant = cast("InstantNetwork", network)
            return _error_of_instant(instant, normalization, example, device)


def _error_of_unet(
    network: UNet, normalization: Normalization, example: Example, device: torch.device
) -> Tensor:
    shown, target = (
        torch.from_numpy(np.stack([normalization.apply(patch) for patch in batch])).to(device)
        for batch in (example.shown, example.target)
    )
    weight = torch.from_numpy(example.weight).to(device)
    with mixed_precision(device, shown.ndim - 2):
        guess: Tensor = network(shown)
    # Sums over all pixels: picking out the weighted ones would not be deterministic on GPUs.
    squares = (guess.float() - target).square() * weight
    return squares.sum() / weight.sum()


def _error_of_instant(
    network: InstantNetwork, camera: Camera, example: Example, device: torch.device
) -> Tensor:
    """Of the middle plane, in intensities and not in stabilised values.

    So the best guess is the mean of all that may be there, and a noisy target does as well as a
    clean one. Weighing by the guess, and not by the target, leaves that so.
    """
    shown, target, weight = (
        torch.from_numpy(batch.reshape(len(batch), -1, *batch.shape[-2:])).to(device)
        for batch in (example.shown, example.target, example.weight)
    )
    n_planes, middle = shown.shape[1], shown.shape[1] // 2
    seen = shown[:, planes_around(middle, network.architecture.n_planes, n_planes)]
    with mixed_precision(device, 2):
        guess, _ = run(clean_plane(network, camera, seen))
    weight = weight[:, middle] / noise_variance(camera, guess.detach())
    squares = (guess - target[:, middle]).square() * weight
    return squares.mean()
