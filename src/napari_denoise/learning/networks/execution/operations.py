"""Convolutions and means of planes and volumes, each by the fastest of torch's ways to it.

What torch chooses on a CPU for volumes in channels-last order takes up to twenty times as long as
need be wherever there is one channel, one image, or a kernel of one pixel, or pixels are averaged.
"""

from __future__ import annotations

import platform

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

__all__ = ["ORDER", "convolve", "convolve_transposed", "mean_of_blocks"]

ORDER = {2: torch.channels_last, 3: torch.channels_last_3d}
"""The order in memory, by the number of spatial axes, in which convolutions are fastest."""

_CONVOLVE = {2: F.conv2d, 3: F.conv3d}
_CONVOLVE_TRANSPOSED = {2: F.conv_transpose2d, 3: F.conv_transpose3d}


def convolve(batch: Tensor, weight: Tensor, bias: Tensor | None, *, n_lacking: int = 0) -> Tensor:
    """Convolution that keeps the size, with zeros outside the image.

    Parameters
    ----------
    batch : Tensor, axes NC(Z)YX
    weight : Tensor, axes OC(Z)YX
        O output channels; as wide along all spatial axes, an odd number of pixels.
    bias : Tensor, axis O, or None
    n_lacking : int
        Pixels to leave out at both ends of the first spatial axis: none, or those that a kernel
        reaches beyond the image from.
    """
    reach = weight.shape[-1] // 2
    padding = (reach - n_lacking, *[reach] * (batch.ndim - 3))
    if batch.ndim == 4 or not _may_choose(batch):
        # Planes are fast as they are.
        result: Tensor = _CONVOLVE[batch.ndim - 2](batch, weight, bias, padding=padding)
    elif reach == 0:
        # A kernel of one pixel is a matrix product over the channels, which lie side by side.
        result = F.linear(batch.movedim(1, -1), weight.flatten(1), bias).movedim(-1, 1)
    elif batch.shape[1] == 1 and reach == 1:
        result = _convolve_planes(batch, weight, bias, padding[0])
    elif weight.requires_grad or not _has_fast_onednn():
        result = F.conv3d(batch, weight, bias, padding=padding)
    else:
        once = [1, 1, 1]
        # F.conv3d passes oneDNN by for a single image that is not large.
        result = torch.mkldnn_convolution(batch, weight, bias, padding, once, once, groups=1)
    return result


def _has_fast_onednn() -> bool:
    """Whether oneDNN convolves volumes fast: on ARM it may take its reference code."""
    is_built_in: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return is_built_in and platform.machine().lower() in {"x86_64", "amd64"}


def _may_choose(batch: Tensor) -> bool:
    """Whether the way matters: not on a GPU, nor in a trace, which other programs run anywhere."""
    is_traced: bool = torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
    return batch.device.type == "cpu" and not is_traced


def _convolve_planes(batch: Tensor, weight: Tensor, bias: Tensor | None, n_added: int) -> Tensor:
    """Three neighbouring planes as three channels of one."""
    threes = F.pad(batch, (0, 0, 0, 0, n_added, n_added)).unfold(2, 3, 1)  # NCZYX, 3
    planes = threes.permute(0, 2, 1, 5, 3, 4).flatten(2, 3).flatten(0, 1)
    planes = planes.contiguous(memory_format=torch.channels_last)
    convolved = F.conv2d(planes, weight.flatten(1, 2), bias, padding=1)
    return _volumes(convolved, len(batch))


def convolve_transposed(
    batch: Tensor, weight: Tensor, bias: Tensor, factors: tuple[int, ...], *, n_lacking: int = 0
) -> Tensor:
    """Transposed convolution that makes the image larger by these factors.

    Parameters
    ----------
    batch : Tensor, axes NC(Z)YX
    weight : Tensor, axes CO(Z)YX
        As wide as it takes for each pixel to see its neighbours: the factor and two more.
    bias : Tensor, axis O
    factors : tuple of int
        Per spatial axis.
    n_lacking : int
        Pixels of the result to leave out at both ends of the first spatial axis.
    """
    padding = (1 + n_lacking, *[1] * (batch.ndim - 3))
    transposed = _CONVOLVE_TRANSPOSED[batch.ndim - 2]
    result: Tensor = transposed(batch, weight, bias, factors, padding)
    return result


def mean_of_blocks(batch: Tensor, factors: tuple[int, ...]) -> Tensor:
    """Make an image ``NC(Z)YX`` smaller by these factors; its sizes are multiples of them."""
    if batch.ndim == 4 or not _may_choose(batch):
        mean = {4: F.avg_pool2d, 5: F.avg_pool3d}[batch.ndim]
        result: Tensor = mean(batch, factors)
        return result
    if not batch.requires_grad:  # its gradient takes long
        planes = F.avg_pool2d(batch.transpose(1, 2).flatten(0, 1), factors[1:])
        batch = _volumes(planes, len(batch))
        factors = (factors[0], 1, 1)
    batch = batch.movedim(1, -1)
    for axis, factor in enumerate(factors, start=1):
        if factor > 1:
            sizes = batch.shape[:axis], batch.shape[axis + 1 :]
            batch = batch.reshape(*sizes[0], -1, factor, *sizes[1]).mean(axis + 1)
    return batch.movedim(-1, 1)


def _volumes(planes: Tensor, n: int) -> Tensor:
    """Planes ``(NZ)CYX`` as n volumes ``NCZYX``."""
    return planes.reshape(n, -1, *planes.shape[1:]).transpose(1, 2)
