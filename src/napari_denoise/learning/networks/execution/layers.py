"""The common layers, computed a slab at a time and, on the way up, without larger pixels."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.learning.networks.execution.operations import (
    ORDER,
    convolve,
    convolve_transposed,
)
from napari_denoise.learning.networks.execution.slabs import (
    Finish,
    Layers,
    identity,
    in_slabs,
    relu,
    row_range,
)
from napari_denoise.learning.networks.layers import padded

if TYPE_CHECKING:
    from napari_denoise.learning.networks.layers import Block, Convolution

__all__ = [
    "aligned",
    "block_layers",
    "block_layers_on_way_up",
    "convolution_layers",
    "convolution_layers_on_way_up",
]


def aligned(batch: Tensor, alignment: tuple[int, ...]) -> Tensor:
    """As :func:`~napari_denoise.learning.networks.layers.padded`, with channels last in memory.

    Parameters
    ----------
    batch : Tensor, axes NC(Z)YX
    alignment : tuple of int
    """
    batch = padded(batch, alignment)
    # Channels last is the order in which convolutions are fastest. contiguous() would leave
    # a single channel as it is, and with it every layer behind it.
    ordered = torch.empty_like(batch, memory_format=ORDER[batch.ndim - 2])
    return ordered.copy_(batch)


def convolution_layers(
    layer: Convolution, batch: Tensor, *, finish: Finish = identity, into: Tensor | None = None
) -> Layers:
    """A convolution, a slab along the first spatial axis at a time where it is much.

    Parameters
    ----------
    layer : Convolution
    batch : Tensor, axes NC(Z)YX
    finish : callable
        What is done to the rows of the result.
    into : Tensor, optional
        Memory to write to, if it takes several slabs and nothing is learned; of the result's
        shape. It may be the batch itself, if nobody else needs it.
    """
    weight = layer.weight
    work = weight.numel() * batch[:, 0].numel()

    def give_rows(first: int, last: int, n_lacking: int) -> Tensor:
        rows = row_range(batch, first, last)
        return _convolve(rows, weight, layer.bias, n_lacking=n_lacking)

    into = None if weight.requires_grad else into
    shape, margin = (len(batch), len(weight), *batch.shape[2:]), weight.shape[-1] // 2
    return (
        yield from in_slabs(give_rows, shape, work, margin, batch.device, finish=finish, into=into)
    )


def convolution_layers_on_way_up(
    layer: Convolution, low: Tensor, skip: Tensor, factors: tuple[int, ...]
) -> Layers:
    """A convolution of `low`, made larger by repeating pixels, with `skip` beside it; then a ReLU.

    To predict, larger pixels are never made: a transposed convolution of the small ones gives
    the same with half the multiplications or fewer. Its gradient takes longer, though.

    Parameters
    ----------
    layer : Convolution
    low, skip : Tensor, axes NC(Z)YX
    factors : tuple of int
        By how much `skip` is larger, per spatial axis.
    """
    if layer.weight.requires_grad:
        repeated = F.interpolate(low, size=skip.shape[2:], mode="nearest")
        joined = torch.cat([repeated, skip], dim=1)
        return (yield from convolution_layers(layer, joined, finish=relu))
    n_low, step = low.shape[1], factors[0]
    kernel = _repeated(layer.weight[:, :n_low], factors)
    kernel_beside = layer.weight[:, n_low:]
    work = (kernel.numel() + kernel_beside.numel() * prod(factors)) * low[:, 0].numel()

    def give_rows(first: int, last: int, n_lacking: int) -> Tensor:
        rows = row_range(low, first // step, last // step)
        weight, bias = kernel.to(rows.dtype), layer.bias.to(rows.dtype)
        result = convolve_transposed(rows, weight, bias, factors, n_lacking=n_lacking)
        if skip.shape[1]:
            beside = row_range(skip, first, last)
            # Of what is beside, a single row at either end is enough.
            spare = max(n_lacking - 1, 0)
            beside = beside.narrow(2, spare, beside.shape[2] - 2 * spare)
            result += _convolve(beside, kernel_beside, None, n_lacking=n_lacking - spare)
        return result

    shape = (len(low), len(layer.weight), *skip.shape[2:])
    return (yield from in_slabs(give_rows, shape, work, step, low.device, finish=relu, step=step))


def block_layers(block: Block, batch: Tensor) -> Layers:
    """A block, layer by layer; the second is written over what the first gave."""
    batch = yield from convolution_layers(block.first, batch, finish=relu)
    return (yield from convolution_layers(block.second, batch, finish=relu, into=batch))


def block_layers_on_way_up(
    block: Block, low: Tensor, skip: Tensor, factors: tuple[int, ...]
) -> Layers:
    """A block of the smaller image below and of what was seen on the way down.

    Parameters
    ----------
    block : Block
    low, skip : Tensor, axes NC(Z)YX
    factors : tuple of int
        By how much `skip` is larger, per spatial axis.
    """
    batch = yield from convolution_layers_on_way_up(block.first, low, skip, factors)
    # Their memory is needed for what comes.
    del low, skip
    return (yield from convolution_layers(block.second, batch, finish=relu, into=batch))


def _convolve(batch: Tensor, weight: Tensor, bias: Tensor | None, *, n_lacking: int = 0) -> Tensor:
    bias = bias if bias is None else bias.to(batch.dtype)
    return convolve(batch, weight.to(batch.dtype), bias, n_lacking=n_lacking)


def _repeated(weight: Tensor, factors: tuple[int, ...]) -> Tensor:
    """The transposed kernel that does to pixels what `weight` does to them once repeated.

    Of a width of 4 along an axis that is doubled: each small pixel is two large ones, so it meets
    two neighbouring taps of the kernel at most places, and one at the ends.
    """
    for axis, factor in enumerate(factors, start=2):
        before, at, after = weight.unbind(axis)
        taps = (after, at + after, before + at, before) if factor == 2 else (after, at, before)
        weight = torch.stack(taps, axis)
    return weight.transpose(0, 1)
