"""The network gives the image itself: the mean of all that may be there."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job
from napari_denoise.learning.data.example import Example
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.losses.base import Objective
from napari_denoise.learning.normalization.linear import Normalization

__all__ = ["Regression"]


class Regression(Objective):
    """Mean square error, in units of the normalised image.

    Parameters
    ----------
    normalization : Normalization
    device : torch.device
    """

    def __init__(self, normalization: Normalization, device: torch.device) -> None:
        super().__init__(device)
        self.normalization = normalization

    def loss(self, network: Any, example: Example) -> Tensor:
        shown, target = self.normalized(example.shown), self.normalized(example.target)
        weight = torch.from_numpy(example.weight).to(self.device)
        with mixed_precision(self.device, shown.ndim - 2):
            guess: Tensor = network(shown)
        # Sums over all pixels: picking out the weighted ones would not be deterministic on GPUs.
        squares = (guess.float() - target).square() * weight
        # Of a small region there may be no hidden pixel in a whole batch.
        return squares.sum() / weight.sum().clamp(min=1)

    def restore(self, network: Any, tile: FloatArray, output: str = "image") -> Job[FloatArray]:
        del output
        result = yield from network.steps(self.normalized(tile[None]))
        return self.normalization.undo(result[0].cpu().numpy())

    def normalized(self, batch: FloatArray) -> Tensor:
        """Patches ``NC(Z)YX`` as the network sees them, on its device."""
        return torch.from_numpy(np.stack([self.normalization.apply(each) for each in batch])).to(
            self.device
        )
