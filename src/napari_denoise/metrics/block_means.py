"""Means over blocks of two images, grouped by what surrounds a block.

Noise misleads every line fitted through single pixels: noise in the input flattens the slope
(regression dilution), and so does sorting by the input, of which the brightest pixels are bright
by chance. Blocks are grouped by *other* blocks around them instead, whose noise is independent:
an instrumental variable. Group means then have next to no noise on either axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.metrics.pairs import Plane

__all__ = [
    "Groups",
    "Line",
    "block_sizes",
    "fit_line",
    "group_blocks",
    "means_and_surroundings",
    "means_of_blocks",
]

_SIZES = (16, 8)
"""Widths in pixels, the one that is preferred first. A trade-off, see :func:`block_sizes`."""

_N_GROUPS = 10
"""Deciles: fine enough to see a bend in a curve, coarse enough for means without noise."""

_MIN_PER_GROUP = 5
"""Blocks, of which the scatter within a group is told; fewer would make its error a guess."""

_RING = np.ones((5, 5))
_RING[1:4, 1:4] = 0  # next neighbours share the noise that a filter carries across the border

Blocks = npt.NDArray[np.float64]
"""One column per block: mean of its surroundings (NaN if there are none), of the block in the
first image, and in the second."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Deciles of blocks, from the darkest surroundings to the brightest.

    Attributes
    ----------
    first, second : array of float
        Mean of each group in the two images.
    error : array of float
        Standard error of the difference of the two, for each group.
    strength : float
        F statistic of the groups' means in the first image: how much surroundings tell.
    """

    first: npt.NDArray[np.float64]
    second: npt.NDArray[np.float64]
    error: npt.NDArray[np.float64]
    strength: float


@dataclass(frozen=True, slots=True)
class Line:
    """``second = slope * first + intercept``, with the standard error of the slope."""

    slope: float
    intercept: float
    slope_error: float


def block_sizes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Widths of blocks in pixels for planes of this shape, the coarsest first.

    Coarse blocks are more independent of what a filter carries across borders, fine ones see
    small structures; each needs eight across the plane.
    """
    # Eight, as the ring around a block is five wide: with fewer, most rings would be cut off.
    sizes = tuple(size for size in _SIZES if min(shape) >= 8 * size)
    return sizes or (min(4, *shape),)


def means_and_surroundings(first: Plane, second: Plane, size: int) -> Blocks:
    """Mean of each block and of its surroundings, of which the first image decides.

    Parameters
    ----------
    first, second : array, ``YX``, same shape
    size : int
        Width of a block along Y and X, in pixels.

    Returns
    -------
    array, ``(3, blocks)``
    """
    means, others = (means_of_blocks(plane, size) for plane in (first, second))
    # At the border the ring is cut off: its mean is over the blocks that are there.
    around = ndimage.correlate(means, _RING, mode="constant")
    n_around = ndimage.correlate(np.ones_like(means), _RING, mode="constant")
    surroundings = np.where(n_around > 0, around / np.maximum(n_around, 1), np.nan)
    return np.stack([part.ravel() for part in (surroundings, means, others)])


def means_of_blocks(image: Plane, size: int) -> Plane:
    """Mean of each block of pixels; rows and columns that fill no block are left out.

    scikit-image's ``block_reduce`` fills them up with zeros, which would darken the border.

    Parameters
    ----------
    image : array, ``(...)YX``, float64
    size : int
        Width of a block along Y and X, in pixels.

    Returns
    -------
    array, ``(...)YX``, float64
        A pixel for each block.
    """
    rows, columns = (length // size for length in image.shape[-2:])
    cropped = image[..., : rows * size, : columns * size]
    blocks = cropped.reshape(*image.shape[:-2], rows, size, columns, size)
    means: Plane = blocks.mean(axis=(-3, -1))
    return means


def group_blocks(blocks: Blocks) -> Groups | None:
    """Group blocks by their surroundings; None if there are too few."""
    surroundings, first, second = blocks[:, np.isfinite(blocks[0])]
    if first.size < _N_GROUPS * _MIN_PER_GROUP:
        return None
    # By rank, so that groups are equally large; stable, so that ties do not depend on the machine.
    parts = np.array_split(np.argsort(surroundings, kind="stable"), _N_GROUPS)
    means = np.array([first[part].mean() for part in parts])
    within = sum(float(np.square(first[part] - first[part].mean()).sum()) for part in parts)
    between = sum(len(part) * (m - first.mean()) ** 2 for part, m in zip(parts, means, strict=True))
    # The F statistic of a one-way analysis of variance.
    scatter = within / (first.size - _N_GROUPS)
    ratio = between / (_N_GROUPS - 1) / scatter if scatter > 0 else math.inf
    return Groups(
        means,
        np.array([second[part].mean() for part in parts]),
        np.array([np.std((second - first)[part], ddof=1) / math.sqrt(len(part)) for part in parts]),
        float(ratio) if between > 0 else 0.0,
    )


def fit_line(groups: Groups) -> Line:
    """Total least squares through the group means: neither image is taken to be exact."""
    centred = np.stack([groups.first - groups.first.mean(), groups.second - groups.second.mean()])
    # The direction of most scatter; eigh sorts it last.
    _, directions = np.linalg.eigh(centred @ centred.T)
    along_first, along_second = directions[:, -1]
    slope = float(along_second / along_first) if along_first else math.inf
    at_zero = float(groups.second.mean() - slope * groups.first.mean()) if along_first else math.nan
    # As for least squares with errors along the second axis alone: the first image's group means
    # have next to none.
    spread = np.square(centred[0])
    error = math.sqrt(float((spread * np.square(groups.error)).sum())) / float(spread.sum())
    return Line(slope, at_zero, error)
