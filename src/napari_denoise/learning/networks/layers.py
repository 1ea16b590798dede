"""Layers that several networks are built of, in plain torch."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

__all__ = ["Block", "Convolution", "downsample", "padded"]

_CONVOLVE = {2: F.conv2d, 3: F.conv3d}
_POOL = {2: F.avg_pool2d, 3: F.avg_pool3d}
_MAX_POOL = {2: F.max_pool2d, 3: F.max_pool3d}


class Convolution(nn.Module):
    """Convolution that keeps the image's size, with zeros outside.

    Unlike torch's own layers it draws its weights from a generator it is handed (He et al.
    2015, doi:10.1109/ICCV.2015.123), not from the global one.
    """

    def __init__(
        self, n_in: int, n_out: int, n_spatial: int, rng: torch.Generator, *, width: int = 3
    ) -> None:
        super().__init__()
        weight = torch.empty(n_out, n_in, *(width,) * n_spatial)
        # A kernel of one pixel has no ReLU behind it that would halve the variance.
        weight.normal_(0.0, sqrt((2 if width > 1 else 1) / weight[0].numel()), generator=rng)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, batch: Tensor) -> Tensor:
        reach = self.weight.shape[-1] // 2
        return _CONVOLVE[batch.ndim - 2](batch, self.weight, self.bias, padding=reach)


class Block(nn.Module):
    """Two convolutions with a ReLU each."""

    def __init__(self, n_in: int, n_out: int, n_spatial: int, rng: torch.Generator) -> None:
        super().__init__()
        self.first = Convolution(n_in, n_out, n_spatial, rng)
        self.second = Convolution(n_out, n_out, n_spatial, rng)

    def forward(self, batch: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(batch))))


def padded(batch: Tensor, alignment: tuple[int, ...]) -> Tensor:
    """Repeat the last pixels until every level can be halved.

    Parameters
    ----------
    batch : Tensor, axes NC(Z)YX
    alignment : tuple of int
        What the sizes are to be multiples of, per spatial axis.
    """
    ends: list[int] = []
    for size, step in zip(batch.shape[:1:-1], alignment[::-1], strict=True):
        ends += [0, -size % step]
    return F.pad(batch, ends, mode="replicate") if any(ends) else batch


def downsample(batch: Tensor, factors: tuple[int, ...], how: str) -> Tensor:
    """Make the image smaller.

    Parameters
    ----------
    batch : Tensor, axes NC(Z)YX
    factors : tuple of int
        Per spatial axis; the sizes are multiples of them.
    how : {"average", "blur", "max-blur"}
        As ``shrinking`` in :class:`UNetArchitecture`.
    """
    mean, largest = _POOL[batch.ndim - 2], _MAX_POOL[batch.ndim - 2]
    if how == "average":
        return mean(batch, factors)
    ends = [end for factor in factors[::-1] for end in (factor - 1, factor - 1)]
    batch = F.pad(batch, ends, mode="replicate")
    # The mean of two pixels, again and again, is a binomial blur.
    batch = (largest if how == "max-blur" else mean)(batch, factors, stride=1)
    return mean(mean(batch, factors, stride=1), factors)
