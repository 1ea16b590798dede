"""Layers of a network that are computed a slab of rows at a time.

So that a large one can be cancelled on its way, and that what is in work fits into the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from math import ceil, prod

import torch
from torch import Tensor

from napari_denoise.learning.networks.operations import ORDER

__all__ = ["Layers", "in_slabs", "row_range"]

WORK_PER_SLAB = 5e8
"""Multiplications after which a large layer reports: some 6 ms on two cores."""

_VALUES_PER_SLAB = 2_000_000

Layers = Generator[bool, None, Tensor]
"""Yields whether a layer is done (or only a part of it), so that others may step in between."""


def row_range(batch: Tensor, first: int, last: int) -> Tensor:
    """A range of rows; the batch itself if that is all, as the gradient of a part takes time."""
    return batch if last - first == batch.shape[2] else batch.narrow(2, first, last - first)


def in_slabs(
    give_rows: Callable[[int, int, int], Tensor],
    shape: tuple[int, ...],
    work: float,
    margin: int,
    *,
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
    step : int
        Ranges start and end at multiples of this; a margin is one, too.
    into : Tensor, optional
        Where to write the result if there are several slabs; a new one if None. It may be what the
        result is made of, row by row.
    """
    n_rows = shape[2]
    n_slabs = min(ceil(max(work / WORK_PER_SLAB, prod(shape) / _VALUES_PER_SLAB)), n_rows // step)
    if n_slabs < 2:
        whole = give_rows(0, n_rows, 0)
        yield True
        return whole
    thickness = ceil(n_rows / n_slabs / step) * step
    result, late = into, None
    for start in range(0, n_rows, thickness):
        stop = min(start + thickness, n_rows)
        first, last = start - margin, stop + margin
        if first >= 0 and last <= n_rows:
            slab = give_rows(first, last, margin)
        else:
            first, last = max(first, 0), min(last, n_rows)
            slab = give_rows(first, last, 0).narrow(2, start - first, stop - start)
        if result is None:
            order = ORDER[slab.ndim - 2]
            result = torch.empty(shape, dtype=slab.dtype, device=slab.device, memory_format=order)
        # Written one slab late: the next one may see the last rows of what this one is made of.
        if late is not None:
            result.narrow(2, late[0], late[1].shape[2]).copy_(late[1])
        late = start, slab
        if stop < n_rows:
            yield False
    assert result is not None  # noqa: S101  # there are two slabs at least
    assert late is not None  # noqa: S101
    result.narrow(2, late[0], late[1].shape[2]).copy_(late[1])
    yield True
    return result
