"""The instant denoiser's network, stepped layer by layer in memory that is used again and again."""

from __future__ import annotations

from collections.abc import Generator
from math import prod
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.progress import Job
from napari_denoise.learning.networks.execution.layers import convolution_layers
from napari_denoise.learning.networks.execution.operations import convolve
from napari_denoise.learning.networks.execution.slabs import (
    Layers,
    Scratch,
    in_slabs,
    plus,
    relu,
    reported_job,
    row_range,
)
from napari_denoise.learning.networks.layers import padded

if TYPE_CHECKING:
    from napari_denoise.learning.networks.instant import InstantNetwork

__all__ = ["instant_job"]


def instant_job(
    network: InstantNetwork, planes: Tensor, conditions: Tensor, scratch: Scratch | None = None
) -> Job[tuple[Tensor, Tensor]]:
    """The forward pass as a job that reports after each layer, so it can be cancelled.

    Parameters
    ----------
    network : InstantNetwork
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
    n_blocks = network.architecture.n_blocks
    n_layers = 2 + 4 * sum(n_blocks) - 2 * n_blocks[-1] + 2 * len(network.shrink)
    batch = padded(torch.cat([planes, conditions], dim=1), network.architecture.alignment()[-2:])
    batch = batch.contiguous(memory_format=torch.channels_last)
    layers = _layers(network, batch, scratch)
    del batch  # the first layer lets go of it
    noise, log_variance = cast("Any", (yield from reported_job(layers, n_layers)))
    crop = (slice(None), *map(slice, planes.shape[2:]))
    middle = planes[:, planes.shape[1] // 2].float()
    return middle - noise[:, 0][crop].float(), log_variance[:, 0][crop].float()


def _layers(network: InstantNetwork, batch: Tensor, scratch: Scratch | None) -> Any:
    weight = network.head.weight
    shape = (len(batch), network.architecture.widths[0], *batch.shape[2:])
    memory = None
    if scratch and not weight.requires_grad:
        memory = scratch.values(2 * prod(shape), weight)
    first, second = _halves(memory)
    batch = batch.to(weight.dtype)
    batch = yield from convolution_layers(network.head, batch, into=_laid_out(first, shape))
    batch = yield from _level(network, 0, batch, second)
    if network.noise.weight.requires_grad:
        # What the uncertainty learns must not change what it is about.
        log_variance = yield from convolution_layers(network.log_variance, batch.detach())
        return (yield from convolution_layers(network.noise, batch)), log_variance
    # Both in one go, as a convolution with one output takes as long as one with two.
    both = torch.cat([network.noise.weight, network.log_variance.weight])
    bias = torch.cat([network.noise.bias, network.log_variance.bias])
    answer = convolve(batch, both, bias)
    yield True
    return answer[:, :1], answer[:, 1:]


def _level(network: InstantNetwork, level: int, batch: Tensor, memory: Tensor | None) -> Layers:
    """The blocks of a level, those of the smaller images below it, and its own again.

    A level needs twice the memory of its batch, which it is in itself, and of which one half is
    free, whichever, while the levels below are computed: these take half as much.
    """
    if level == len(network.shrink):
        return (yield from _through(network.bottom, batch, memory))[0]
    batch, memory = yield from _through(network.down[level], batch, memory)
    first, second = _halves(memory)
    low = yield from _downsampling_layers(network.shrink[level], batch, first)
    low = yield from _level(network, level + 1, low, second)
    batch = yield from _upsampling_layers(network.grow[-1 - level], low, batch)
    del low
    return (yield from _through(network.up[-1 - level], batch, memory))[0]


def _downsampling_layers(layer: Any, batch: Tensor, memory: Tensor | None) -> Layers:
    """A slab at a time; written to flat memory if there is enough."""
    weight: Tensor = layer.weight
    shape = (len(batch), len(weight), batch.shape[2] // 2, batch.shape[3] // 2)

    def give_rows(first: int, last: int, _n_lacking: int) -> Tensor:
        return F.conv2d(row_range(batch, 2 * first, 2 * last), weight, stride=2)

    work = weight[0].numel() * prod(shape)
    into = _laid_out(memory, shape)
    return (yield from in_slabs(give_rows, shape, work, 0, batch.device, into=into))


def _upsampling_layers(layer: Any, low: Tensor, skip: Tensor) -> Layers:
    """With `skip` added, a slab at a time; written over `skip` if nothing is learned."""
    weight: Tensor = layer.weight

    def give_rows(first: int, last: int, _n_lacking: int) -> Tensor:
        return F.conv_transpose2d(row_range(low, first // 2, last // 2), weight, stride=2)

    work = weight.numel() * low[:, 0].numel()
    into = None if weight.requires_grad else skip
    shape, finish = tuple(skip.shape), plus(skip)
    return (
        yield from in_slabs(give_rows, shape, work, 0, low.device, finish=finish, step=2, into=into)
    )


def _block_layers(block: Any, batch: Tensor, memory: Tensor | None) -> Layers:
    """A residual block; written to flat memory if there is enough."""
    into = _laid_out(memory, tuple(batch.shape))
    inside = yield from convolution_layers(block.first, batch, finish=relu, into=into)
    return (yield from convolution_layers(block.second, inside, finish=plus(batch), into=inside))


def _through(
    blocks: nn.Module, batch: Tensor, memory: Tensor | None
) -> Generator[bool, None, tuple[Tensor, Tensor | None]]:
    """What the blocks make of the batch, and the memory that is free then, if any was before."""
    for block in cast("nn.Sequential", blocks):
        result = yield from _block_layers(block, batch, memory)
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
