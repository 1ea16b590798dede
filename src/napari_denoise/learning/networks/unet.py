"""The U-Net, written so that its forward pass can be stepped layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod, sqrt
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.progress import Job, Progress, run
from napari_denoise.learning.networks.architecture import Levels, UNetArchitecture
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.networks.operations import (
    ORDER,
    convolve,
    convolve_transposed,
    mean_of_blocks,
)
from napari_denoise.learning.networks.slabs import (
    Finish,
    Layers,
    in_slabs,
    plain,
    rectified,
    row_range,
)

__all__ = ["Block", "Convolution", "Focused", "UNet", "padded", "shrink"]

_POOL = {2: F.avg_pool2d, 3: F.avg_pool3d}
_MAX_POOL = {2: F.max_pool2d, 3: F.max_pool3d}

Window = tuple[slice, ...]
"""One slice per spatial axis."""


class Convolution(nn.Module):
    """Convolution that keeps the image's size.

    Unlike torch's own layers it draws its weights from a generator it is handed (He et al.
    2015, doi:10.1109/ICCV.2015.123), not from the global one.
    """

    def __init__(
        self, n_in: int, n_out: int, n_spatial: int, rng: torch.Generator, *, width: int = 3
    ) -> None:
        super().__init__()
        weight = torch.empty(n_out, n_in, *(width,) * n_spatial)
        weight.normal_(0.0, sqrt((2 if width > 1 else 1) / weight[0].numel()), generator=rng)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, batch: Tensor) -> Tensor:
        return self._convolve(batch, self.weight, self.bias)

    def layers(
        self, batch: Tensor, *, finish: Finish = plain, into: Tensor | None = None
    ) -> Layers:
        """As :meth:`forward`, a slab along the first spatial axis at a time where it is much.

        Parameters
        ----------
        batch : Tensor, axes NC(Z)YX
        finish : callable
            What is done to the rows of the result.
        into : Tensor, optional
            Memory to write to, if it takes several slabs and nothing is learned; of the result's
            shape. It may be the batch itself, if nobody else needs it.
        """
        work = self.weight.numel() * batch[:, 0].numel()

        def give_rows(first: int, last: int, n_lacking: int) -> Tensor:
            rows = row_range(batch, first, last)
            return self._convolve(rows, self.weight, self.bias, n_lacking=n_lacking)

        into = None if self.weight.requires_grad else into
        shape, margin = (len(batch), len(self.weight), *batch.shape[2:]), self.weight.shape[-1] // 2
        return (
            yield from in_slabs(
                give_rows, shape, work, margin, batch.device, finish=finish, into=into
            )
        )

    def layers_on_way_up(self, low: Tensor, skip: Tensor, factors: tuple[int, ...]) -> Layers:
        """As :meth:`layers` of `low`, made larger by repeating pixels, with `skip` beside it.

        To predict, larger pixels are never made: a transposed convolution of the small ones gives
        the same with half the multiplications or fewer. Its gradient takes longer, though. The
        result is rectified.
        """
        if self.weight.requires_grad:
            repeated = F.interpolate(low, size=skip.shape[2:], mode="nearest")
            return (yield from self.layers(torch.cat([repeated, skip], dim=1), finish=rectified))
        n_low, step = low.shape[1], factors[0]
        kernel = _repeated(self.weight[:, :n_low], factors)
        n_beside = self.weight[:, n_low:].numel() * prod(factors)
        work = (kernel.numel() + n_beside) * low[:, 0].numel()

        def give_rows(first: int, last: int, n_lacking: int) -> Tensor:
            rows = row_range(low, first // step, last // step)
            weight, bias = kernel.to(rows.dtype), self.bias.to(rows.dtype)
            result = convolve_transposed(rows, weight, bias, factors, n_lacking=n_lacking)
            if skip.shape[1]:
                beside, seen = row_range(skip, first, last), self.weight[:, n_low:]
                # Of what is beside, a single row at either end is enough.
                spare = max(n_lacking - 1, 0)
                beside = beside.narrow(2, spare, beside.shape[2] - 2 * spare)
                result += self._convolve(beside, seen, None, n_lacking=n_lacking - spare)
            return result

        shape = (len(low), len(self.weight), *skip.shape[2:])
        return (
            yield from in_slabs(
                give_rows, shape, work, step, low.device, finish=rectified, step=step
            )
        )

    def _convolve(
        self, batch: Tensor, weight: Tensor, bias: Tensor | None, *, n_lacking: int = 0
    ) -> Tensor:
        bias = bias if bias is None else bias.to(batch.dtype)
        return convolve(batch, weight.to(batch.dtype), bias, n_lacking=n_lacking)


def _repeated(weight: Tensor, factors: tuple[int, ...]) -> Tensor:
    """The transposed kernel that does to pixels what `weight` does to them once repeated."""
    for axis, factor in enumerate(factors, start=2):
        before, at, after = weight.unbind(axis)
        taps = (after, at + after, before + at, before) if factor == 2 else (after, at, before)
        weight = torch.stack(taps, axis)
    return weight.transpose(0, 1)


class Block(nn.Module):
    """The two convolutions of a level, each rectified."""

    def __init__(self, n_in: int, n_out: int, n_spatial: int, rng: torch.Generator) -> None:
        super().__init__()
        self.first = Convolution(n_in, n_out, n_spatial, rng)
        self.second = Convolution(n_out, n_out, n_spatial, rng)

    def layers(self, batch: Tensor) -> Layers:
        """The forward pass, layer by layer."""
        batch = yield from self.first.layers(batch, finish=rectified)
        return (yield from self.second.layers(batch, finish=rectified, into=batch))

    def layers_on_way_up(self, low: Tensor, skip: Tensor, factors: tuple[int, ...]) -> Layers:
        """The forward pass of the smaller image below and of what was seen on the way down."""
        batch = yield from self.first.layers_on_way_up(low, skip, factors)
        del low, skip
        return (yield from self.second.layers(batch, finish=rectified, into=batch))


class UNet(Network):
    """U-Net with two convolutions per level and nearest-neighbour upsampling.

    Images of any size are padded at their ends and cropped again. There is no batch
    normalisation: every pixel depends on its neighbourhood alone, so tiles leave no seams.
    After Ronneberger et al. 2015, doi:10.1007/978-3-319-24574-4_28.

    Parameters
    ----------
    architecture : Architecture
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
        return run(self.steps(batch))

    def steps(self, batch: Tensor, core: Window | None = None) -> Job[Tensor]:
        """The forward pass as a job that reports after each layer, so it can be cancelled.

        Parameters
        ----------
        batch : Tensor, axes NC(Z)YX, normalised
        core : tuple of slice, optional
            The part that is wanted, one slice per spatial axis; all if None. On their way up the
            layers compute no more than it takes.

        Returns
        -------
        Tensor
            The core; float32, whatever precision the weights are in.
        """
        core = core or tuple(slice(0, size) for size in batch.shape[2:])
        n_layers, n_done = 4 * len(self.architecture.pooling) + 3, 0
        layers = self._layers(padded(batch, self.architecture.alignment()), core)
        while True:
            try:
                n_done += next(layers)
            except StopIteration as end:
                result: Tensor = end.value
                return result
            yield Progress(fraction=n_done / n_layers)

    def _layers(self, batch: Tensor, core: Window) -> Layers:
        pooling, skipped = self.architecture.pooling, list[Tensor]()
        needed = list(_needed(core, batch.shape[2:], pooling))
        for factors, block in zip(pooling, cast("list[Block]", list(self.down)), strict=True):
            batch = yield from block.layers(batch)
            read, _ = needed[len(skipped)]
            skip = _cut(batch, read)
            has_skip = self.architecture.has_skip(len(skipped))
            skipped.append(skip if has_skip else skip[:, :0].clone())
            batch = shrink(batch, factors, self.architecture.shrinking)
        batch = yield from self.bottom.layers(batch)
        ways = zip(pooling[::-1], cast("list[Block]", list(self.up)), strict=True)
        for factors, block in ways:
            batch = _cut(batch, needed.pop()[1])
            joined = block.layers_on_way_up(batch, skipped.pop(), factors)
            del batch  # the block lets go of it early
            batch = yield from joined
        # Cut after the head, which is quick: what is cut is no longer in one piece.
        return _cut((yield from self.head.layers(batch.float())), needed.pop()[1])


def padded(batch: Tensor, alignment: tuple[int, ...]) -> Tensor:
    """Repeat the last pixels until every level can be halved; channels last.

    Parameters
    ----------
    batch : Tensor, axes NC(Z)YX
    alignment : tuple of int
        What the sizes are to be multiples of, per spatial axis.
    """
    ends: list[int] = []
    for size, step in zip(batch.shape[:1:-1], alignment[::-1], strict=True):
        ends += [0, -size % step]
    batch = F.pad(batch, ends, mode="replicate") if any(ends) else batch
    # Channels last is the order in which convolutions are fastest. contiguous() would leave
    # a single channel as it is, and with it every layer behind it.
    ordered = torch.empty_like(batch, memory_format=ORDER[batch.ndim - 2])
    return ordered.copy_(batch)


class Focused:
    """A U-Net that computes only a part of each batch, and gives zeros elsewhere.

    Parameters
    ----------
    network : UNet
    core : tuple of slice
        The part, one slice per spatial axis.
    """

    def __init__(self, network: UNet, core: Window) -> None:
        self.architecture = network.architecture
        self._network, self._core = network, core

    def steps(self, batch: Tensor) -> Job[Tensor]:
        """As :meth:`UNet.steps`; the result has the shape of the batch."""
        part = yield from self._network.steps(batch, self._core)
        ends: list[int] = []
        for span, size in zip(self._core[::-1], batch.shape[:1:-1], strict=True):
            ends += [span.start, size - span.stop]
        return F.pad(part, ends)


def shrink(batch: Tensor, factors: tuple[int, ...], how: str) -> Tensor:
    """Make the image smaller by these factors."""
    if how == "average":
        return mean_of_blocks(batch, factors)
    mean, largest = _POOL[batch.ndim - 2], _MAX_POOL[batch.ndim - 2]
    ends = [end for factor in factors[::-1] for end in (factor - 1, factor - 1)]
    batch = F.pad(batch, ends, mode="replicate")
    # The mean of two pixels, again and again, is a binomial blur.
    batch = (largest if how == "max-blur" else mean)(batch, factors, stride=1)
    return mean(mean(batch, factors, stride=1), factors)


def _cut(batch: Tensor, window: Window) -> Tensor:
    is_whole = all(
        (span.start, span.stop) == (0, size)
        for span, size in zip(window, batch.shape[2:], strict=True)
    )
    # The gradient of a part takes time, even if the part is all there is.
    return batch if is_whole else batch[(slice(None), slice(None), *window)]


def _needed(core: Window, sizes: Sequence[int], pooling: Levels) -> Iterator[tuple[Window, Window]]:
    """Per level what its block on the way up must read, and which part of what it gives is kept.

    Two convolutions see two pixels further than what they give rightly.
    """
    wanted = core
    for factors in pooling:
        spans = list(zip(wanted, sizes, factors, strict=True))
        first = [max(span.start - 2, 0) // factor for span, _, factor in spans]
        last = [-(-min(span.stop + 2, size) // factor) for span, size, factor in spans]
        origin = [start * factor for start, factor in zip(first, factors, strict=True)]
        ends = [stop * factor for stop, factor in zip(last, factors, strict=True)]
        yield (
            tuple(map(slice, origin, ends)),
            tuple(slice(w.start - o, w.stop - o) for w, o in zip(wanted, origin, strict=True)),
        )
        wanted = tuple(map(slice, first, last))
        sizes = [size // factor for size, factor in zip(sizes, factors, strict=True)]
    yield tuple(slice(0, size) for size in sizes), wanted
