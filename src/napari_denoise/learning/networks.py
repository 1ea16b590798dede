"""Every kind of network there is, by its architecture."""

from __future__ import annotations

from napari_denoise.learning.architecture import Architecture, InstantArchitecture
from napari_denoise.learning.instant_network import InstantNetwork
from napari_denoise.learning.unet import UNet

__all__ = ["Network", "make_network"]

Network = UNet | InstantNetwork


def make_network(architecture: Architecture | InstantArchitecture) -> Network:
    """A network of this shape, as yet untrained."""
    match architecture:
        case Architecture():
            return UNet(architecture)
        case InstantArchitecture():
            return InstantNetwork(architecture)
