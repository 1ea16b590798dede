"""The network of the instant denoiser: a small U-Net of residual blocks that is told the noise.

It sees one image whose noise has been made even, and guesses two things of each pixel: the
noise in it, and how far off that guess may be.
"""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.learning.architecture import InstantArchitecture
from napari_denoise.learning.networks.operations import convolve
from napari_denoise.learning.networks.unet import Convolution, Layers
from napari_denoise.progress import Job, Progress, run

__all__ = ["N_CONDITIONS", "InstantNetwork"]

N_CONDITIONS = 4
"""Maps beside the planes: darkness, read noise, and the noise's correlation along Y and X."""


class _Resampling(nn.Module):
    """A convolution whose windows do not overlap, which halves the image; or its transpose."""

    def __init__(self, n_in: int, n_out: int, rng: torch.Generator, *, is_up: bool) -> None:
        super().__init__()
        shape = (n_in, n_out, 2, 2) if is_up else (n_out, n_in, 2, 2)
        n_inputs = n_in if is_up else 4 * n_in
        weight = torch.empty(shape).normal_(0.0, sqrt(1 / n_inputs), generator=rng)
        self.weight = nn.Parameter(weight)
        self._convolve = F.conv_transpose2d if is_up else F.conv2d

    def forward(self, batch: Tensor) -> Tensor:
        return self._convolve(batch, self.weight, stride=2)


class _Block(nn.Module):
    """Two convolutions whose result is added to what went in."""

    def __init__(self, n: int, rng: torch.Generator) -> None:
        super().__init__()
        self.first = Convolution(n, n, 2, rng)
        self.second = Convolution(n, n, 2, rng)
        with torch.no_grad():
            self.second.weight.mul_(0.3)

    def layers(self, batch: Tensor) -> Layers:
        """The forward pass, layer by layer."""
        inside = yield from self.first.layers(batch, rectified=True)
        return (yield from self.second.layers(inside, plus=batch, in_place=True))


class InstantNetwork(nn.Module):
    """U-Net of residual blocks; what the ways down saw is added on the ways up.

    After Zhang et al. 2021, doi:10.1109/TPAMI.2021.3088914, at a fraction of its size.

    Parameters
    ----------
    architecture : InstantArchitecture
    rng : torch.Generator, optional
        For the first weights; a fixed seed if None.
    """

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
        self.shrink = nn.ModuleList(_Resampling(a, b, rng, is_up=False) for a, b in steps)
        self.bottom = _blocks(widths[-1], n_blocks[-1], rng)
        self.grow = nn.ModuleList(_Resampling(b, a, rng, is_up=True) for a, b in steps[::-1])
        self.up = nn.ModuleList(
            _blocks(widths[i], n_blocks[i], rng) for i in reversed(range(len(steps)))
        )
        self.noise = Convolution(widths[0], 1, 2, rng)
        self.log_variance = Convolution(widths[0], 1, 2, rng)
        with torch.no_grad():
            self.noise.weight.mul_(0.1)
            self.log_variance.weight.mul_(0.1)

    def forward(self, planes: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        return run(self.steps(planes, conditions))

    def steps(self, planes: Tensor, conditions: Tensor) -> Job[tuple[Tensor, Tensor]]:
        """The forward pass as a job that reports after each layer, so it can be cancelled.

        Parameters
        ----------
        planes : Tensor, axes NZYX
            Neighbouring planes with noise of unit variance, less the image's mean level.
        conditions : Tensor, axes NCYX
            The :data:`N_CONDITIONS` maps.

        Returns
        -------
        cleaned : Tensor, axes NYX
            The middle plane without noise, less the mean level.
        log_variance : Tensor, axes NYX
            Natural logarithm of the expected squared error, in units of the noise.
        """
        n_layers = 2 + 2 * sum(self.architecture.n_blocks[:-1]) * 2
        n_layers += 2 * self.architecture.n_blocks[-1]
        n_done, layers = 0, self._layers(self._pad(torch.cat([planes, conditions], dim=1)))
        while True:
            try:
                n_done += next(layers)
            except StopIteration as end:
                noise, log_variance = cast("Any", end.value)
                break
            yield Progress(fraction=min(n_done / n_layers, 1.0))
        crop = (slice(None), *map(slice, planes.shape[2:]))
        middle = planes[:, planes.shape[1] // 2].float()
        return middle - noise[:, 0][crop].float(), log_variance[:, 0][crop].float()

    def _layers(self, batch: Tensor) -> Any:
        skipped: list[Tensor] = []
        batch = yield from self.head.layers(batch.to(self.head.weight.dtype))
        for blocks, shrink in zip(self.down, self.shrink, strict=True):
            batch = yield from _through(blocks, batch)
            skipped.append(batch)
            batch = shrink(batch)
        batch = yield from _through(self.bottom, batch)
        for grow, blocks in zip(self.grow, self.up, strict=True):
            batch = grow(batch).add_(skipped.pop())
            batch = yield from _through(blocks, batch)
        if self.noise.weight.requires_grad:
            # What the uncertainty learns must not change what it is about.
            log_variance = yield from self.log_variance.layers(batch.detach())
            return (yield from self.noise.layers(batch)), log_variance
        # Both in one go, as a convolution with one output takes as long as one with two.
        weight = torch.cat([self.noise.weight, self.log_variance.weight])
        bias = torch.cat([self.noise.bias, self.log_variance.bias])
        answer = convolve(batch, weight, bias)
        yield True
        return answer[:, :1], answer[:, 1:]

    def _pad(self, batch: Tensor) -> Tensor:
        """Repeat the last pixels until every level can be halved; channels last."""
        step = self.architecture.alignment()[-1]
        ends = [0, -batch.shape[3] % step, 0, -batch.shape[2] % step]
        padded = F.pad(batch, ends, mode="replicate") if any(ends) else batch
        return padded.contiguous(memory_format=torch.channels_last)


def _blocks(n: int, n_blocks: int, rng: torch.Generator) -> nn.ModuleList:
    return nn.ModuleList(_Block(n, rng) for _ in range(n_blocks))


def _through(blocks: nn.Module, batch: Tensor) -> Layers:
    for block in cast("list[_Block]", list(cast("nn.ModuleList", blocks))):
        batch = yield from block.layers(batch)
    return batch
