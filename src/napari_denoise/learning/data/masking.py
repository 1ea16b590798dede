"""Which pixels a blind-spot method hides, and what it puts in their place."""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.core.dtype import FloatArray

__all__ = ["PERIOD", "Replacement", "mask_pixels", "masked_in_turn"]

Replacement = Literal["mean", "median", "uniform"]

_RADIUS = {"mean": 1, "median": 2, "uniform": 2}
"""How far from a hidden pixel its stand-in comes from, in pixels."""

_STEPS = (4, 2, 1)
"""Along Z, Y and X, of a count modulo eight: pixels of one number are nowhere neighbours."""

PERIOD = (2, 8, 8)
"""After so many pixels along Z, Y and X the pixels hidden in turn are the same again."""


def mask_pixels(
    patches: FloatArray, percentage: float, replacement: Replacement, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Hide pixels at random, in each channel others.

    After Krull et al. 2019, doi:10.1109/CVPR.2019.00223; the stand-ins without the pixel
    itself after Höck et al. 2022, doi:10.1007/978-3-031-25069-9_33.

    Parameters
    ----------
    patches : array, axes NC(Z)YX
    percentage : float
        Share of the pixels to hide, in percent; at least one pixel per patch and channel.
    replacement : {"mean", "median", "uniform"}
        Mean or median of the neighbours without the pixel itself, or one of them at random.
    rng : numpy.random.Generator

    Returns
    -------
    masked : array, axes NC(Z)YX
        The patches with stand-ins for hidden pixels.
    mask : array, axes NC(Z)YX
        1 where a pixel is hidden, else 0.
    """
    size = patches.shape[2:]
    images = patches.reshape(-1, *size)
    n_hidden = max(1, round(np.prod(size) * percentage / 100))
    flat = rng.integers(np.prod(size), size=(len(images), n_hidden))
    places = np.stack(np.unravel_index(flat, size))
    image_index = np.arange(len(images))[:, np.newaxis]
    neighbours = _neighbours(images, places, _offsets(size, _RADIUS[replacement]))
    masked = images.copy()
    masked[(image_index, *places)] = _stand_in(neighbours, replacement, rng)
    mask = np.zeros_like(images)
    mask[(image_index, *places)] = 1.0
    return masked.reshape(patches.shape), mask.reshape(patches.shape)


def _offsets(size: tuple[int, ...], radius: int) -> npt.NDArray[np.int64]:
    """Steps to all neighbours, one per row; none along an axis too short to turn back in."""
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
        # lead back to the hidden pixel and give it away.
        indices.append(np.where((index < 0) | (index >= size), place - step, index))
    values: FloatArray = images[(np.arange(len(images))[:, np.newaxis], *indices)]
    return values


def _stand_in(
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
    """All ways to hide an eighth of the pixels, so that each is hidden once.

    No hidden pixel is next to another: the mean of its neighbours, which stands in for it, is
    that of pixels which are seen.

    Parameters
    ----------
    tile : array, axes C(Z)YX

    Returns
    -------
    list of (array, axes C(Z)YX; bool array, axes (Z)YX)
        The tile with stand-ins, and where they are.
    """
    size = tile.shape[1:]
    reach = [min(1, (n - 1) // 2) for n in size]
    window = [1, *(2 * r + 1 for r in reach)]
    n = int(np.prod(window))
    total = ndimage.uniform_filter(tile.astype(np.float64), window, mode="mirror") * n
    stand_in = ((total - tile) / max(n - 1, 1)).astype(np.float32)
    steps = np.meshgrid(*(np.arange(length) for length in size), indexing="ij", sparse=True)
    number = sum(step * place for step, place in zip(_STEPS[-len(size) :], steps, strict=True)) % 8
    masks = [np.asarray(number == phase) for phase in range(8)]
    return [(np.where(mask, stand_in, tile), mask) for mask in masks]
