"""The network gives the image itself: the mean of all that may be there."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.losses.base import ANY_DRAWS, Loss
from napari_denoise.learning.models.draws import Draws
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.normalization.linear import LinearNormalization

__all__ = ["NormalizedNetwork", "Regression"]


class Regression(Loss):
    """Mean square error, in units of the normalised image.

    Parameters
    ----------
    normalization : Normalization
    device : torch.device
    """

    def __init__(self, normalization: LinearNormalization, device: torch.device) -> None:
        super().__init__(device)
        self.normalization = normalization

    def loss(self, network: Any, batch: Batch) -> Tensor:
        seen, target = self.normalized(batch.input), self.normalized(batch.target)
        mask = torch.from_numpy(batch.mask).to(self.device)
        with mixed_precision(self.device, seen.ndim - 2):
            predicted: Tensor = network.compute(seen)
        # Sums over all pixels: picking out the masked ones would not be deterministic on GPUs.
        # In float32: the difference of two near numbers is what bfloat16 has no digits for.
        squares = (predicted.float() - target).square() * mask
        # By the pixels that count, so that the learning rate means the same for every percentage.
        # Of a small region there may be no masked pixel in a whole batch.
        return squares.sum() / mask.sum().clamp(min=1)

    def predict(
        self, network: Any, tile: FloatArray, output: str = "image", draws: Draws = ANY_DRAWS
    ) -> Job[FloatArray]:
        del output, draws
        result = yield from network.steps(self.normalized(tile[None]))
        return self.normalization.undo(result[0].cpu().numpy())

    def image_graph(self, network: Any) -> nn.Module | None:
        return NormalizedNetwork(network, self.normalization)

    def normalized(self, batch: FloatArray) -> Tensor:
        """Patches ``NC(Z)YX`` as the network sees them, on its device."""
        return torch.from_numpy(np.stack([self.normalization.apply(each) for each in batch])).to(
            self.device
        )


class NormalizedNetwork(nn.Module):
    """A network between a linear normalisation and its inverse."""

    means: Tensor
    stds: Tensor

    def __init__(self, network: Network, normalization: LinearNormalization) -> None:
        super().__init__()
        self.network = network
        shape = (1, -1, *(1,) * network.architecture.n_spatial)
        self.register_buffer("means", torch.tensor(normalization.means).reshape(shape))
        self.register_buffer("stds", torch.tensor(normalization.stds).reshape(shape))

    def forward(self, batch: Tensor) -> Tensor:
        cleaned = self.clean((batch - self.means) / self.stds)
        return cleaned * self.stds + self.means

    def clean(self, batch: Tensor) -> Tensor:
        """Clean a normalised batch ``NC(Z)YX``."""
        return cast("Tensor", self.network(batch))
