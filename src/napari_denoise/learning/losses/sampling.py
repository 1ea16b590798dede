"""The network draws images that may be behind the noisy one; their mean is the best guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, nested
from napari_denoise.learning.data.example import Example
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.losses.base import Objective
from napari_denoise.learning.losses.photon_likelihood import PhotonLikelihood
from napari_denoise.learning.methods import SAMPLE, SAMPLES, UNCERTAINTY
from napari_denoise.learning.models.draws import Draws
from napari_denoise.learning.networks.ladder_vae import LadderNetwork
from napari_denoise.learning.normalization.camera import Camera
from napari_denoise.learning.normalization.variance_stabilization import stabilized_pixels

__all__ = ["Sampling"]

_FREE_NATS = 0.02
"""What each level may tell per pixel at no cost: without it, some never begin to tell anything."""


class Sampling(Objective):
    """How likely the noisy image is, and how much the latents had to be told for it.

    The evidence lower bound, per pixel and in nats, with the camera's likelihood.

    Parameters
    ----------
    camera : Camera
    kl_weight : float
    device : torch.device
    """

    def __init__(self, camera: Camera, kl_weight: float, device: torch.device) -> None:
        super().__init__(device)
        self.camera = camera
        self.likelihood = PhotonLikelihood(camera)
        self.kl_weight = kl_weight

    def loss(self, network: Any, example: Example) -> Tensor:
        pixels, weight = (
            torch.from_numpy(batch).to(self.device) for batch in (example.shown, example.weight)
        )
        # Drawn on the CPU: the same numbers on every device.
        generator = torch.Generator().manual_seed(example.seed)

        def noise(_level: int, shape: tuple[int, ...]) -> Tensor:
            return torch.randn(shape, generator=generator).to(self.device)

        with mixed_precision(self.device, pixels.ndim - 2):
            image, divergence = network(self._seen(pixels), noise)
        surprise = self.likelihood.surprise(image + self.camera.level, pixels) * weight
        told = divergence.mean(dim=1) / pixels[0].numel()
        told = told.clamp(min=_FREE_NATS).sum()
        result: Tensor = surprise.sum() / weight.sum() + self.kl_weight * told
        return result

    def restore(self, network: Any, tile: FloatArray, output: str = "image") -> Job[FloatArray]:
        return (yield from self.restore_at(network, tile, output, Draws()))

    def restore_at(
        self, network: Any, tile: FloatArray, output: str, draws: Draws
    ) -> Job[FloatArray]:
        n = 1 if output in {SAMPLE, SAMPLES} else draws.n_samples
        mean, squares = np.zeros(tile.shape), np.zeros(tile.shape)
        seen = yield from nested(network.look(self._seen(self._batch(tile))), 0.0, 1 / (1 + n))
        for i in range(n):
            job = network.imagine(seen, self._noise(network, draws, i), tile.shape[1:])
            image, _ = yield from nested(job, (1 + i) / (1 + n), (2 + i) / (1 + n))
            pixels = self.likelihood.intensities(image + self.camera.level)
            drawn = pixels[0].double().cpu().numpy()
            # Welford 1962, doi:10.1080/00401706.1962.10490022
            shift = drawn - mean
            mean += shift / (i + 1)
            squares += shift * (drawn - mean)
        result = np.sqrt(squares / max(n - 1, 1)) if output == UNCERTAINTY else mean
        return result.astype(np.float32)

    def _batch(self, tile: FloatArray) -> Tensor:
        return torch.from_numpy(tile[None]).to(self.device)

    def _seen(self, pixels: Tensor) -> Tensor:
        """What the network sees of pixels in DN."""
        return stabilized_pixels(self.camera, pixels) - self.camera.level

    def _noise(
        self, network: LadderNetwork, draws: Draws, sample: int
    ) -> Callable[[int, tuple[int, ...]], Tensor]:
        factors = network.architecture.factors()

        def noise(level: int, shape: tuple[int, ...]) -> Tensor:
            drawn = draws.noise(sample, level, factors[level], shape[1:])
            return torch.from_numpy(drawn[None]).to(self.device)

        return noise
