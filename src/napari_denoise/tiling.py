"""How a unit is cut into tiles that overlap, so that no seam can be seen.

A tile reads its core and a halo around it, as wide as the method looks; only the core is
written. So a tiled result equals an untiled one, and memory is bounded by the tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil

__all__ = ["Place", "Tile", "halves", "tiles"]


Span = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True)
class Tile:
    """Where one tile reads and writes, one slice per spatial axis.

    Attributes
    ----------
    source : tuple of slice
        What is read of the unit: the core with its halo, clipped to the unit.
    target : tuple of slice
        What is written of the unit: the core.
    crop : tuple of slice
        Where the core lies within what was read.
    """

    source: tuple[slice, ...]
    target: tuple[slice, ...]
    crop: tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an image a tile lies, for methods that draw random numbers or can save work.

    Attributes
    ----------
    unit : int
        The unit it is of, counted from 0 in the image's order.
    start : tuple of int
        Its first pixel within the unit, per spatial axis; the very first if empty.
    sample : int
        Which of several results it is for, from 0.
    core : tuple of slice
        The part of the tile that is wanted, per spatial axis; all of it if empty.
    """

    unit: int = 0
    start: tuple[int, ...] = ()
    sample: int = 0
    core: tuple[slice, ...] = ()

    def planes(self, n_planes: int) -> range:
        """Those of a tile's planes that lie in its core; the others help to clean them, no more."""
        return range(n_planes)[self.core[0]] if len(self.core) > 2 else range(n_planes)


def tiles(
    shape: Sequence[int], core: Sequence[int], halo: Sequence[int], alignment: Sequence[int]
) -> Iterator[Tile]:
    """Cut a unit of spatial `shape` into tiles; each pixel is in exactly one core.

    Parameters
    ----------
    shape, core : sequence of int
        Size of the unit, and largest size of a core, in pixels per spatial axis.
    halo : sequence of int
        Context in pixels that each tile reads on both sides.
    alignment : sequence of int
        Reads start at multiples of this: pooling must fall on the same pixels in each tile.
    """
    axes = [list(_spans(*sizes)) for sizes in zip(shape, core, halo, alignment, strict=True)]
    for spans in product(*axes):
        yield Tile(*(tuple(part) for part in zip(*spans, strict=True)))


def halves(
    tile: Tile, shape: Sequence[int], halo: Sequence[int], alignment: Sequence[int]
) -> tuple[Tile, ...]:
    """Cut a tile of a unit in two, along the longest axis of its core; none if it is too small.

    What both read lies within what the tile reads. The other arguments are those of :func:`tiles`.
    """
    lengths = [span.stop - span.start for span in tile.target]
    axis = max(range(len(lengths)), key=lambda axis: lengths[axis] / alignment[axis])
    step, span = alignment[axis], tile.target[axis]
    middle = span.start + ceil(lengths[axis] / 2 / step) * step
    if middle >= span.stop:
        return ()
    return tuple(
        _part_of(tile, axis, _span(start, stop, halo=halo[axis], step=step, size=shape[axis]))
        for start, stop in ((span.start, middle), (middle, span.stop))
    )


def _part_of(tile: Tile, axis: int, span: Span) -> Tile:
    """The tile with one axis exchanged."""
    parts = zip((tile.source, tile.target, tile.crop), span, strict=True)
    return Tile(*((*part[:axis], new, *part[axis + 1 :]) for part, new in parts))


def _core_size(size: int, wanted: int, step: int) -> int:
    """The evened-out size of the cores along one axis: no sliver at the end."""
    n_cores = ceil(size / max(wanted, 1))
    return max(step, ceil(size / n_cores / step) * step)


def _spans(size: int, wanted: int, halo: int, step: int) -> Iterator[Span]:
    core = _core_size(size, wanted, step)
    for start in range(0, size, core):
        yield _span(start, min(start + core, size), halo=halo, step=step, size=size)


def _span(start: int, stop: int, *, halo: int, step: int, size: int) -> Span:
    """Source, target and crop of a core along one axis."""
    halo = ceil(halo / step) * step
    first, last = max(start - halo, 0), min(stop + halo, size)
    return slice(first, last), slice(start, stop), slice(start - first, stop - first)
