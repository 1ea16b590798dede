"""Every kind of network there is, by its architecture."""

from __future__ import annotations

from napari_denoise.learning.networks.architecture import (
    AnyArchitecture,
    Architecture,
    BlurredArchitecture,
    InstantArchitecture,
    LadderArchitecture,
)
from napari_denoise.learning.networks.blurred import BlurredNetwork
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.networks.ladder_vae import LadderNetwork
from napari_denoise.learning.networks.unet import UNet

__all__ = ["Network", "make_network"]

Network = UNet | BlurredNetwork | InstantNetwork | LadderNetwork


def make_network(architecture: AnyArchitecture) -> Network:
    """A network of this shape, as yet untrained."""
    match architecture:
        case Architecture():
            return UNet(architecture)
        case BlurredArchitecture():
            return BlurredNetwork(architecture)
        case InstantArchitecture():
            return InstantNetwork(architecture)
        case LadderArchitecture():
            return LadderNetwork(architecture)
