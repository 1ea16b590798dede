"""Every kind of network there is, by its architecture."""

from __future__ import annotations

from napari_denoise.learning.architecture import (
    Architecture,
    BlurredArchitecture,
    InstantArchitecture,
)
from napari_denoise.learning.blurred_network import BlurredNetwork
from napari_denoise.learning.instant_network import InstantNetwork
from napari_denoise.learning.unet import UNet

__all__ = ["Network", "make_network"]

Network = UNet | BlurredNetwork | InstantNetwork


def make_network(
    architecture: Architecture | BlurredArchitecture | InstantArchitecture,
) -> Network:
    """A network of this shape, as yet untrained."""
    match architecture:
        case Architecture():
            return UNet(architecture)
        case BlurredArchitecture():
            return BlurredNetwork(architecture)
        case InstantArchitecture():
            return InstantNetwork(architecture)
