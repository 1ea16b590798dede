"""Which pixels methods mask, one by one or whole structures, and what they put in their place."""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.core.dtype import FloatArray

__all__ = ["PERIOD", "Replacement", "mask_pixels", "masked_in_turn"]

Replacement = Literal["mean", "median", "uniform"]
Orientation = Literal["Y", "X", "Z", "cross", "block"]
"""Along which axis, or as what, pixels are masked together."""
Shape = tuple[tuple[int, ...], ...]
"""Steps from the predicted pixel to each masked one, itself included, along each spatial axis."""
Steps = npt.NDArray[np.int64]

# The mean is that of the nearest, which are most like the pixel; a median, or one at random, needs
# more to choose from.
_RADIUS = {"mean": 1, "median": 2, "uniform": 2}
"""How far from a masked pixel its replacement comes from, in pixels."""

_STEPS = (4, 2, 1)
"""Along Z, Y and X, of a count modulo eight: pixels of one number are nowhere neighbours."""

PERIOD = (2, 8, 8)
"""After so many pixels along Z, Y and X the pixels masked in turn are the same again."""

_STRUCTURE_RADIUS = 2
"""How far from a masked pixel its replacement comes from, in pixels, or as far as the mask ends."""


def mask_pixels(
    patches: FloatArray, percentage: float, replacement: Replacement, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Mask pixels at random, in each channel others.

    After Krull et al. 2019, doi:10.1109/CVPR.2019.00223; the replacements without the pixel
    itself after Höck et al. 2022, doi:10.1007/978-3-031-25069-9_33.

    Parameters
    ----------
    patches : array, axes NC(Z)YX
    percentage : float
        Share of the pixels to mask, in percent; at least one pixel per patch and channel.
    replacement : {"mean", "median", "uniform"}
        Mean or median of the neighbours without the pixel itself, or one of them at random.
    rng : numpy.random.Generator

    Returns
    -------
    masked : array, axes NC(Z)YX
        The patches with replacements for masked pixels.
    mask : array, axes NC(Z)YX
        1 where a pixel is masked, else 0.
    """
    # With replacement: a pixel drawn twice is masked once, which costs less than to forbid it.
    size = patches.shape[2:]
    images = patches.reshape(-1, *size)
    n_masked = max(1, round(np.prod(size) * percentage / 100))
    flat = rng.integers(np.prod(size), size=(len(images), n_masked))
    places = np.stack(np.unravel_index(flat, size))
    image_index = np.arange(len(images))[:, np.newaxis]
    neighbours = _neighbours(images, places, _offsets(size, _RADIUS[replacement]))
    masked = images.copy()
    masked[(image_index, *places)] = _replacements(neighbours, replacement, rng)
    mask = np.zeros_like(images)
    mask[(image_index, *places)] = 1.0
    return masked.reshape(patches.shape), mask.reshape(patches.shape)


def _offsets(size: tuple[int, ...], radius: int) -> npt.NDArray[np.int64]:
    """Steps to all neighbours, one per row; none along an axis too short to turn back in."""
    # A step back at the border has to stay in the image: half of its size at most.
    reach = [min(radius, (n - 1) // 2) for n in size]
    steps = product(*(range(-r, r + 1) for r in reach))
    return np.array([step for step in steps if any(step)])


def _neighbours(
    images: FloatArray, places: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]
) -> FloatArray:
    """Values of all neighbours (first axis) of each place (further axes)."""
    steps = offsets.T[:, :, np.newaxis, np.newaxis]
    indices = []
    for place, step, size in zip(places, steps, images.shape[1:], strict=True):
        index = place + step
        # A step across the border goes the other way: clamping or reflecting the index could
        # lead back to the masked pixel and give it away.
        indices.append(np.where((index < 0) | (index >= size), place - step, index))
    values: FloatArray = images[(np.arange(len(images))[:, np.newaxis], *indices)]
    return values


def _replacements(
    neighbours: FloatArray, replacement: Replacement, rng: np.random.Generator
) -> FloatArray:
    if replacement == "mean":
        values = neighbours.mean(axis=0)
    elif replacement == "median":
        values = np.median(neighbours, axis=0)
    else:
        chosen = rng.integers(len(neighbours), size=(1, *neighbours.shape[1:]))
        values = np.take_along_axis(neighbours, chosen, axis=0)[0]
    return np.asarray(values, dtype=np.float32)


def masked_in_turn(tile: FloatArray) -> list[tuple[FloatArray, npt.NDArray[np.bool_]]]:
    """All ways to mask an eighth of the pixels, so that each is masked once.

    No masked pixel is next to another: the mean of its neighbours, which replaces it, is
    that of pixels which are seen.

    Parameters
    ----------
    tile : array, axes C(Z)YX

    Returns
    -------
    list of (array, axes C(Z)YX; bool array, axes (Z)YX)
        The tile with replacements, and where they are.
    """
    size = tile.shape[1:]
    reach = [min(1, (n - 1) // 2) for n in size]
    window = [1, *(2 * r + 1 for r in reach)]
    n = int(np.prod(window))
    # The sum over the window less the pixel itself, in double precision, as a difference of large
    # numbers; mirrored at borders as in `_neighbours`, so that the pixel does not come back.
    total = ndimage.uniform_filter(tile.astype(np.float64), window, mode="mirror") * n
    replaced = ((total - tile) / max(n - 1, 1)).astype(np.float32)
    steps = np.meshgrid(*(np.arange(length) for length in size), indexing="ij", sparse=True)
    # Weights 4, 2, 1 modulo 8: a step to any neighbour, diagonals too, changes the number.
    number = sum(step * place for step, place in zip(_STEPS[-len(size) :], steps, strict=True)) % 8
    masks = [np.asarray(number == phase) for phase in range(8)]
    return [(np.where(mask, replaced, tile), mask) for mask in masks]


def mask_shape(orientation: Orientation, span: int, n_spatial: int) -> Shape:
    """The pixels that are masked with a predicted one.

    Parameters
    ----------
    orientation : {"Y", "X", "Z", "cross", "block"}
        A line along an axis (Z: the first of three, which may be time), lines along Y and X, or a
        square in YX.
    span : int
        Pixels from end to end; an odd number.
    n_spatial : int
        Two or three.
    """
    reach = range(-(span // 2), span // 2 + 1)
    if orientation == "block":
        steps = {(y, x) for y, x in product(reach, reach)}
    else:
        steps = {(y, 0) for y in reach if orientation in ("Y", "cross")}
        steps |= {(0, x) for x in reach if orientation in ("X", "cross")}
    if n_spatial == 2:
        return tuple(sorted(steps))
    if orientation == "Z":
        return tuple((z, 0, 0) for z in reach)
    return tuple((0, *step) for step in sorted(steps))


def mask_structures(
    patches: FloatArray,
    percentage: float,
    shape: Shape,
    replacement: Literal["neighbour", "range"],
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Mask whole structures at random, in each channel others, to ask for the pixel amid each.

    After Broaddus et al. 2020, doi:10.1109/ISBIWorkshops50223.2020.9153336.

    Parameters
    ----------
    patches : array, axes NC(Z)YX
    percentage : float
        Share of the pixels to mask, in percent, overlaps counted twice; at least one structure
        per patch and channel.
    shape : Shape
    replacement : {"neighbour", "range"}
        A pixel near the masked one and outside the structure, or an even distribution over the
        patch's range (the original method).
    rng : numpy.random.Generator

    Returns
    -------
    masked : array, axes NC(Z)YX
        The patches with replacements for masked pixels.
    mask : array, axes NC(Z)YX
        1 where a pixel is to be predicted, else 0.
    """
    size = patches.shape[2:]
    images = patches.reshape(-1, *size)
    n_centres = max(1, round(np.prod(size) * percentage / 100 / len(shape)))
    flat = rng.integers(np.prod(size), size=(len(images), n_centres))
    centres = np.stack(np.unravel_index(flat, size))
    which = np.arange(len(images))[:, np.newaxis]
    masked = images.copy()
    for step, pool in zip(shape, _pools(shape), strict=True):
        places, is_inside = _shifted(centres, np.array(step)[:, np.newaxis, np.newaxis], size)
        if replacement == "neighbour":
            chosen = pool[rng.integers(len(pool), size=flat.shape)]
            values = _values(images, centres, np.moveaxis(chosen, -1, 0))
        else:
            within = tuple(range(1, images.ndim))
            # Evenly over the range, as in the paper: it tells nothing of the masked pixel.
            low, high = images.min(within)[:, np.newaxis], images.max(within)[:, np.newaxis]
            values = rng.uniform(low, high, size=flat.shape).astype(np.float32)
        rows = np.broadcast_to(which, flat.shape)[is_inside]
        masked[(rows, *places[:, is_inside])] = values[is_inside]
    mask = np.zeros_like(images)
    mask[(which, *centres)] = 1.0
    return masked.reshape(patches.shape), mask.reshape(patches.shape)


def _pools(shape: Shape) -> list[Steps]:
    """For each masked pixel the steps, from the predicted one, to those it may be replaced by."""
    together = set(shape)
    pools = []
    for step in shape:
        # A wide block has nothing outside within the radius: look farther until there is.
        radius, pool = _STRUCTURE_RADIUS, set[tuple[int, ...]]()
        while not pool:
            window = product(*(range(place - radius, place + radius + 1) for place in step))
            pool = set(window) - together
            radius += 1
        pools.append(np.array(sorted(pool)))
    return pools


def _shifted(
    centres: Steps, step: Steps, size: tuple[int, ...]
) -> tuple[Steps, npt.NDArray[np.bool_]]:
    """Places a step away, and whether they lie in the image."""
    places = centres + step
    ends = np.array(size)[:, np.newaxis, np.newaxis]
    return places, np.logical_and.reduce((places >= 0) & (places < ends))


def _values(images: FloatArray, centres: Steps, steps: Steps) -> FloatArray:
    """What is a step away from each centre.

    Beyond the border the opposite pixel, which is not masked either as structures are symmetric;
    where there is none either, the image's mean.
    """
    which = np.arange(len(images))[:, np.newaxis]
    ahead, is_ahead = _shifted(centres, steps, images.shape[1:])
    back, is_back = _shifted(centres, -steps, images.shape[1:])
    places = np.where(is_ahead, ahead, np.where(is_back, back, 0))
    # The mean holds the masked pixels as well, of which each is one of thousands.
    means = images.mean(axis=tuple(range(1, images.ndim)))[:, np.newaxis]
    values: FloatArray = np.where(is_ahead | is_back, images[(which, *places)], means)
    return values
