"""Which pixels structN2V hides together, and what it puts in their place."""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray

__all__ = ["Orientation", "Shape", "mask_shape", "mask_structures"]

Orientation = Literal["Y", "X", "Z", "cross", "block"]
Shape = tuple[tuple[int, ...], ...]
"""Steps from the guessed pixel to each hidden one, itself included, along each spatial axis."""
Steps = npt.NDArray[np.int64]

_RADIUS = 2
"""How far from a hidden pixel its stand-in comes from, in pixels, or as far as the mask ends."""


def mask_shape(orientation: Orientation, span: int, n_spatial: int) -> Shape:
    """The pixels that are hidden with a guessed one.

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
    """Hide whole structures at random, in each channel others, to ask for the pixel amid each.

    After Broaddus et al. 2020, doi:10.1109/ISBIWorkshops50223.2020.9153336.

    Parameters
    ----------
    patches : array, axes NC(Z)YX
    percentage : float
        Share of the pixels to hide, in percent, overlaps counted twice; at least one structure
        per patch and channel.
    shape : Shape
    replacement : {"neighbour", "range"}
        A pixel near the hidden one and outside the structure, or an even distribution over the
        patch's range (the original method).
    rng : numpy.random.Generator

    Returns
    -------
    masked : array, axes NC(Z)YX
        The patches with stand-ins for hidden pixels.
    mask : array, axes NC(Z)YX
        1 where a pixel is to be guessed, else 0.
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
            low, high = images.min(within)[:, np.newaxis], images.max(within)[:, np.newaxis]
            values = rng.uniform(low, high, size=flat.shape).astype(np.float32)
        rows = np.broadcast_to(which, flat.shape)[is_inside]
        masked[(rows, *places[:, is_inside])] = values[is_inside]
    mask = np.zeros_like(images)
    mask[(which, *centres)] = 1.0
    return masked.reshape(patches.shape), mask.reshape(patches.shape)


def _pools(shape: Shape) -> list[Steps]:
    """For each hidden pixel the steps, from the guessed one, to those it may be replaced by."""
    hidden = set(shape)
    pools = []
    for step in shape:
        radius, pool = _RADIUS, set[tuple[int, ...]]()
        while not pool:
            window = product(*(range(place - radius, place + radius + 1) for place in step))
            pool = set(window) - hidden
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

    Beyond the border the opposite pixel, which is not hidden either as structures are symmetric;
    where there is none either, the image's mean.
    """
    which = np.arange(len(images))[:, np.newaxis]
    ahead, is_ahead = _shifted(centres, steps, images.shape[1:])
    back, is_back = _shifted(centres, -steps, images.shape[1:])
    places = np.where(is_ahead, ahead, np.where(is_back, back, 0))
    means = images.mean(axis=tuple(range(1, images.ndim)))[:, np.newaxis]
    values: FloatArray = np.where(is_ahead | is_back, images[(which, *places)], means)
    return values
