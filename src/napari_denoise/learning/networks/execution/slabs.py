"""Layers of a network that are computed a slab of rows at a time.

So that a large one can be cancelled on its way, and that what is in work fits into the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from math import ceil, prod
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.progress import Job, Progress
from napari_denoise.learning.networks.execution.operations import ORDER

__all__ = [
    "Finish",
    "Layers",
    "Scratch",
    "identity",
    "in_slabs",
    "plus",
    "relu",
    "reported_job",
    "row_range",
]

T = TypeVar("T")

WORK_PER_SLAB = 5e8
"""Multiplications after which a large layer reports: some 6 ms on two cores. Trade-off: more
make Cancel wait, fewer make many small calls."""

_VALUES_PER_SLAB = {"cpu": 2_000_000, "gpu": 5_000_000}
"""So that a slab stays in a CPU's cache, and that a GPU has enough to do."""

Layers = Generator[bool, None, Tensor]
"""Yields whether a layer is done (or only a part of it), so that others may step in between."""

Finish = Callable[[Tensor, int, Tensor | None], Tensor]
"""Takes rows, the number of the first, and where to write what becomes of them: there if None."""


class Scratch:
    """Memory that is used again and again.

    Fresh memory is slow: the system clears it first, page by page, which takes a sixth of the time
    of a network.
    """

    def __init__(self) -> None:
        self._kept: Tensor | None = None

    def values(self, n: int, like: Tensor) -> Tensor:
        """So many numbers in a row, of the type and on the device of another tensor; any values."""
        kept = self._kept
        if kept is None or len(kept) < n or kept.dtype != like.dtype or kept.device != like.device:
            kept = self._kept = torch.empty(n, dtype=like.dtype, device=like.device)
        return kept


def reported_job(layers: Generator[bool, None, T], n_layers: int) -> Job[T]:
    """Layers as a job that tells how many are done, so that it can be cancelled in between.

    Parameters
    ----------
    layers : generator of bool
        As :data:`Layers`.
    n_layers : int
        How many there are.
    """
    n_done = 0
    while True:
        try:
            n_done += next(layers)
        except StopIteration as end:
            result: T = end.value
            return result
        yield Progress(fraction=min(n_done / n_layers, 1.0))


def row_range(batch: Tensor, first: int, last: int) -> Tensor:
    """A range of rows; the batch itself if that is all, as the gradient of a part takes time."""
    return batch if last - first == batch.shape[2] else batch.narrow(2, first, last - first)


def plus(other: Tensor) -> Finish:
    """Adds the same rows of another image."""

    def finish(rows: Tensor, first: int, out: Tensor | None) -> Tensor:
        beside = row_range(other, first, first + rows.shape[2])
        return rows.add_(beside) if out is None else torch.add(rows, beside, out=out)

    return finish


def relu(rows: Tensor, _first: int, out: Tensor | None) -> Tensor:
    """Sets to zero what is negative."""
    return F.relu_(rows) if out is None else torch.clamp_min(rows, 0, out=out)


def identity(rows: Tensor, _first: int, out: Tensor | None) -> Tensor:
    """Leaves rows as they are."""
    return rows if out is None else out.copy_(rows)


def in_slabs(
    give_rows: Callable[[int, int, int], Tensor],
    shape: tuple[int, ...],
    work: float,
    margin: int,
    device: torch.device,
    *,
    finish: Finish = identity,
    step: int = 1,
    into: Tensor | None = None,
) -> Layers:
    """Compute a layer a slab of rows at a time.

    Parameters
    ----------
    give_rows : callable
        Computes a range of rows from these rows alone, and leaves out as many at either end as
        it is told, as these lack neighbours.
    shape : tuple of int
        Of the result, NC(Z)YX.
    work : float
        Multiplications that the layer takes.
    margin : int
        Rows at the ends of a range that lack neighbours.
    device : torch.device
        Where that is.
    finish : callable
        What is done to the rows at last.
    step : int
        Ranges start and end at multiples of this; a margin is one, too.
    into : Tensor, optional
        Where to write the result if there are several slabs; a new one if None. It may be what the
        result is made of, row by row.
    """
    n_rows = shape[2]
    n_slabs = min(_n_slabs(prod(shape), work, device), n_rows // step)
    if n_slabs < 2:
        whole = finish(give_rows(0, n_rows, 0), 0, None)
        yield True
        return whole
    thickness = ceil(n_rows / n_slabs / step) * step
    slabs = _slabs(give_rows, n_rows, thickness, margin)
    # Written one slab late: the next one may see the last rows of what this one is made of.
    late_start, late = next(slabs)
    yield False
    if into is None:
        order = ORDER[late.ndim - 2]
        # Not a torch.cat of slabs, which would hold all of them and the result at once.
        into = torch.empty(shape, dtype=late.dtype, device=late.device, memory_format=order)
    for start, slab in slabs:
        _write(into, late_start, late, finish)
        late_start, late = start, slab
        yield False
    _write(into, late_start, late, finish)
    yield True
    return into


def _n_slabs(n_values: int, work: float, device: torch.device) -> int:
    if device.type == "cpu":
        return ceil(max(work / WORK_PER_SLAB, n_values / _VALUES_PER_SLAB["cpu"]))
    return ceil(n_values / _VALUES_PER_SLAB["gpu"])


def _slabs(
    give_rows: Callable[[int, int, int], Tensor], n_rows: int, thickness: int, margin: int
) -> Iterator[tuple[int, Tensor]]:
    """The first row of each slab, and its rows."""
    for start in range(0, n_rows, thickness):
        stop = min(start + thickness, n_rows)
        first, last = start - margin, stop + margin
        if first >= 0 and last <= n_rows:
            yield start, give_rows(first, last, margin)
        else:
            first, last = max(first, 0), min(last, n_rows)
            yield start, give_rows(first, last, 0).narrow(2, start - first, stop - start)


def _write(result: Tensor, start: int, slab: Tensor, finish: Finish) -> None:
    out = result.narrow(2, start, slab.shape[2])
    if slab.requires_grad:
        # Autograd knows no `out`.
        out.copy_(finish(slab, start, None))
    else:
        finish(slab, start, out)
