"""The network gives the image before the microscope blurred it; blurred again it is the image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, nested
from napari_denoise.learning.data.example import Example
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.losses.regression import Regression
from napari_denoise.learning.methods.deconoising import DECONVOLVED
from napari_denoise.learning.normalization.light import Light
from napari_denoise.learning.normalization.variance_stabilization import noise_variance

__all__ = ["BlurredRegression"]

_LEAST = 1e-6


class BlurredRegression(Regression):
    """Mean square error of the blurred answer, and what the answer is below zero.

    Where the noise is known, errors count in its units: a bright pixel, which has more of it,
    tells less. As it is the noise of the guess, and not that of the pixel, the best guess is
    still the mean of all that may be there.

    Parameters
    ----------
    light : Light
    positivity : float
        How much the mean of what is below zero counts.
    device : torch.device
    """

    def __init__(self, light: Light, positivity: float, device: torch.device) -> None:
        super().__init__(light.as_linear(), device)
        self.light = light
        self.positivity = positivity

    def loss(self, network: Any, example: Example) -> Tensor:
        shown, target = self.normalized(example.shown), self.normalized(example.target)
        weight = torch.from_numpy(example.weight).to(self.device)
        with mixed_precision(self.device, shown.ndim - 2):
            sharp: Tensor = network(shown)
        sharp = sharp.float()
        guess = network.blur(sharp)
        weight = weight * self._certainty(guess.detach())
        squares = (guess - target).square() * weight
        # Of a small region there may be no hidden pixel in a whole batch.
        error: Tensor = squares.sum() / weight.sum().clamp(min=_LEAST)
        return error + self.positivity * (-sharp).relu().mean()

    def restore(self, network: Any, tile: FloatArray, output: str = "image") -> Job[FloatArray]:
        result = yield from nested(network.steps(self.normalized(tile[None])), 0.0, 0.9)
        if output != DECONVOLVED:
            result = yield from nested(network.blurring(result), 0.9, 1.0)
        return self.normalization.undo(result[0].cpu().numpy())

    def _certainty(self, guess: Tensor) -> Tensor:
        """One over the variance of the noise that pixels of these normalised values have."""
        camera = self.light.camera
        if camera is None:
            return torch.ones_like(guess)
        shape = (1, -1, *(1,) * (guess.ndim - 2))
        stds = guess.new_tensor(self.light.stds).reshape(shape)
        backgrounds = guess.new_tensor(self.light.backgrounds).reshape(shape)
        return stds.square() / noise_variance(camera, guess * stds + backgrounds)
