"""How a unit is cut into tiles that overlap, and the tiles of one image at work.

A tile reads its core and a halo around it, as wide as the method looks; only the core is
written. So a tiled result equals an untiled one, no seam can be seen, and memory is bounded by
the tile. Where memory runs out on a tile it is cut in two, and so are all that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from typing import Any

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.dtype import FloatArray, cast_saturating
from napari_denoise.core.errors import OutOfMemoryError
from napari_denoise.core.progress import Job, Notice, Progress, nested, run_all

__all__ = ["Grid", "Place", "Tile", "TileDone", "TileWork", "Window", "halves", "tiles"]

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
    # Across the longest axis the halo that is read twice is smallest.
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
    # Of 1030 pixels, two cores of 515 and not 1024 and 6: a sliver would read its halo for nothing.
    n_cores = ceil(size / max(wanted, 1))
    return max(step, ceil(size / n_cores / step) * step)


def _spans(size: int, wanted: int, halo: int, step: int) -> Iterator[Span]:
    core = _core_size(size, wanted, step)
    for start in range(0, size, core):
        yield _span(start, min(start + core, size), halo=halo, step=step, size=size)


def _span(start: int, stop: int, *, halo: int, step: int, size: int) -> Span:
    """Source, target and crop of a core along one axis."""
    # Rounded up, so that what is read begins where pooling would begin in the whole unit.
    halo = ceil(halo / step) * step
    first, last = max(start - halo, 0), min(stop + halo, size)
    return slice(first, last), slice(start, stop), slice(start - first, stop - first)


Window = tuple[slice, ...]
"""One slice per spatial axis."""

CleanTile = Callable[[UnitIndex, FloatArray, Place], Job[FloatArray]]
"""Cleans a ``C(Z)YX`` tile of a unit, at least its core."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TileDone(Progress):
    """A tile has been written.

    Attributes
    ----------
    image : array-like
        The result, as far as it is done; being written to, so only to be looked at.
    region : tuple of int and slice
        Index into `image`, in its own axes, of what is new.
    """

    image: Any
    region: UnitIndex


@dataclass(frozen=True, slots=True)
class Grid:
    """How units are cut into tiles, in pixels per spatial axis; see :func:`tiles`."""

    core: tuple[int, ...]
    halo: tuple[int, ...]
    alignment: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A cleaned core, ``C(Z)YX``, and where it goes in its unit."""

    target: Window
    pixels: FloatArray


@dataclass(frozen=True, slots=True)
class _Unit:
    """An independent image, and which of several results is made of it."""

    number: int
    index: UnitIndex
    sample: int


class TileWork:
    """Reads tiles, has them cleaned and writes them.

    Parameters
    ----------
    image : array-like, axes as in `layout`
    layout : Layout
    grid : Grid
    clean : callable
        What is done to each tile.
    out : writable array-like of the image's shape
        With a leading axis S where several results are made.
    n_stacked : int
        How many; 0 for a single one without that axis.
    """

    def __init__(
        self,
        image: Any,
        layout: Layout,
        grid: Grid,
        clean: CleanTile,
        *,
        out: Any,
        n_stacked: int = 0,
    ) -> None:
        self.n_clipped = 0
        """Pixels that did not fit into the dtype of `out`."""
        self._image, self._layout, self._grid = image, layout, grid
        self._clean, self._out, self._n_stacked = clean, out, n_stacked
        self._written = replace(layout, axes=f"S{layout.axes}") if n_stacked else layout
        self._size = layout.unit_shape(tuple(image.shape))[1:]
        self._n_halvings = 0

    def run(self, *, n_threads: int = 1) -> Job[None]:
        """Fill the result; each tile that is written is told by a :class:`TileDone`."""
        places = list(self._places())
        # A generator: a tile is read when a thread is free for it, not before.
        jobs = (
            self._cleaned(unit, tile, self._layout.read(self._image, unit.index, tile.source))
            for unit, tile in places
        )
        # run_all hands results over in order, so the next place is the one that is done.
        n_threads, waiting, done = min(n_threads, len(places)), iter(places), [places[0]]

        def write(pieces: list[_Piece]) -> None:
            done[0] = next(waiting)
            for piece in pieces:
                self._write(done[0][0], piece)

        def announce(fraction: float, message: str) -> TileDone:
            unit, tile = done[0]
            region = self._written.index(self._place_of(unit), tile.target)
            return TileDone(fraction=fraction, message=message, image=self._out, region=region)

        yield from run_all(
            jobs,
            write,
            n_jobs=len(places),
            n_threads=n_threads,
            noun="tile",
            announce=announce,
        )

    def _places(self) -> Iterator[tuple[_Unit, Tile]]:
        """Each tile of each unit of each result, in the order in which they are cleaned."""
        grid, units = self._grid, list(self._layout.units(tuple(self._image.shape)))
        for sample, (number, index) in product(range(self._n_stacked or 1), enumerate(units)):
            for tile in tiles(self._size, grid.core, grid.halo, grid.alignment):
                yield _Unit(number, index, sample), tile

    def _cleaned(
        self, unit: _Unit, tile: Tile, pixels: FloatArray, n_halvings: int = 0
    ) -> Job[list[_Piece]]:
        """The tile in one piece; in several where memory has run out, on it or before it."""
        parts = halves(tile, self._size, self._grid.halo, self._grid.alignment)
        # What was too much once would be again: later tiles are cut before they fail.
        if n_halvings >= self._n_halvings or not parts:
            start = tuple(span.start for span in tile.source)
            place = Place(unit.number, start, unit.sample, tile.crop)
            try:
                cleaned = yield from self._clean(unit.index, pixels, place)
                return [_Piece(tile.target, cleaned[(slice(None), *tile.crop)])]
            except OutOfMemoryError:
                if not parts:
                    raise
            self._n_halvings = max(self._n_halvings, n_halvings + 1)
            yield Notice(fraction=0.0, message=_say_halved(tile))
        pieces: list[_Piece] = []
        for i, part in enumerate(parts):
            # Cut from what was read: a lazy image is not read twice.
            inside = pixels[(slice(None), *_within(tile.source, part.source))]
            job = self._cleaned(unit, part, inside, n_halvings + 1)
            pieces += yield from nested(job, i / 2, (i + 1) / 2)
        return pieces

    def _write(self, unit: _Unit, piece: _Piece) -> None:
        pixels, n_clipped = cast_saturating(piece.pixels, self._out.dtype)
        self._written.write(self._out, self._place_of(unit), piece.target, pixels)
        self.n_clipped += n_clipped

    def _place_of(self, unit: _Unit) -> UnitIndex:
        """Index of a unit in the result."""
        return (unit.sample, *unit.index) if self._n_stacked else unit.index


def _within(outer: Window, inner: Window) -> Window:
    """Where a window lies in another one."""
    return tuple(
        slice(i.start - o.start, i.stop - o.start) for o, i in zip(outer, inner, strict=True)
    )


def _say_halved(tile: Tile) -> str:
    extent = " × ".join(str(span.stop - span.start) for span in tile.target)
    return f"Memory ran out on a tile of {extent} pixels: it goes on with tiles half as large."
