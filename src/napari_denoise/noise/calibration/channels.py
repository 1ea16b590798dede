"""All channels of an image calibrated, one after the other: each has a gain of its own."""

from __future__ import annotations

from typing import Any

from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.noise.calibration.repeats import calibrate_repeats_job
from napari_denoise.noise.calibration.result import Calibration
from napari_denoise.noise.calibration.single_image import calibrate_job

__all__ = ["calibrate_channels_job"]


def calibrate_channels_job(
    image: Image, *, is_repeated: bool = False, dark: Any = None
) -> Job[tuple[Calibration, ...]]:
    """Calibrate each channel of an image.

    Parameters
    ----------
    image : Image, in DN
    is_repeated : bool
        Whether the frames along T show one unchanging field. An image without T has them along Z:
        it is how axes without names are taken.
    dark : array-like, optional
        Frames without light, if the field is repeated.

    Returns
    -------
    tuple of Calibration
        One for an image without channels.

    Raises
    ------
    InputError
        If the noise of a channel cannot be measured.
    """
    pixels, axes = image.pixels, image.axes
    if is_repeated and "T" not in axes:
        axes = axes.replace("Z", "T")
    n_channels = image.sizes.get("C", 1)
    found = []
    for channel in range(n_channels):
        given = {"channel": channel if "C" in axes else None}
        job = (
            calibrate_repeats_job(pixels, axes, dark=dark, **given)
            if is_repeated
            else calibrate_job(pixels, axes, **given)
        )
        start, stop = channel / n_channels, (channel + 1) / n_channels
        found.append((yield from nested(job, start, stop)))
    return tuple(found)
