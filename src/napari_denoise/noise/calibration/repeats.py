"""Calibration from repeats: frames of one unchanging field, whose differences are noise alone.

The field may be anything: a specimen that does not move, or an evenly lit flat field. Frames
without light, if there are any, give offset and read noise directly.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.core.axes import Layout, check_axes
from napari_denoise.core.dtype import FloatArray, as_float32, check_pixels
from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.noise.calibration.mean_variance import MIN_PIXELS, Curve, bin_edges
from napari_denoise.noise.calibration.photobleaching import measure_photobleaching_job
from napari_denoise.noise.calibration.photon_transfer import Dark
from napari_denoise.noise.calibration.result import Calibration, Measured, conclude, measure_camera
from napari_denoise.noise.calibration.sampling import Piece, one_channel, pieces
from napari_denoise.noise.calibration.statistics import (
    NoiseField,
    expected_sigma,
    measure_statistics,
)

__all__ = ["calibrate_repeats_job"]

_MAX_DARK_FRAMES = 64
"""Trade-off: more take longer to read, and the many pixels of each say enough already."""
_WINDOW = 5
"""Pixels along the square that tells how bright a pixel's surroundings are."""


def calibrate_repeats_job(
    frames: Any, axes: str, *, dark: Any = None, channel: int | None = None
) -> Job[Calibration]:
    """Measure a detector's noise on repeated frames of one field.

    Parameters
    ----------
    frames : array-like, any real dtype, in DN
        Repeats along T of the same field; may be lazy. Slow bleaching does no harm, movement
        does.
    axes : str
        The axes of `frames`, with a T among them.
    dark : array-like, ``YX`` or ``(...)YX``, optional
        Frames without light, at the same exposure time. Of a single one, the fixed pattern
        counts as read noise.
    channel : int, optional
        Which channel to measure; needed if there are several.

    Raises
    ------
    AxesError
        If there is no time axis, or a single frame.
    InputError
        As for :func:`~napari_denoise.noise.calibration.single_image`.
    """
    check_pixels(frames)
    frames, axes = one_channel(frames, check_axes(axes, tuple(frames.shape)), channel)
    if "T" not in axes or frames.shape[axes.index("T")] < 2:
        raise AxesError(
            f"Repeats lie along T, and there must be two; the image has axes {axes} and shape "
            f"{tuple(frames.shape)}. Name its axes, or calibrate a single image."
        )
    layout = Layout(axes)
    pairs = pieces(layout, _shape_of_pairs(layout, frames.shape))
    samples, differences = yield from nested(_sample_pairs(frames, layout, pairs), 0.0, 0.6)
    curve = yield from nested(_curve(samples), 0.6, 0.8)
    if not curve.variance.any():
        raise InputError("The frames do not differ, so they hold no noise. Choose raw repeats.")
    known_dark = None
    if dark is not None:
        known_dark = yield from nested(_darkness(dark), 0.8, 0.9)
    # A difference of two frames is symmetric: its third cumulant says nothing.
    found = measure_camera(curve, samples[_VALUE], has_skewness=False, dark=known_dark)
    fields = [_field(mean, change, found) for mean, change in differences]
    statistics = measure_statistics(fields, curve.correlation())
    bleached = yield from nested(
        measure_photobleaching_job(frames, layout, found.camera.offset), 0.9, 1.0
    )
    yield Progress(fraction=1.0)
    return conclude(found, replace(statistics, bleached=bleached))


def _shape_of_pairs(layout: Layout, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of an image with one frame per pair of successive ones."""
    return tuple(size - (letter == "T") for letter, size in zip(layout.axes, shape, strict=True))


def _sample_pairs(
    frames: Any, layout: Layout, pairs: list[Piece]
) -> Job[tuple[FloatArray, list[tuple[FloatArray, FloatArray]]]]:
    """What is known of each pixel of these pieces, ``(6, n)``; and their means and changes."""
    time = layout.axes.index("T")
    parts, differences = [], []
    for i, (unit, window) in enumerate(pairs):
        later = tuple(
            place + 1 if n == time and isinstance(place, int) else place
            for n, place in enumerate(unit)
        )
        first, second = (layout.read(frames, u, window)[0] for u in (unit, later))
        mean, change = (first + second) / 2, _match(second, first) - _match(first, second)
        parts.append(_compare(first, mean, change))
        differences.append((mean, change))
        yield Progress(fraction=(i + 1) / len(pairs), message="comparing the frames")
    return np.concatenate(parts, axis=1), differences


def _field(mean: FloatArray, change: FloatArray, found: Measured) -> NoiseField:
    """The noise of one frame, as far as its difference from the next one shows it."""
    # A difference of two has twice the variance of one.
    noise = change / np.float32(np.sqrt(2))
    sigma = expected_sigma(found.camera.variance, mean)
    everywhere = np.ones(noise.shape, bool)
    return NoiseField(noise, sigma, is_known=everywhere, is_smooth=everywhere)


def _compare(first: FloatArray, mean: FloatArray, change: FloatArray) -> FloatArray:
    """The rows of the samples: two levels, and the changes at a pixel and at its neighbours."""
    # Pixels picked by their own brightness would be picked by their noise as well.
    around = (_WINDOW**2 * ndimage.uniform_filter(mean, _WINDOW) - mean) / (_WINDOW**2 - 1)
    here, below, right = np.s_[:-1, :-1], np.s_[1:, :-1], np.s_[:-1, 1:]
    rows = (first[here], around[here], mean[here], change[here], change[below], change[right])
    return np.stack([row.ravel() for row in rows])


def _match(frame: FloatArray, other: FloatArray) -> FloatArray:
    """The frame without its mean, half way to the contrast of another.

    Bleaching and a flickering lamp make one of two frames brighter all over; that is no noise.
    """
    contrast, others = (np.std(ndimage.uniform_filter(f, _WINDOW)) for f in (frame, other))
    ratio = np.sqrt(others / contrast) if contrast > 0 and others > 0 else 1.0
    matched: FloatArray = (frame - frame.mean()) * np.float32(ratio)
    return matched


_VALUE, _AROUND = 0, 1
"""Rows of the samples: the first frame, and the mean level of a pixel's surroundings."""


def _curve(samples: FloatArray) -> Job[Curve]:
    edges = bin_edges(samples[_AROUND])
    # By surroundings, see `_compare`.
    number = np.searchsorted(edges, samples[_AROUND])
    points = []
    for i in range(len(edges) + 1):
        part = samples[:, number == i].astype(np.float64)
        if part.shape[1] >= MIN_PIXELS:
            points.append(_point(part))
        yield Progress(fraction=(i + 1) / (len(edges) + 1), message="measuring the noise")
    mean, variance, count, along_y, along_x = np.array(points, np.float64).reshape(-1, 5).T
    none = np.zeros_like(mean)
    return Curve(mean, variance, none, none, count, along_y, along_x)


def _point(samples: npt.NDArray[np.float64]) -> tuple[float, ...]:
    level, change, below, right = samples[2:]
    # What all pixels of a level have in common is no noise.
    change = change - change.mean()
    power = float(np.mean(change**2))
    along_y, along_x = (
        float(np.mean(change * (near - near.mean()))) / max(power, 1e-300)
        for near in (below, right)
    )
    return float(level.mean()), power / 2, level.size, along_y, along_x


def _darkness(dark: Any) -> Job[Dark]:
    check_pixels(dark, "The dark image")
    planes = list(islice(np.ndindex(*dark.shape[:-2]), _MAX_DARK_FRAMES))
    total = squares = np.zeros(dark.shape[-2:])
    reference = float(as_float32(dark[planes[0]], "The dark image").mean())
    for i, place in enumerate(planes):
        frame = as_float32(dark[place], "The dark image").astype(np.float64)
        # Squares of small numbers: those of a large offset would round off the variance.
        frame -= reference
        total, squares = total + frame, squares + frame**2
        yield Progress(fraction=(i + 1) / len(planes), message="reading the dark frames")
    n, mean = len(planes), total / len(planes)
    # Over frames, pixel by pixel: what differs between pixels in all frames is a fixed pattern.
    variance = (squares - n * mean**2).mean() / (n - 1) if n > 1 else mean.var()
    return Dark(float(mean.mean() + reference), float(variance), n * mean.size)
