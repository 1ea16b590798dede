"""Simulated noise: what a detector would have recorded of a clean image.

Noise is drawn in double precision and cast at the end: rounded and saturated for integer
dtypes, never wrapped around, and the saturated pixels are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout, UnitIndex, check_axes, default_axes
from napari_denoise.core.dtype import FloatArray, cast_saturating, check_pixels
from napari_denoise.core.errors import AxesError, SettingsError
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.noise.simulation.base import Noise, Pixels, Recording
from napari_denoise.noise.simulation.composite import Composite

__all__ = ["Simulated", "add_noise_job", "add_noise_to_plane", "dose_series_job", "measure_range"]

Noises = Noise | Sequence[Noise]
IntensityRange = tuple[float, float]

_BAND_PIXELS = 2**19
"""Drawn at once. Trade-off: fewer let Cancel wait less, and cost more calls."""


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


def add_noise_job(
    noise: Noises,
    image: Any,
    *,
    rng: np.random.Generator,
    axes: str | None = None,
    dtype: npt.DTypeLike | None = None,
) -> Job[Simulated]:
    """Add noise to an image, plane by plane.

    Parameters
    ----------
    noise : Noise or sequence of Noise
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
    model = _one_model(noise)
    layout = _layout(model, image, axes)
    parts = 2 if model.needs_range else 1
    recording = Recording()
    if parts == 2:
        # Of the whole image, so that planes keep their brightness relative to each other.
        low, high = yield from nested(measure_range(image, layout.axes), 0.0, 0.5)
        recording = Recording(low=low, high=high)
    noisy = np.empty(image.shape, dtype=image.dtype if dtype is None else dtype)
    job = _record(_Exposure(model, image, layout, recording, _seed(rng)), noisy)
    n_clipped = yield from nested(job, 1 - 1 / parts, 1.0)
    return Simulated(noisy, n_clipped)


def add_noise_to_plane(
    noise: Noises,
    image: Any,
    place: Mapping[str, int],
    *,
    rng: np.random.Generator,
    axes: str,
    intensity_range: IntensityRange,
) -> Job[FloatArray]:
    """One plane of what :func:`add_noise` would return, to the last bit, before rounding.

    Parameters
    ----------
    noise, image, rng, axes
        As for :func:`add_noise`.
    place : mapping of str to int
        Index of the plane along each axis that is neither Y nor X.
    intensity_range : (float, float)
        Smallest and largest intensity of the whole image, from :func:`measure_range`.

    Returns
    -------
    plane : float32 array, YX
    """
    check_pixels(image)
    model = _one_model(noise)
    layout = _layout(model, image, axes)
    recording = Recording(low=intensity_range[0], high=intensity_range[1])
    exposure = _Exposure(model, image, layout, recording, _seed(rng))
    unit = tuple(place.get(letter, slice(None)) for letter in layout.axes)
    plane = np.empty(exposure.plane_shape, np.float32)
    for rows, pixels in exposure.record(list(layout.units(image.shape)).index(unit), unit):
        plane[rows] = pixels
        yield Progress(fraction=rows.stop / len(plane))
    return plane


def dose_series_job(
    noise: Noises,
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
    model = _one_model(noise)
    layout = _layout(model, image, axes)
    low, high = yield from nested(measure_range(image, layout.axes), 0.0, 0.2)
    dtype = image.dtype if dtype is None else dtype
    noisy = np.empty((len(doses), *image.shape), dtype=dtype)
    n_clipped = 0
    for i, dose in enumerate(doses):
        recording = Recording(low=low, high=high, dose=dose)
        job = _record(_Exposure(model, image, layout, recording, _seed(rng)), noisy[i])
        start, stop = (0.2 + 0.8 * k / len(doses) for k in (i, i + 1))
        n_clipped += yield from nested(job, start, stop)
    return Simulated(noisy, n_clipped)


def measure_range(image: Any, axes: str | None = None) -> Job[IntensityRange]:
    """Smallest and largest intensity of an image, which may be lazy; axes as for `add_noise`."""
    layout = Layout(check_axes(axes or default_axes(len(image.shape)), tuple(image.shape)))
    low, high = np.inf, -np.inf
    n_planes = layout.n_units(image.shape)
    for i, unit in enumerate(layout.units(image.shape)):
        plane = layout.read(image, unit)
        low, high = min(low, float(plane.min())), max(high, float(plane.max()))
        yield Progress(fraction=(i + 1) / n_planes, message="measuring the range")
    return low, high


def _one_model(noise: Noises) -> Noise:
    return noise if isinstance(noise, Noise) else Composite.of(noise)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**63))


def _layout(model: Noise, image: Any, axes: str | None) -> Layout:
    """The image's layout, if it can have such noise."""
    shape = tuple(image.shape)
    if model.needs_time and "T" not in (axes or "").upper():
        raise AxesError(
            f"{model.label} happens along time, but the image has axes {axes or 'unknown'}. "
            f"Name its axes, with a T among them."
        )
    layout = Layout(check_axes(axes or default_axes(len(shape)), shape))
    height, width = layout.unit_shape(shape)[1:]
    model.check((height, width))
    return layout


@dataclass(frozen=True, slots=True)
class _Exposure:
    """Everything that decides what is recorded of a clean image.

    Attributes
    ----------
    seed : int
        From which each plane gets random numbers of its own, whatever happens to the others.
    """

    model: Noise
    image: Any
    layout: Layout
    recording: Recording
    seed: int

    @property
    def plane_shape(self) -> tuple[int, int]:
        height, width = self.layout.unit_shape(self.image.shape)[1:]
        return height, width

    def bands(self) -> list[slice]:
        """Rows to work on at once: few enough for Cancel not to wait."""
        height, width = self.plane_shape
        step = height if self.model.needs_whole_planes else max(_BAND_PIXELS // width, 1)
        return [slice(start, min(start + step, height)) for start in range(0, height, step)]

    def record(self, number: int, unit: UnitIndex) -> Iterator[tuple[slice, Pixels]]:
        """The bands of a noisy plane, with their rows."""
        # A preview of one plane then shows the very noise that the whole image will have.
        rng = np.random.default_rng((self.seed, number))
        time = _time(self.layout, self.image.shape, unit)
        known = replace(self.recording, plane_shape=self.plane_shape, **time)
        for rows in self.bands():
            pixels = self.layout.read(self.image, unit, (rows, slice(None)))[0]
            # Light is scaled before noise is drawn: half the dose has more noise for its signal.
            clean = pixels.astype(np.float64) * known.dose
            yield rows, self.model.sample(clean, replace(known, rows=rows), rng)


def _record(exposure: _Exposure, noisy: npt.NDArray[Any]) -> Job[int]:
    """Write the noisy image into `noisy`; returns how many pixels were clipped."""
    shape, layout, n_clipped = exposure.image.shape, exposure.layout, 0
    n_planes, n_bands = layout.n_units(shape), len(exposure.bands())
    for i, unit in enumerate(layout.units(shape)):
        for k, (rows, pixels) in enumerate(exposure.record(i, unit)):
            cast, clipped = cast_saturating(pixels[np.newaxis], noisy.dtype)
            layout.write(noisy, unit, (rows, slice(None)), cast)
            n_clipped += clipped
            done = (i + (k + 1) / n_bands) / n_planes
            yield Progress(fraction=done, message=f"plane {i + 1} of {n_planes}")
    return n_clipped


def _time(layout: Layout, shape: tuple[int, ...], unit: UnitIndex) -> dict[str, Any]:
    if "T" not in layout.axes:
        return {}
    place = layout.axes.index("T")
    return {"frame": unit[place], "n_frames": shape[place]}
