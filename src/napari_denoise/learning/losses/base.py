"""What a network's answer means: how far off it is while it learns, and the image it stands for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.models.draws import Draws

__all__ = ["ANY_DRAWS", "Loss"]

ANY_DRAWS = Draws()
"""For networks that draw nothing, and tiles that are the whole image."""


class Loss(ABC):
    """Tells a network's answers apart into good and bad ones, and turns them into images.

    Parameters
    ----------
    device : torch.device
        That the networks are on.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @abstractmethod
    def loss(self, network: Any, batch: Batch) -> Tensor:
        """How far off the network is, over the pixels that count; a scalar with a gradient.

        Parameters
        ----------
        network : Network
            On the device.
        batch : Batch
            In the images' units.
        """

    @abstractmethod
    def predict(
        self, network: Any, tile: FloatArray, output: str = "image", draws: Draws = ANY_DRAWS
    ) -> Job[FloatArray]:
        """Turn a noisy ``C(Z)YX`` tile into a clean one, both in the image's units.

        Parameters
        ----------
        network : Network
            On the device.
        tile : array, axes C(Z)YX
        output : str
            Which of the method's ``outputs`` is asked for.
        draws : Draws
            Where the tile lies; and, for networks that draw random numbers, which.
        """

    def image_graph(self, network: Any) -> nn.Module | None:
        """A module from images ``NC(Z)YX`` to images, in their units, that can be traced.

        None if a result takes more than one pass of the network.
        """
        del network
        return None
