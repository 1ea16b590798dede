"""Calibration: a camera's gain, offset and read noise, found in a single noisy image.

Noise is measured where the image is flat, at every brightness there is. What its variance does
with brightness says which camera recorded it, and whether to believe it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from napari_denoise.axes import Layout, check_axes
from napari_denoise.errors import InputError
from napari_denoise.intensities import FloatArray, check_pixels
from napari_denoise.noise.advice import judge
from napari_denoise.noise.mean_variance import CORRELATED, Curve, mean_variance_curve
from napari_denoise.noise.photon_transfer import Interval, fit_line, infer_camera
from napari_denoise.noise.sampling import MIN_SIDE, Samples, margin, pieces, sample_pieces
from napari_denoise.noise.stabilize import GeneralizedAnscombe
from napari_denoise.progress import Job, nested
from napari_denoise.settings import Settings

__all__ = ["Calibration", "calibrate"]

_NEAR, _FAR = 3, 9
"""Reach in pixels within which noise is taken to be independent, at first and if it is not."""
_MIN_SATURATED = 10
_PILE = 0.005
"""Share of pixels at the lowest value that may have been cut off there."""
_MIN_POINTS = 4

Share = Annotated[float, Ge(0), Le(1)]


class Calibration(Settings):
    """A camera's noise: ``variance = gain * (mean - offset) + read_noise²``.

    Attributes
    ----------
    gain : float
        DN per photo-electron; zero if the noise is the same at every brightness.
    offset : float
        DN without light.
    read_noise : float
        Standard deviation without light, in DN.
    gain_interval, offset_interval, read_noise_interval : (float, float)
        95 % confidence, in DN.
    correlation : float
        Lag-1 autocorrelation of the noise along Y or X, whichever is larger.
    correlation_y, correlation_x : float
    saturated : float
        Share of pixels at the detector's upper end.
    points : tuple of (mean, variance)
        The measured mean–variance curve, in DN and DN².
    reliable : bool
        Whether gain and offset can be built upon.
    advice : str
        What was found and what to do, in words.
    """

    gain: Annotated[float, Ge(0)]
    offset: float
    read_noise: Annotated[float, Ge(0)]
    gain_interval: Interval
    offset_interval: Interval
    read_noise_interval: Interval
    correlation: float
    correlation_y: float
    correlation_x: float
    saturated: Share
    points: tuple[tuple[float, float], ...]
    reliable: bool
    advice: str

    def variance(self, mean: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Noise variance in DN² of pixels that would be `mean` (DN) without noise."""
        electrons = np.maximum(np.asarray(mean, np.float64) - self.offset, 0)
        variance: npt.NDArray[np.float64] = self.gain * electrons + self.read_noise**2
        return variance

    def summary(self) -> str:
        """All of it in a few lines, for people."""
        numbers = (
            ("gain", self.gain, self.gain_interval, "DN per photo-electron"),
            ("offset", self.offset, self.offset_interval, "DN"),
            ("read noise", self.read_noise, self.read_noise_interval, "DN"),
        )
        lines = [f"{name} {v:.4g} ({a:.4g} to {b:.4g}) {unit}" for name, v, (a, b), unit in numbers]
        correlation = f"{self.correlation_y:.2f} along Y, {self.correlation_x:.2f} along X"
        lines += [
            f"lag-1 correlation {correlation}; {self.saturated:.2%} saturated",
            "reliable" if self.reliable else "not reliable",
            self.advice,
        ]
        return "\n".join(lines)

    def stabilizer(self) -> GeneralizedAnscombe:
        """The transform that gives this noise unit variance."""
        return GeneralizedAnscombe(gain=self.gain, offset=self.offset, read_noise=self.read_noise)


def calibrate(image: Any, axes: str, *, channel: int | None = None) -> Job[Calibration]:
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
    image, axes = _one_channel(image, check_axes(axes, tuple(image.shape)), channel)
    layout = Layout(axes)
    places = pieces(layout, tuple(image.shape))
    samples = yield from nested(sample_pieces(image, layout, places, _NEAR), 0.0, 0.3)
    curve = yield from nested(mean_variance_curve(samples, _NEAR), 0.3, 0.5)
    if not curve.variance.any() or curve.variance.max() < (1e-6 * np.abs(curve.mean).max()) ** 2:
        raise InputError(
            "The image has no noise that could be measured: it is constant, or has no flat place. "
            "Choose a larger raw image."
        )
    is_correlated = max(curve.correlation()) > CORRELATED
    if is_correlated and min(layout.unit_shape(image.shape)[1:]) >= 2 * margin(_FAR) + MIN_SIDE:
        samples = yield from nested(sample_pieces(image, layout, places, _FAR), 0.5, 0.8)
        curve = yield from nested(mean_variance_curve(samples, _FAR), 0.8, 1.0)
    return _conclude(samples, curve, is_correlated=is_correlated)


def _one_channel(image: Any, axes: str, channel: int | None) -> tuple[Any, str]:
    if "C" not in axes:
        return image, axes
    place = axes.index("C")
    n_channels = image.shape[place]
    if channel is None and n_channels > 1:
        raise InputError(
            f"The image has {n_channels} channels, each with a gain of its own. Choose one of "
            f"them, 0 to {n_channels - 1}."
        )
    if not 0 <= (channel or 0) < n_channels:
        raise InputError(f"There is no channel {channel}; there are 0 to {n_channels - 1}.")
    index = (slice(None),) * place + (channel or 0,)
    return image[index], axes.replace("C", "")


def _conclude(samples: Samples, curve: Curve, *, is_correlated: bool) -> Calibration:
    saturated, ceiling = _saturation(samples.value)
    curve = _uncut(curve, samples.value, ceiling)
    # Correlated noise cannot be told from fine structure: then all of it counts as noise.
    variance = curve.variance if is_correlated else curve.variance - curve.structure
    line = fit_line(curve, variance)
    lowest = 0.0 if samples.value.min() >= 0 else -np.inf
    camera = infer_camera(curve, variance, line, lowest=lowest, has_skewness=not is_correlated)
    correlation_y, correlation_x = curve.correlation()
    verdict = judge(
        curve,
        variance,
        line,
        gain=camera.gain,
        offset=camera.offset,
        correlation=(correlation_y, correlation_x),
        saturated=saturated,
        cut_off=_cut_off(samples.value, camera.gain),
    )
    return Calibration(
        **asdict(camera),
        correlation=max(correlation_y, correlation_x),
        correlation_y=correlation_y,
        correlation_x=correlation_x,
        saturated=saturated,
        points=tuple(zip(curve.mean.tolist(), variance.tolist(), strict=True)),
        reliable=verdict.reliable,
        advice=verdict.advice,
    )


def _saturation(values: FloatArray) -> tuple[float, float]:
    """Share of saturated pixels, and the value they have (infinite if there are none).

    Pixels pile up at the end of a detector's range; without one, the brightest are the rarest.
    """
    low, high = float(values.min()), float(values.max())
    at_end = np.count_nonzero(values == high)
    just_below = np.count_nonzero(values > high - 0.02 * (high - low)) - at_end
    if at_end < _MIN_SATURATED or at_end <= just_below:
        return 0.0, np.inf
    return at_end / values.size, high


def _cut_off(values: FloatArray, gain: float) -> float:
    """Share of pixels at the lowest value, unless they are those that counted no photon."""
    lowest = values.min()
    others = values[values > lowest]
    if not others.size or others.min() - lowest >= gain / 2 > 0:
        return 0.0
    return float(np.mean(values == lowest))


def _uncut(curve: Curve, values: FloatArray, ceiling: float) -> Curve:
    """The part of the curve whose noise reaches neither end of the detector's range.

    Noise piled up at the lowest value may also be photons that did not come, which belong to
    the line: only what falls short of it is taken out.
    """
    sigma = np.sqrt(curve.variance)
    curve = _most(curve, curve.mean + 3 * sigma < ceiling)
    lowest = values.min()
    if np.mean(values == lowest) < _PILE:
        return curve
    free = curve.mean - 2.5 * np.sqrt(curve.variance) > lowest
    upper = _most(curve, free)
    if upper is curve:
        return curve
    expected = fit_line(upper, upper.variance - upper.structure).at(curve.mean[~free])
    found = np.average(curve.variance[~free], weights=curve.count[~free])
    return upper if found < 0.85 * np.average(expected, weights=curve.count[~free]) else curve


def _most(curve: Curve, keep: npt.NDArray[np.bool_]) -> Curve:
    """These points of the curve; all of them if too few would be left."""
    return curve.at(keep) if _MIN_POINTS <= np.count_nonzero(keep) < keep.size else curve
