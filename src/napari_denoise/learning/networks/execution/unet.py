"""The U-Net, stepped layer by layer; on the way up it computes no more than what is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.progress import Job
from napari_denoise.learning.networks.execution.layers import (
    aligned,
    block_layers,
    block_layers_on_way_up,
    convolution_layers,
)
from napari_denoise.learning.networks.execution.operations import mean_of_blocks
from napari_denoise.learning.networks.execution.slabs import Layers, reported_job
from napari_denoise.learning.networks.layers import downsample

if TYPE_CHECKING:
    from napari_denoise.learning.networks.architecture import Levels
    from napari_denoise.learning.networks.layers import Block
    from napari_denoise.learning.networks.unet import UNet

__all__ = ["Focused", "Window", "unet_job"]

Window = tuple[slice, ...]
"""One slice per spatial axis."""


def unet_job(network: UNet, batch: Tensor, core: Window | None = None) -> Job[Tensor]:
    """The forward pass as a job that reports after each layer, so it can be cancelled.

    Parameters
    ----------
    network : UNet
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
    n_layers = 4 * len(network.architecture.pooling) + 3
    # Not given a name, so that the first layer can let go of it.
    layers = _layers(network, aligned(batch, network.architecture.alignment()), core)
    return (yield from reported_job(layers, n_layers))


def _layers(network: UNet, batch: Tensor, core: Window) -> Layers:
    architecture = network.architecture
    pooling, skipped = architecture.pooling, list[Tensor]()
    needed = list(_needed(core, batch.shape[2:], pooling))
    for factors, block in zip(pooling, cast("list[Block]", list(network.down)), strict=True):
        batch = yield from block_layers(block, batch)
        read, _ = needed[len(skipped)]
        skip = _cut(batch, read)
        has_skip = architecture.has_skip(len(skipped))
        # A copy of nothing, but of its size: a view would keep the whole batch in memory.
        skipped.append(skip if has_skip else skip[:, :0].clone())
        batch = _downsampled(batch, factors, architecture.shrinking)
    batch = yield from block_layers(network.bottom, batch)
    for factors, block in zip(pooling[::-1], cast("list[Block]", list(network.up)), strict=True):
        batch = _cut(batch, needed.pop()[1])
        joined = block_layers_on_way_up(block, batch, skipped.pop(), factors)
        del batch  # the block lets go of it early
        batch = yield from joined
    # Cut after the head, which is quick: what is cut is no longer in one piece.
    return _cut((yield from convolution_layers(network.head, batch.float())), needed.pop()[1])


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


def _downsampled(batch: Tensor, factors: tuple[int, ...], how: str) -> Tensor:
    return mean_of_blocks(batch, factors) if how == "average" else downsample(batch, factors, how)


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
