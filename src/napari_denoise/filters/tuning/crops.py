"""Crops of an image that are small enough to try settings on, and have something on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import ndimage

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress

__all__ = ["Crop", "choose_crops_job"]

_SIZE = {2: (256, 256), 3: (8, 96, 96)}
"""About as many pixels in a volume as in a plane: some 4,000 of them are masked at a time. More
would make the choice of settings surer, and take longer."""

_N_CANDIDATES = 24
"""More are not read, however large the image: each is a look into a file."""

_BLUR = 2.0
"""Sigma in pixels of the blur under which structure is told from noise: of white noise 14 % is
left, of structure that is wider nearly all."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A window of one unit of an image.

    Attributes
    ----------
    unit : unit index
    window : tuple of slice
        One per spatial axis.
    pixels : array, C(Z)YX
    """

    unit: UnitIndex
    window: tuple[slice, ...]
    pixels: FloatArray


def choose_crops_job(
    image: Any, layout: Layout, units: Sequence[UnitIndex], n_crops: int = 4
) -> Job[tuple[Crop, ...]]:
    """Choose crops of at most 256² pixels, or 8 × 96² voxels.

    Of evenly spread ones, the one with most structure, and others with ever less: what suits
    structure alone might not suit what is around it.

    Parameters
    ----------
    image : array-like, axes as in `layout`
        May be lazy: at most 24 crops are read.
    units : sequence of unit indices
        Where to look: those of one channel.
    n_crops : int
        How many are wanted; there may be fewer.

    Returns
    -------
    tuple of Crop
        The one with most structure first.

    Raises
    ------
    InputError
        If a pixel is NaN.
    """
    places = list(_places(layout, tuple(image.shape), units))
    # Evenly spread over planes, frames and windows alike, whatever their order.
    chosen = places[:: -(-len(places) // _N_CANDIDATES)]
    crops = []
    for i, (unit, window) in enumerate(chosen):
        yield Progress(fraction=i / len(chosen), message="looking for structure")
        crops.append(Crop(unit, window, layout.read(image, unit, window)))
    crops.sort(key=_structure, reverse=True)
    # Not just the best ones: with evenly spread ranks, background has its say as well.
    return tuple(crops[:: -(-len(crops) // n_crops)])


def _places(
    layout: Layout, shape: tuple[int, ...], units: Sequence[UnitIndex]
) -> Iterator[tuple[UnitIndex, tuple[slice, ...]]]:
    size = layout.unit_shape(shape)[1:]
    spans = [list(_spans(*pair)) for pair in zip(size, _SIZE[layout.n_spatial], strict=True)]
    for unit in units:
        for window in product(*spans):
            yield unit, window


def _spans(size: int, wanted: int) -> Iterator[slice]:
    """As many windows as fit without overlap, in the middle; the whole axis if none does."""
    # Without overlap: the same pixels twice would tell nothing new.
    n = max(size // wanted, 1)
    first = max(size - n * wanted, 0) // 2
    return (slice(first + i * wanted, min(first + (i + 1) * wanted, size)) for i in range(n))


def _structure(crop: Crop) -> float:
    sigma = (0.0,) * (crop.pixels.ndim - 2) + (_BLUR, _BLUR)
    return float(np.std(ndimage.gaussian_filter(crop.pixels, sigma)))
