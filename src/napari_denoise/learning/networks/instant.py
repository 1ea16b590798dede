"""The network of the instant denoiser: a small U-Net of residual blocks that is told the noise.

It sees one image whose noise has been made even, and guesses two things of each pixel: the
noise in it, and how far off that guess may be.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from math import prod, sqrt
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.progress import Job, Progress, run
from napari_denoise.learning.networks.architecture import InstantArchitecture
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.networks.operations import convolve
from napari_denoise.learning.networks.slabs import (
    Layers,
    Scratch,
    in_slabs,
    plus,
    rectified,
    row_range,
)
from napari_denoise.learning.networks.unet import Convolution

__all__ = ["N_CONDITIONS", "InstantNetwork"]

N_CONDITIONS = 4
"""Maps beside the planes: darkness, read noise, and the noise's correlation along Y and X."""


class _Shrinking(nn.Module):
    """A convolution whose windows do not overlap, which halves the image."""

    def __init__(self, n_in: int, n_out: int, rng: torch.Generator) -> None:
        super().__init__()
        weight = torch.empty(n_out, n_in, 2, 2).normal_(0.0, sqrt(1 / (4 * n_in)), generator=rng)
        self.weight = nn.Parameter(weight)

    def layers(self, batch: Tensor, memory: Tensor | None) -> Layers:
        """The forward pass, a slab at a time; written to flat memory if there is enough."""
        shape = (len(batch), len(self.weight), batch.shape[2] // 2, batch.shape[3] // 2)

        def give_rows(first: int, last: int, _n_lacking: int) -> Tensor:
            return F.conv2d(row_range(batch, 2 * first, 2 * last), self.weight, stride=2)

        work = self.weight[0].numel() * prod(shape)
        into = _laid_out(memory, shape)
        return (yield from in_slabs(give_rows, shape, work, 0, batch.device, into=into))


class _Growing(nn.Module):
    """The transpose of such a convolution, which doubles the image; added to another one."""

    def __init__(self, n_in: int, n_out: int, rng: torch.Generator) -> None:
        super().__init__()
        weight = torch.empty(n_in, n_out, 2, 2).normal_(0.0, sqrt(1 / n_in), generator=rng)
        self.weight = nn.Parameter(weight)

    def layers(self, low: Tensor, skip: Tensor) -> Layers:
        """The forward pass, a slab at a time; written over `skip` if nothing is learned."""

        def give_rows(first: int, last: int, _n_lacking: int) -> Tensor:
            return F.conv_transpose2d(row_range(low, first // 2, last // 2), self.weight, stride=2)

        work = self.weight.numel() * low[:, 0].numel()
        into = None if self.weight.requires_grad else skip
        shape, finish = tuple(skip.shape), plus(skip)
        return (
            yield from in_slabs(
                give_rows, shape, work, 0, low.device, finish=finish, step=2, into=into
            )
        )


class _Block(nn.Module):
    """Two convolutions whose result is added to what went in."""

    def __init__(self, n: int, rng: torch.Generator) -> None:
        super().__init__()
        self.first = Convolution(n, n, 2, rng)
        self.second = Convolution(n, n, 2, rng)
        with torch.no_grad():
            self.second.weight.mul_(0.3)

    def layers(self, batch: Tensor, memory: Tensor | None) -> Layers:
        """The forward pass, layer by layer; written to flat memory if there is enough."""
        into = _laid_out(memory, tuple(batch.shape))
        inside = yield from self.first.layers(batch, finish=rectified, into=into)
        return (yield from self.second.layers(inside, finish=plus(batch), into=inside))


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
        self.shrink = nn.ModuleList(_Shrinking(a, b, rng) for a, b in steps)
        self.bottom = _blocks(widths[-1], n_blocks[-1], rng)
        self.grow = nn.ModuleList(_Growing(b, a, rng) for a, b in steps[::-1])
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

    def steps(
        self, planes: Tensor, conditions: Tensor, scratch: Scratch | None = None
    ) -> Job[tuple[Tensor, Tensor]]:
        """The forward pass as a job that reports after each layer, so it can be cancelled.

        Parameters
        ----------
        planes : Tensor, axes NZYX
            Neighbouring planes with noise of unit variance, less the image's mean level.
        conditions : Tensor, axes NCYX
            The :data:`N_CONDITIONS` maps.
        scratch : Scratch, optional
            For many images: what is held in between.

        Returns
        -------
        cleaned : Tensor, axes NYX
            The middle plane without noise, less the mean level.
        log_variance : Tensor, axes NYX
            Natural logarithm of the expected squared error, in units of the noise.
        """
        n_blocks = self.architecture.n_blocks
        n_layers = 2 + 4 * sum(n_blocks) - 2 * n_blocks[-1] + 2 * len(self.shrink)
        shown = self._pad(torch.cat([planes, conditions], dim=1))
        n_done, layers = 0, self._layers(shown, scratch)
        del shown
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

    def _layers(self, batch: Tensor, scratch: Scratch | None) -> Any:
        shape = (len(batch), self.architecture.widths[0], *batch.shape[2:])
        memory = None
        if scratch and not self.head.weight.requires_grad:
            memory = scratch.values(2 * prod(shape), self.head.weight)
        first, second = _halves(memory)
        batch = batch.to(self.head.weight.dtype)
        batch = yield from self.head.layers(batch, into=_laid_out(first, shape))
        batch = yield from self._level(0, batch, second)
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

    def _level(self, level: int, batch: Tensor, memory: Tensor | None) -> Layers:
        """The blocks of a level, those of the smaller images below it, and its own again.

        A level needs twice the memory of its batch, which it is in itself, and of which one half is
        free, whichever, while the levels below are computed: these take half as much.
        """
        if level == len(self.shrink):
            return (yield from _through(self.bottom, batch, memory))[0]
        batch, memory = yield from _through(self.down[level], batch, memory)
        first, second = _halves(memory)
        low = yield from cast("_Shrinking", self.shrink[level]).layers(batch, first)
        low = yield from self._level(level + 1, low, second)
        batch = yield from cast("_Growing", self.grow[-1 - level]).layers(low, batch)
        del low
        return (yield from _through(self.up[-1 - level], batch, memory))[0]

    def _pad(self, batch: Tensor) -> Tensor:
        """Repeat the last pixels until every level can be halved; channels last."""
        step = self.architecture.alignment()[-1]
        ends = [0, -batch.shape[3] % step, 0, -batch.shape[2] % step]
        padded = F.pad(batch, ends, mode="replicate") if any(ends) else batch
        return padded.contiguous(memory_format=torch.channels_last)


def _blocks(n: int, n_blocks: int, rng: torch.Generator) -> nn.ModuleList:
    return nn.ModuleList(_Block(n, rng) for _ in range(n_blocks))


def _through(
    blocks: nn.Module, batch: Tensor, memory: Tensor | None
) -> Generator[bool, None, tuple[Tensor, Tensor | None]]:
    """What the blocks make of the batch, and the memory that is free then, if any was before."""
    for block in cast("list[_Block]", list(cast("nn.ModuleList", blocks))):
        result = yield from block.layers(batch, memory)
        memory = None if memory is None else batch.movedim(1, -1).flatten()
        batch = result
    return batch, memory


def _halves(memory: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    if memory is None:
        return None, None
    half = len(memory) // 2
    return memory[:half], memory[half:]


def _laid_out(memory: Tensor | None, shape: tuple[int, ...]) -> Tensor | None:
    """A batch ``NCYX`` in flat memory, channels last; None if that is too small."""
    n, channels, height, width = shape
    if memory is None or len(memory) < prod(shape):
        return None
    return memory[: prod(shape)].view(n, height, width, channels).movedim(-1, 1)
