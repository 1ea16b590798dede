"""Calibration: a camera's gain, offset and read noise, found in a single noisy image.

Noise is measured where the image is flat, at every brightness there is. What its variance does
with brightness says which camera recorded it, and whether to believe it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from napari_denoise.core.axes import Layout, check_axes
from napari_denoise.core.dtype import FloatArray, check_pixels
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.noise.calibration.mean_variance import CORRELATED, mean_variance_curve
from napari_denoise.noise.calibration.photobleaching import measure_photobleaching_job
from napari_denoise.noise.calibration.result import Calibration, Measured, conclude, measure_camera
from napari_denoise.noise.calibration.sampling import (
    MIN_SIDE,
    margin,
    one_channel,
    pieces,
    read_pieces,
    sample_planes,
)
from napari_denoise.noise.calibration.statistics import (
    NoiseStatistics,
    measure_statistics,
    noise_field,
)

__all__ = ["calibrate_job"]

# Near pixels have the most structure in common with the one they are compared with: far ones only
# if noise reaches so far, four to eight pixels in wide-field frames of FMD (docs/benchmarks.md).
_NEAR, _FAR = 3, 9
"""Reach in pixels within which noise is taken to be independent, at first and if it is not."""


def calibrate_job(image: Any, axes: str, *, channel: int | None = None) -> Job[Calibration]:
    """Measure the noise of an image on the image itself.

    Parameters
    ----------
    image : array-like, any real dtype, in DN
        May be lazy: at most two million pixels are read, evenly spread.
    axes : str
        The image's axes, such as ``"TZYX"``. All planes are taken to come from one detector.
    channel : int, optional
        Which channel to measure; needed if there are several, as each has its own gain.

    Raises
    ------
    InputError
        If the image has several channels and none is chosen, is too small, has no noise, or
        has pixels that are NaN.
    """
    check_pixels(image)
    image, axes = one_channel(image, check_axes(axes, tuple(image.shape)), channel)
    layout, shape = Layout(axes), tuple(image.shape)
    job = read_pieces(image, layout, pieces(layout, shape))
    planes = yield from nested(job, 0.0, 0.2)
    samples = yield from nested(sample_planes(planes, _NEAR), 0.2, 0.4)
    curve = yield from nested(mean_variance_curve(samples, _NEAR), 0.4, 0.5)
    # Less than a millionth of the signal is the rounding of float32 and no noise.
    if not curve.variance.any() or curve.variance.max() < (1e-6 * np.abs(curve.mean).max()) ** 2:
        raise InputError(
            "The image has no noise that could be measured: it is constant, or has no flat place. "
            "Choose a larger raw image."
        )
    is_correlated = max(curve.correlation()) > CORRELATED
    # Small planes keep the near samples: with the far ones nothing would be left inside the margin.
    if is_correlated and min(layout.unit_shape(shape)[1:]) >= 2 * margin(_FAR) + MIN_SIDE:
        samples = yield from nested(sample_planes(planes, _FAR), 0.5, 0.6)
        curve = yield from nested(mean_variance_curve(samples, _FAR), 0.6, 0.7)
    # Correlated noise cannot be told from fine structure: then all of it counts as noise.
    found = measure_camera(
        curve,
        samples.value,
        is_structure_known=not is_correlated,
        has_skewness=not is_correlated,
    )
    statistics = yield from nested(_traits(planes, found), 0.7, 0.9)
    bleached = yield from nested(
        measure_photobleaching_job(image, layout, found.camera.offset), 0.9, 1.0
    )
    yield Progress(fraction=1.0)
    return conclude(found, replace(statistics, bleached=bleached))


def _traits(planes: list[FloatArray], found: Measured) -> Job[NoiseStatistics]:
    fields = []
    for i, plane in enumerate(planes):
        fields.append(noise_field(plane, found.camera.variance))
        yield Progress(fraction=(i + 1) / len(planes), message="looking for patterns")
    return measure_statistics([field for field in fields if field], found.curve.correlation())
