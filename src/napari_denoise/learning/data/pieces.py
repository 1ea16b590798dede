"""What is read of an image at once: pixels, what goes with them, and which of them count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.dtype import FloatArray, as_float32
from napari_denoise.learning.data.patches import TrainingImage
from napari_denoise.learning.data.places import Place, Window

__all__ = ["Piece", "Repeats", "read_piece"]


@dataclass(frozen=True, slots=True)
class Repeats:
    """Which frames of an image are pairs.

    Attributes
    ----------
    axis : str
        Along which they lie.
    pairing : {"any", "even_odd"}
        Any two, or each even one and the odd one after it.
    """

    axis: str
    pairing: Literal["any", "even_odd"] = "any"

    def partner(self, image: TrainingImage, unit: UnitIndex, rng: np.random.Generator) -> UnitIndex:
        """The same unit in another frame."""
        place = image.layout.axes.index(self.axis)
        here, n = unit[place], image.pixels.shape[place]
        assert isinstance(here, int)  # noqa: S101  # it lies along a batch axis
        if self.pairing == "any":
            there = (here + int(rng.integers(1, n))) % n
        else:
            # The last of an odd number of frames goes with the one before it.
            there = here ^ 1 if here ^ 1 < n else here - 1
        return (*unit[:place], there, *unit[place + 1 :])


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an image as a network may see it; all arrays ``C(Z)YX`` float32.

    Attributes
    ----------
    image : TrainingImage
    place : Place
        Which part it is.
    shown, target, weight : array
        As in :class:`~napari_denoise.learning.data.sampler.Patches`.
    """

    image: TrainingImage
    place: Place
    shown: FloatArray
    target: FloatArray
    weight: FloatArray

    @property
    def channel(self) -> int | None:
        """Which channel it shows; None if it shows all, or there are none."""
        return self.image.layout.channel_of(self.place.unit)

    @classmethod
    def stacked(cls, planes: Sequence[Piece], window: Window) -> Piece:
        """Neighbouring planes as one piece, which lies in `window`."""
        first = planes[0]
        parts = [[getattr(plane, name) for plane in planes] for name in _ARRAYS]
        arrays = (np.concatenate(part, axis=-3) for part in parts)
        return cls(first.image, Place(first.place.unit, window), *arrays)

    def cut(self, window: Window) -> Piece:
        """A copy of the part in `window`, which is counted from the piece's own corner."""
        arrays = {name: getattr(self, name)[(..., *window)].copy() for name in _ARRAYS}
        moved = tuple(
            slice(whole.start + part.start, whole.start + part.stop)
            for whole, part in zip(self.place.window, window, strict=True)
        )
        return replace(self, place=Place(self.place.unit, moved), **arrays)


_ARRAYS = ("shown", "target", "weight")


def read_piece(image: TrainingImage, place: Place, partner: UnitIndex | None = None) -> Piece:
    """Read a part of an image, and nothing else.

    Parameters
    ----------
    partner : UnitIndex, optional
        The unit that goes with it, of the same image; unset: the target if there is one, else
        the piece itself.

    Raises
    ------
    InputError
        If a pixel that counts is NaN or infinite.
    FileError
        If the file is damaged there.
    """
    other = place if partner is None else Place(partner, place.window)
    inside = _inside(image, place, other)
    shown = target = _read(image.layout, image.pixels, place, inside, image.name)
    if partner is not None:
        target = _read(image.layout, image.pixels, other, inside, image.name)
    elif image.target is not None:
        target = _read(image.layout, image.target, place, inside, image.target_name)
    weight = np.ones_like(shown) if inside is None else inside.astype(np.float32)
    return Piece(image, place, shown, target, weight)


def _inside(image: TrainingImage, *places: Place) -> npt.NDArray[np.bool_] | None:
    """Which pixels lie in the region at all these places, ``C(Z)YX``; None if there is none."""
    if image.region is None:
        return None
    whole = np.broadcast_to(image.region, tuple(image.pixels.shape))
    parts = [image.layout.cut(whole, place.unit, place.window) for place in places]
    return np.asarray(np.logical_and.reduce(parts))


def _read(
    layout: Layout, pixels: Any, place: Place, inside: npt.NDArray[np.bool_] | None, name: str
) -> FloatArray:
    piece = layout.cut(pixels, place.unit, place.window)
    if inside is None:
        return as_float32(piece, name)
    filled = np.zeros(piece.shape, np.float32)
    for channel, here, result in zip(piece, inside, filled, strict=True):
        known = as_float32(channel[here], name)
        # Their mean gives no single one of them away, as a copy of the nearest would.
        result[...] = known.mean(dtype=np.float64) if known.size else 0.0
        result[here] = known
    return filled
