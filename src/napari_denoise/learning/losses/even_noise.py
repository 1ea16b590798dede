"""The network sees a plane of even noise and is told the camera, as the instant denoiser is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, run
from napari_denoise.learning.data.example import Example
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.losses.base import Objective
from napari_denoise.learning.models.draws import Draws
from napari_denoise.learning.normalization.camera import Camera
from napari_denoise.learning.normalization.variance_stabilization import (
    clean_plane,
    clean_planes,
    noise_variance,
    planes_around,
)

__all__ = ["StabilizedRegression"]


class StabilizedRegression(Objective):
    """Mean square error of the middle plane, in intensities and not in stabilised values.

    So the best guess is the mean of all that may be there, and a noisy target does as well as a
    clean one. Weighing by the guess, and not by the target, leaves that so.

    Parameters
    ----------
    camera : Camera
    device : torch.device
    """

    def __init__(self, camera: Camera, device: torch.device) -> None:
        super().__init__(device)
        self.camera = camera

    def loss(self, network: Any, example: Example) -> Tensor:
        shown, target, weight = (
            torch.from_numpy(batch.reshape(len(batch), -1, *batch.shape[-2:])).to(self.device)
            for batch in (example.shown, example.target, example.weight)
        )
        n_planes, middle = shown.shape[1], shown.shape[1] // 2
        seen = shown[:, planes_around(middle, network.architecture.n_planes, n_planes)]
        with mixed_precision(self.device, 2):
            guess, _ = run(clean_plane(network, self.camera, seen))
        weight = weight[:, middle]
        certainty = weight / noise_variance(self.camera, guess.detach())
        squares = (guess - target[:, middle]).square() * certainty
        return squares.sum() / weight.sum().clamp(min=1)

    def restore(self, network: Any, tile: FloatArray, output: str = "image") -> Job[FloatArray]:
        return self.restore_at(network, tile, output, Draws())

    def restore_at(
        self, network: Any, tile: FloatArray, output: str, draws: Draws
    ) -> Job[FloatArray]:
        del output
        planes = torch.from_numpy(tile.reshape(-1, *tile.shape[-2:])).to(self.device)
        wanted = draws.place.planes(len(planes))
        cleaned, _ = yield from clean_planes(network, self.camera, planes, wanted)
        return np.asarray(cleaned.cpu().numpy().reshape(tile.shape))
