"""Patches from files too large for memory: read ahead, many from each place that is visited.

A compressed plane has to be decoded as a whole for a single patch of it. So several patches are
cut from each piece that is read, and wait among many others until one of them is drawn: those of
a batch come from all over the files, and what is held in memory does not grow with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.progress import Job, Progress, Skipped, run
from napari_denoise.learning.data.images import TrainingImage, nothing_to_use
from napari_denoise.learning.data.pairs import Repeats
from napari_denoise.learning.data.pieces import (
    Anywhere,
    InRegion,
    Piece,
    Place,
    Window,
    places_in,
    read_piece,
    window_around,
)

__all__ = ["PatchStream"]

# Trade-off: a compressed plane is decoded whole for any part of it, so larger pieces cost less per
# patch, but fewer places come up.
_PIECE = 512
"""Rows and columns of what is read at once."""
# Trade-off: more per piece is less reading, and patches that are more alike.
_N_PER_PIECE = 16
"""Patches that are cut from it, at most."""
# The more wait, the farther apart are those of a batch. 64 MiB: what training on folders adds to a
# process was measured to be 20 to 70 MiB.
_N_WAITING = 256
_WAITING_BYTES = 2**26
"""Patches that wait to be drawn: so many, or fewer where they are large."""


@dataclass(frozen=True, slots=True)
class _Source:
    image: TrainingImage
    places: Anywhere | InRegion


class PatchStream:
    """Patches of images that stay in their files.

    Parameters
    ----------
    images : sequence of TrainingImage
    patch_size : tuple of int
        Pixels per spatial axis.
    repeats : Repeats, optional
        Which frames are pairs, if they are.
    """

    def __init__(
        self,
        images: Sequence[TrainingImage],
        patch_size: tuple[int, ...],
        repeats: Repeats | None = None,
    ) -> None:
        self._patch_size, self._repeats = patch_size, repeats
        self._sources = [
            _Source(image, places_in(image, _piece_size(image, patch_size))) for image in images
        ]
        self._waiting: list[Piece] = []
        self.problems: list[Skipped] = []
        """Images that proved broken."""
        # Input, target and mask, float32 each.
        n_bytes = 12 * prod(patch_size) * max(image.unit_shape[0] for image in images)
        self._n_wanted = max(1, min(_N_WAITING, _WAITING_BYTES // n_bytes))
        self.n_pixels = sum(source.places.n_pixels for source in self._sources)
        """How many pixels may be learned from."""

    @property
    def images(self) -> list[TrainingImage]:
        """Those that are still read."""
        return [source.image for source in self._sources]

    def take(self, rng: np.random.Generator) -> Piece:
        """One of the patches that wait; reads some first if there are none.

        Raises
        ------
        DenoiseError
            If none of the images can be read.
        """
        if not self._waiting:
            run(self._read(1, rng))
        place = int(rng.integers(len(self._waiting)))
        # Swapped with the last: taking from the middle of a list moves all that follow.
        self._waiting[place], self._waiting[-1] = self._waiting[-1], self._waiting[place]
        return self._waiting.pop()

    def read_ahead(self, rng: np.random.Generator) -> Job[None]:
        """Read until enough patches wait; an image that proves broken is skipped, and said to be.

        Raises
        ------
        DenoiseError
            If none of the images can be read.
        """
        yield from self._read(self._n_wanted, rng)

    def _read(self, n_wanted: int, rng: np.random.Generator) -> Job[None]:
        """Read until so many patches wait."""
        while len(self._waiting) < n_wanted:
            n_pixels = np.array([source.places.n_pixels for source in self._sources])
            source = self._sources[int(rng.choice(len(n_pixels), p=n_pixels / n_pixels.sum()))]
            try:
                yield from self._visit(source, rng)
            except DenoiseError as error:
                self.problems.append(Skipped.because(source.image.name, error))
                if len(self._sources) == 1:
                    raise nothing_to_use(self.problems) from error
                self._sources = [each for each in self._sources if each is not source]
                yield self.problems[-1]

    def _visit(self, source: _Source, rng: np.random.Generator) -> Job[None]:
        """Read a piece of an image, plane by plane, and cut patches from it."""
        image, place = source.image, source.places.draw(rng)
        partner = self._repeats.partner(image, place.unit, rng) if self._repeats else None
        planes = []
        for window in _planes(place.window):
            yield Progress(fraction=0.0, message=f"reading {image.name}")
            planes.append(read_piece(image, Place(place.unit, window), partner))
        piece = Piece.stacked(planes, place.window) if len(planes) > 1 else planes[0]
        n_fitting = prod(piece.input.shape[1:]) // prod(self._patch_size)
        for _ in range(min(_N_PER_PIECE, max(1, n_fitting))):
            self._waiting.append(piece.cut(_window_in(piece.mask, self._patch_size, rng)))


def _piece_size(image: TrainingImage, patch_size: tuple[int, ...]) -> tuple[int, ...]:
    """As deep as a patch, and as wide as is quickly read."""
    wanted = (*patch_size[:-2], *(max(n, _PIECE) for n in patch_size[-2:]))
    return tuple(min(pair) for pair in zip(wanted, image.unit_shape[1:], strict=True))


def _planes(window: Window) -> list[Window]:
    """The window plane by plane, so that Cancel need not wait for all of them."""
    if len(window) == 2:
        return [window]
    depth = window[0]
    return [(slice(z, z + 1), *window[1:]) for z in range(depth.start, depth.stop)]


def _window_in(mask: FloatArray, size: tuple[int, ...], rng: np.random.Generator) -> Window:
    """A patch's place in a piece: anywhere, or around a pixel that counts."""
    room = mask.shape[1:]
    if mask.all():
        corner = [int(rng.integers(whole - n + 1)) for whole, n in zip(room, size, strict=True)]
        return tuple(slice(a, a + n) for a, n in zip(corner, size, strict=True))
    inside = np.flatnonzero(mask.any(axis=0))
    pixel = inside[rng.integers(len(inside))] if len(inside) else mask[0].size // 2
    center = [int(place) for place in np.unravel_index(pixel, room)]
    return window_around(center, size, room)
