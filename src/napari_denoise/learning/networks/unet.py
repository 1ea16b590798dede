"""The U-Net."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.lazy import imported
from napari_denoise.core.progress import Job
from napari_denoise.learning.networks.architecture import UNetArchitecture
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.networks.layers import Block, Convolution, downsample, padded

__all__ = ["UNet"]


# What computes it fast knows the network, and not the other way round: so it is named alone.
_EXECUTOR = "napari_denoise.learning.networks.execution.unet:unet_job"
_FOCUSED = "napari_denoise.learning.networks.execution.unet:Focused"


class UNet(Network):
    """U-Net with two convolutions per level and nearest-neighbour upsampling.

    Images of any size are padded at their ends and cropped again. There is no batch
    normalisation: every pixel depends on its neighbourhood alone, so tiles leave no seams.
    After Ronneberger et al. 2015, doi:10.1007/978-3-319-24574-4_28.

    Parameters
    ----------
    architecture : UNetArchitecture
    rng : torch.Generator, optional
        For the first weights; a fixed seed if None.
    """

    architecture: UNetArchitecture

    def __init__(self, architecture: UNetArchitecture, rng: torch.Generator | None = None) -> None:
        super().__init__()
        self.architecture = architecture
        rng = rng or torch.Generator().manual_seed(0)
        n, depth = architecture.n_spatial, len(architecture.pooling)
        widths = [architecture.n_features * 2**level for level in range(depth + 1)]
        n_in = [architecture.n_channels, *widths]
        self.down = nn.ModuleList(Block(n_in[i], widths[i], n, rng) for i in range(depth))
        self.bottom = Block(n_in[depth], widths[depth], n, rng)
        self.up = nn.ModuleList(
            Block(widths[i] * architecture.has_skip(i) + widths[i + 1], widths[i], n, rng)
            for i in reversed(range(depth))
        )
        n_maps = architecture.n_channels * architecture.n_answers
        self.head = Convolution(widths[0], n_maps, n, rng, width=1)

    def forward(self, batch: Tensor) -> Tensor:
        """From images ``NC(Z)YX``, normalised, to as many answers for each channel."""
        architecture, skips = self.architecture, list[Tensor]()
        crop = (slice(None), slice(None), *map(slice, batch.shape[2:]))
        batch = padded(batch, architecture.alignment())
        for factors, block in zip(architecture.pooling, self.down, strict=True):
            batch = block(batch)
            skips.append(batch)
            batch = downsample(batch, factors, architecture.shrinking)
        batch = self.bottom(batch)
        levels = reversed(range(len(skips)))
        for level, block in zip(levels, self.up, strict=True):
            scale = [float(factor) for factor in architecture.pooling[level]]
            batch = F.interpolate(batch, scale_factor=scale, mode="nearest")
            if architecture.has_skip(level):
                batch = torch.cat([batch, skips[level]], dim=1)
            batch = block(batch)
        answers: Tensor = self.head(batch.float())
        return answers[crop]

    def focused(self, core: tuple[slice, ...]) -> Any:
        return imported(_FOCUSED)(self, core)

    def steps(self, batch: Tensor, core: tuple[slice, ...] | None = None) -> Job[Tensor]:
        """The same, layer by layer: :func:`~.execution.unet.unet_job`."""
        job: Job[Tensor] = imported(_EXECUTOR)(self, batch, core)
        return job
