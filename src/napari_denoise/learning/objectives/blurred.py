"""The network gives the image before the microscope blurred it; blurred again it is the image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from napari_denoise.intensities import FloatArray
from napari_denoise.learning.config.deconvolving import DECONVOLVED
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.examples import Example
from napari_denoise.learning.normalization import Normalization
from napari_denoise.learning.objectives.regression import Regression
from napari_denoise.progress import Job

__all__ = ["BlurredRegression"]


class BlurredRegression(Regression):
    """Mean square error of the blurred answer, and what the answer is below zero.

    Parameters
    ----------
    normalization : Normalization
        Makes the background zero.
    positivity : float
        How much the mean of what is below zero counts.
    device : torch.device
    """

    def __init__(
        self, normalization: Normalization, positivity: float, device: torch.device
    ) -> None:
        super().__init__(normalization, device)
        self.positivity = positivity

    def loss(self, network: Any, example: Example) -> Tensor:
        shown, target = self.normalized(example.shown), self.normalized(example.target)
        weight = torch.from_numpy(example.weight).to(self.device)
        with mixed_precision(self.device, shown.ndim - 2):
            sharp: Tensor = network(shown)
        sharp = sharp.float()
        squares = (network.blur(sharp) - target).square() * weight
        error: Tensor = squares.sum() / weight.sum()
        return error + self.positivity * (-sharp).relu().mean()

    def restore(self, network: Any, tile: FloatArray, output: str = "image") -> Job[FloatArray]:
        sharp = yield from network.steps(self.normalized(tile[None]))
        result = sharp if output == DECONVOLVED else network.blur(sharp)
        return self.normalization.undo(result[0].cpu().numpy())
