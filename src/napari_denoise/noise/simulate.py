"""Simulated noise: what a detector would have recorded of a clean image.

Noise is drawn in double precision and cast at the end: rounded and saturated for integer
dtypes, never wrapped around, and the saturated pixels are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.axes import Layout, UnitIndex, check_axes, default_axes
from napari_denoise.errors import AxesError, SettingsError
from napari_denoise.intensities import cast_saturating, check_pixels
from napari_denoise.noise.model import NoiseModel, Recording
from napari_denoise.progress import Job, Progress, nested

__all__ = ["Simulated", "add_noise", "dose_series"]

Noise = NoiseModel | Sequence[NoiseModel]

_BAND_PIXELS = 2**19


@dataclass(frozen=True, slots=True)
class Simulated:
    """What :func:`add_noise` returns.

    Attributes
    ----------
    image : array, same axes and units as the clean one
    n_clipped : int
        Pixels that did not fit into an integer dtype and were set to its end.
    """

    image: npt.NDArray[Any]
    n_clipped: int


def add_noise(
    noise: Noise,
    image: Any,
    *,
    rng: np.random.Generator,
    axes: str | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Job[Simulated]:
    """Add noise to an image, plane by plane.

    Parameters
    ----------
    noise : NoiseModel or sequence of NoiseModel
        The kind of noise with its settings; several are added in order, such as bleaching,
        shot noise, stripes.
    image : array-like, any real dtype
        The clean image; may be lazy.
    rng : numpy.random.Generator
        The same state gives the same noise, however the image is stored.
    axes : str, optional
        The image's axes, such as ``"TZYX"``. Without it the last two are Y and X, and there is
        no time.
    dtype : dtype, optional
        Of the result; that of `image` if None. Integer types round and saturate.

    Raises
    ------
    InputError
        If the image is empty, has NaN, or (photons) negative intensities or no signal.
    AxesError
        If `axes` do not fit, or time is needed and they name none.
    """
    check_pixels(image)
    models = _models(noise)
    layout = _layout(models, image, axes)
    parts = 2 if any(model.needs_range for model in models) else 1
    recording = Recording()
    if parts == 2:
        recording = yield from nested(_measure_range(image, layout), 0.0, 0.5)
    dtype = image.dtype if dtype is None else dtype
    noisy = np.empty(image.shape, dtype=dtype)
    job = _record(models, image, layout, recording, noisy, rng=rng)
    n_clipped = yield from nested(job, 1 - 1 / parts, 1.0)
    return Simulated(noisy, n_clipped)


def dose_series(
    noise: Noise,
    image: Any,
    doses: Sequence[float],
    *,
    rng: np.random.Generator,
    axes: str | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Job[Simulated]:
    """Record an image at several doses of light, each with noise of its own.

    Parameters
    ----------
    noise, image, rng, axes, dtype
        As for :func:`add_noise`. Settings such as photons at the peak hold for a dose of 1.
    doses : sequence of float
        Shares of the full exposure, such as ``(1, 0.5, 0.25)``.

    Returns
    -------
    Simulated
        Its image has the doses along a new first axis; each is as dark as its dose.

    Raises
    ------
    SettingsError
        If there is no dose, or one is not positive.
    DenoiseError
        As for :func:`add_noise`.
    """
    check_pixels(image)
    if not len(doses) or not all(0 < dose < np.inf for dose in doses):
        raise SettingsError(f"Doses {tuple(doses)} cannot be used. Give shares such as 1, 0.5.")
    models = _models(noise)
    layout = _layout(models, image, axes)
    recording = yield from nested(_measure_range(image, layout), 0.0, 0.2)
    dtype = image.dtype if dtype is None else dtype
    noisy = np.empty((len(doses), *image.shape), dtype=dtype)
    n_clipped = 0
    for i, dose in enumerate(doses):
        job = _record(models, image, layout, recording, noisy[i], rng=rng, dose=dose)
        start, stop = (0.2 + 0.8 * k / len(doses) for k in (i, i + 1))
        n_clipped += yield from nested(job, start, stop)
    return Simulated(noisy, n_clipped)


def _models(noise: Noise) -> tuple[NoiseModel, ...]:
    return (noise,) if isinstance(noise, NoiseModel) else tuple(noise)


def _layout(models: tuple[NoiseModel, ...], image: Any, axes: str | None) -> Layout:
    shape = tuple(image.shape)
    for model in models:
        if model.needs_time and "T" not in (axes or "").upper():
            raise AxesError(
                f"{model.title} happens along time, but the image has axes {axes or 'unknown'}. "
                f"Name its axes, with a T among them."
            )
    return Layout(check_axes(axes or default_axes(len(shape)), shape))


def _measure_range(image: Any, layout: Layout) -> Job[Recording]:
    low, high = np.inf, -np.inf
    n_planes = layout.n_units(image.shape)
    for i, unit in enumerate(layout.units(image.shape)):
        plane = layout.read(image, unit)
        low, high = min(low, float(plane.min())), max(high, float(plane.max()))
        yield Progress(fraction=(i + 1) / n_planes, message="measuring the range")
    return Recording(low=low, high=high)


def _record(
    models: tuple[NoiseModel, ...],
    image: Any,
    layout: Layout,
    recording: Recording,
    noisy: npt.NDArray[Any],
    *,
    rng: np.random.Generator,
    dose: float = 1.0,
) -> Job[int]:
    """Write the noisy image into `noisy`; returns how many pixels were clipped."""
    height, width = layout.unit_shape(image.shape)[1:]
    bands = _bands(models, height, width)
    n_planes, n_done, n_clipped = layout.n_units(image.shape), 0, 0
    for i, unit in enumerate(layout.units(image.shape)):
        time = _time(layout, image.shape, unit)
        for rows in bands:
            window = (rows, slice(None))
            pixels = layout.read(image, unit, window)[0].astype(np.float64) * dose
            known = replace(recording, plane_shape=(height, width), rows=rows, **time)
            for model in models:
                pixels = model.sample(pixels, known, rng)
            cast, clipped = cast_saturating(pixels[np.newaxis], noisy.dtype)
            layout.write(noisy, unit, window, cast)
            n_clipped, n_done = n_clipped + clipped, n_done + 1
            yield Progress(
                fraction=n_done / (n_planes * len(bands)), message=f"plane {i + 1} of {n_planes}"
            )
    return n_clipped


def _bands(models: tuple[NoiseModel, ...], height: int, width: int) -> list[slice]:
    """Rows to work on at once: few enough for Cancel not to wait."""
    if any(model.needs_whole_planes for model in models):
        return [slice(None)]
    step = max(_BAND_PIXELS // width, 1)
    return [slice(start, min(start + step, height)) for start in range(0, height, step)]


def _time(layout: Layout, shape: tuple[int, ...], unit: UnitIndex) -> dict[str, Any]:
    if "T" not in layout.axes:
        return {}
    place = layout.axes.index("T")
    return {"frame": unit[place], "n_frames": shape[place]}
