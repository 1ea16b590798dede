"""Local means, variances and covariance of two planes, in bands of rows.

A plane is worked through in bands, so that a job can be stopped within a large one, and bands
can be worked on at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_denoise.metrics.pairs import Plane

__all__ = ["GAUSSIAN", "Moments", "Window", "bands", "local_moments"]

_BAND_PIXELS = 2**17
"""Pixels of a band, 1 MB in double precision: what is made of it stays near the cache, and Cancel
waits for a few milliseconds. Smaller ones would be more margins and calls."""


@dataclass(frozen=True, slots=True)
class Window:
    """The neighbourhood that local moments are taken over.

    Attributes
    ----------
    weights : tuple of float
        One-dimensional, of odd length, summing to one; used along rows and columns.
    variance_factor : float
        1 for population variances, n / (n - 1) for sample variances of n pixels.
    """

    weights: tuple[float, ...]
    variance_factor: float = 1.0

    @property
    def margin(self) -> int:
        """Pixels on each side of a plane that have no full window."""
        return len(self.weights) // 2


def _gaussian_weights(sigma: float, radius: int) -> tuple[float, ...]:
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return tuple(float(weight) for weight in weights / weights.sum())


GAUSSIAN = Window(_gaussian_weights(1.5, 5))
"""SSIM's own window: 11 pixels wide, sigma 1.5, population variances (Wang et al. 2004,
doi:10.1109/TIP.2003.819861)."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Local moments wherever a full window fits, ``YX`` arrays of equal shape."""

    mean_clean: Plane
    mean_image: Plane
    variance_clean: Plane
    variance_image: Plane
    covariance: Plane


def local_moments(clean: Plane, image: Plane, window: Window, row_step: int = 1) -> Moments:
    """Moments of two planes in the window around each pixel that is not too near the border.

    With `row_step`, only of the windows around every so many rows, for as much less work.

    Parameters
    ----------
    clean, image : array, ``YX``, float64
    window : Window
    row_step : int
        How many rows one window lies below the other.

    Returns
    -------
    Moments
        ``YX``, smaller than the planes by the window's margin on each side.
    """
    inner = slice(window.margin, -window.margin)
    n_rows = len(clean) - 2 * window.margin

    def average(pixels: Plane) -> Plane:
        # correlate1d computes all rows; where few are wanted, sums of shifted rows are less work.
        if row_step == 1:
            along_y = ndimage.correlate1d(pixels, window.weights, axis=0)[inner]
        else:
            taps = enumerate(window.weights)
            along_y = sum(w * pixels[i : i + n_rows : row_step] for i, w in taps)
        # Separable: eleven and eleven taps in place of a hundred and twenty-one.
        averaged: Plane = ndimage.correlate1d(along_y, window.weights, axis=1)[:, inner]
        return averaged

    # In double precision: the variance is a small difference of two large numbers, E[x²] - E[x]²,
    # of which single precision would leave little on a camera's offset.
    mean_clean, mean_image = average(clean), average(image)
    factor = window.variance_factor
    return Moments(
        mean_clean,
        mean_image,
        factor * (average(clean * clean) - mean_clean**2),
        factor * (average(image * image) - mean_image**2),
        factor * (average(clean * image) - mean_clean * mean_image),
    )


def bands(shape: tuple[int, ...], margin: int) -> Iterator[slice]:
    """Rows to read so that every row with a full window is worked on once.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of a plane.
    margin : int
        Rows that a window needs above and below, in pixels.

    Returns
    -------
    iterator of slice
        Rows, those of the margins among them; neighbouring bands overlap by twice the margin.
    """
    # Whole rows: they lie side by side in memory, and only two margins are computed twice.
    n_rows = max(1, _BAND_PIXELS // shape[1])
    for start in range(0, shape[0] - 2 * margin, n_rows):
        yield slice(start, min(start + n_rows + 2 * margin, shape[0]))
