"""Patterns two pixels wide, which a network may leave."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.progress import Job, Progress
from napari_denoise.metrics.metric import Metric, Quantity, Scene
from napari_denoise.metrics.pairs import Plane, check_image, to_double

__all__ = ["CHECKERBOARD", "checkerboard_score_job"]

_TILE = 32
"""Pixels along Y and X: a period of two is the 16th frequency, and what surrounds it three and four
bins away is still finer than 2.7 pixels. Larger tiles would resolve more and average over fewer."""


def checkerboard_score_job(image: Any) -> Job[float]:
    """How much stronger the finest patterns are than slightly coarser ones, plane by plane.

    Networks with pooling, transposed convolutions or blind spots can leave patterns with a
    period of two pixels. Their energy (in rows, columns or as a checkerboard, whichever is
    strongest) is divided by that at periods of about 2.5 pixels, in a spectrum that is the mean
    over overlapping tiles of 32 pixels [1]_.

    Parameters
    ----------
    image : array-like, ``(...)YX``
        May be lazy.

    Returns
    -------
    float
        About 1 for white noise and less for smooth images; much more than 4 is a pattern.
        (A box filter scores 3: it lets periods of two pixels through, but none of three.) NaN
        for planes smaller than 32 pixels, 0 for constant ones.

    Raises
    ------
    InputError
        If the image has fewer than two axes, or a pixel is not finite.

    References
    ----------
    .. [1] Welch 1967, doi:10.1109/TAU.1967.1161901
    """
    image = check_image(image)
    if min(image.shape[-2:]) < _TILE:
        return math.nan
    power = np.zeros((_TILE, _TILE))
    rows = range(0, image.shape[-2] - _TILE + 1, _TILE // 2)
    n_planes = math.prod(image.shape[:-2])
    for i, place in enumerate(np.ndindex(*image.shape[:-2])):
        plane = to_double(image[place])
        # Whole tiles only: what is left over at the end of rows and columns is not looked at.
        for j, row in enumerate(rows):
            power += _tile_power(plane[row : row + _TILE])
            done = (i + (j + 1) / len(rows)) / n_planes
            yield Progress(fraction=done, message=f"plane {i + 1} of {n_planes}")
    return _finest_over_finer(power)


def _tile_power(strip: Plane) -> npt.NDArray[np.float64]:
    """Power spectrum summed over the half-overlapping tiles of a strip of rows."""
    tiles = np.lib.stride_tricks.sliding_window_view(strip, _TILE, axis=1)[:, :: _TILE // 2]
    tiles = tiles.transpose(1, 0, 2)
    # Welch's method: without a window, what differs between opposite borders would leak everywhere.
    window = np.outer(*[np.hanning(_TILE + 1)[:-1]] * 2)
    # The mean of each tile is taken off, or the window would spread it over its neighbours.
    spectra = np.fft.fft2((tiles - tiles.mean(axis=(1, 2), keepdims=True)) * window)
    power: npt.NDArray[np.float64] = np.square(np.abs(spectra)).sum(axis=0)
    return power


def _finest_over_finer(power: npt.NDArray[np.float64]) -> float:
    """The strongest of three patterns, each over frequencies a little below in its direction.

    A window spreads a peak over its neighbours, so these are three and four bins away; and what
    it leaks of a smooth image lies along the axes, so they lie along them too.
    """
    finest = _TILE // 2
    below = [finest - 4, finest - 3, finest + 3, finest + 4]
    patterns = [
        (power[0, finest], power[0, below]),
        (power[finest, 0], power[below, 0]),
        (power[finest, finest], np.append(power[finest, below], power[below, finest])),
    ]
    # The median of the surroundings: a line of structure through one of the bins does not count.
    return max(_ratio(float(peak), float(np.median(around))) for peak, around in patterns)


def _ratio(peak: float, around: float) -> float:
    if peak == 0:  # a constant image has no pattern, whatever surrounds it
        return 0.0
    return peak / around if around > 0 else math.inf


def _start(scene: Scene) -> Job[float]:
    return checkerboard_score_job(scene.image)


CHECKERBOARD = Metric(
    "checkerboard",
    "nothing",
    _start,
    "Checkerboard {:.2f}".format,
    (
        Quantity(
            "checkerboard",
            "Checker",
            "Strength of patterns two pixels wide. About 1 for white noise, less for smooth "
            "images; much more than 4 is an artefact.",
            float,
            2,
            is_main=True,
        ),
    ),
)
