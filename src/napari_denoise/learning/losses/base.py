"""What a network's answer means: how far off it is while it learns, and the image it stands for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job
from napari_denoise.learning.data.example import Example
from napari_denoise.learning.models.draws import Draws

__all__ = ["Objective"]


class Objective(ABC):
    """Tells a network's answers apart into good and bad ones, and turns them into images.

    Parameters
    ----------
    device : torch.device
        That the networks are on.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @abstractmethod
    def loss(self, network: Any, example: Example) -> Tensor:
        """How far off the network is, over the pixels that count; a scalar with a gradient."""

    @abstractmethod
    def restore(self, network: Any, tile: FloatArray, output: str = "image") -> Job[FloatArray]:
        """Turn a noisy ``C(Z)YX`` tile into a clean one, both in the image's units.

        Parameters
        ----------
        output : str
            Which of the method's ``outputs`` is asked for.
        """

    def restore_at(
        self, network: Any, tile: FloatArray, output: str, draws: Draws
    ) -> Job[FloatArray]:
        """As :meth:`restore`, for networks that draw random numbers: `draws` says which."""
        del draws
        return self.restore(network, tile, output)
