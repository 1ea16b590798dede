"""The network of the instant denoiser: a small U-Net of residual blocks that is told the noise.

It sees one image whose noise has been made even, and guesses two things of each pixel: the
noise in it, and how far off that guess may be.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.lazy import imported
from napari_denoise.core.progress import Job
from napari_denoise.learning.networks.architecture import InstantArchitecture
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.networks.execution.slabs import Scratch
from napari_denoise.learning.networks.layers import Convolution, padded

__all__ = ["N_CONDITIONS", "InstantNetwork"]

N_CONDITIONS = 4
"""Maps beside the planes: darkness, read noise, and the noise's correlation along Y and X."""


class _Downsampling(nn.Module):
    """A convolution whose windows do not overlap, which halves the image."""

    def __init__(self, n_in: int, n_out: int, rng: torch.Generator) -> None:
        super().__init__()
        weight = torch.empty(n_out, n_in, 2, 2).normal_(0.0, sqrt(1 / (4 * n_in)), generator=rng)
        self.weight = nn.Parameter(weight)

    def forward(self, batch: Tensor) -> Tensor:
        return F.conv2d(batch, self.weight, stride=2)


class _Upsampling(nn.Module):
    """The transpose of such a convolution, which doubles the image."""

    def __init__(self, n_in: int, n_out: int, rng: torch.Generator) -> None:
        super().__init__()
        weight = torch.empty(n_in, n_out, 2, 2).normal_(0.0, sqrt(1 / n_in), generator=rng)
        self.weight = nn.Parameter(weight)

    def forward(self, batch: Tensor) -> Tensor:
        return F.conv_transpose2d(batch, self.weight, stride=2)


class _Block(nn.Module):
    """Two convolutions whose result is added to what went in."""

    def __init__(self, n: int, rng: torch.Generator) -> None:
        super().__init__()
        self.first = Convolution(n, n, 2, rng)
        self.second = Convolution(n, n, 2, rng)
        with torch.no_grad():
            # There is no normalisation: a fresh block adds little, however many there are.
            self.second.weight.mul_(0.3)

    def forward(self, batch: Tensor) -> Tensor:
        result: Tensor = batch + self.second(F.relu(self.first(batch)))
        return result


# What computes it fast knows the network, and not the other way round: so it is named alone.
_EXECUTOR = "napari_denoise.learning.networks.execution.instant:instant_job"


class InstantNetwork(Network):
    """U-Net of residual blocks; what the ways down saw is added on the ways up.

    After Zhang et al. 2021, doi:10.1109/TPAMI.2021.3088914, at a fraction of its size.

    Parameters
    ----------
    architecture : InstantArchitecture
    rng : torch.Generator, optional
        For the first weights; a fixed seed if None.
    """

    architecture: InstantArchitecture

    def __init__(
        self, architecture: InstantArchitecture, rng: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.architecture = architecture
        rng = rng or torch.Generator().manual_seed(0)
        widths, n_blocks = architecture.widths, architecture.n_blocks
        steps = list(pairwise(widths))
        self.head = Convolution(architecture.n_planes + N_CONDITIONS, widths[0], 2, rng)
        self.down = nn.ModuleList(_blocks(widths[i], n_blocks[i], rng) for i in range(len(steps)))
        # `shrink` and `grow` are names of weights in files.
        self.shrink = nn.ModuleList(_Downsampling(a, b, rng) for a, b in steps)
        self.bottom = _blocks(widths[-1], n_blocks[-1], rng)
        self.grow = nn.ModuleList(_Upsampling(b, a, rng) for a, b in steps[::-1])
        self.up = nn.ModuleList(
            _blocks(widths[i], n_blocks[i], rng) for i in reversed(range(len(steps)))
        )
        self.noise = Convolution(widths[0], 1, 2, rng)
        self.log_variance = Convolution(widths[0], 1, 2, rng)
        with torch.no_grad():
            # A fresh network leaves the image nearly as it is.
            self.noise.weight.mul_(0.1)
            self.log_variance.weight.mul_(0.1)

    def forward(self, planes: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """From planes and what is known of their noise to the middle one without it.

        Parameters and results are those of
        :func:`~napari_denoise.learning.networks.execution.instant.instant_job`.
        """
        batch = padded(torch.cat([planes, conditions], dim=1), self.architecture.alignment()[-2:])
        batch = self.head(batch.to(self.head.weight.dtype))
        skips: list[Tensor] = []
        for blocks, downsampling in zip(self.down, self.shrink, strict=True):
            skips.append(blocks(batch))
            batch = downsampling(skips[-1])
        batch = self.bottom(batch)
        for upsampling, blocks in zip(self.grow, self.up, strict=True):
            batch = blocks(skips.pop() + upsampling(batch))
        crop = (slice(None), *map(slice, planes.shape[2:]))
        noise = self.noise(batch)[:, 0][crop].float()
        # What the uncertainty learns must not change what it is about.
        log_variance = self.log_variance(batch.detach())[:, 0][crop].float()
        return planes[:, planes.shape[1] // 2].float() - noise, log_variance

    def steps(
        self, planes: Tensor, conditions: Tensor, scratch: Scratch | None = None
    ) -> Job[tuple[Tensor, Tensor]]:
        """The same, layer by layer: :func:`~.execution.instant.instant_job`."""
        job: Job[tuple[Tensor, Tensor]] = imported(_EXECUTOR)(self, planes, conditions, scratch)
        return job


def _blocks(n: int, n_blocks: int, rng: torch.Generator) -> nn.Sequential:
    return nn.Sequential(*(_Block(n, rng) for _ in range(n_blocks)))
