"""A calibration: what was found out about a detector, and how it follows from its noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Le

from napari_denoise.core.dtype import FloatArray
from napari_denoise.noise.calibration.diagnostics import diagnose
from napari_denoise.noise.calibration.mean_variance import Curve, Values
from napari_denoise.noise.calibration.photon_transfer import (
    Dark,
    Line,
    MeasuredCamera,
    fit_line,
    infer_camera,
)
from napari_denoise.noise.calibration.statistics import NoiseStatistics
from napari_denoise.noise.simulation.base import Noise
from napari_denoise.noise.simulation.composite import Composite
from napari_denoise.noise.simulation.detectors import CameraNoise
from napari_denoise.noise.simulation.kinds import GaussianNoise, StripeNoise

__all__ = ["Calibration", "Measured", "conclude", "measure_camera"]

# Chosen so that neither chance nor a few hot pixels look like an end of the detector's range.
_MIN_SATURATED = 10
_PILE = 0.005
"""Share of pixels at the lowest value that may have been cut off there."""
_MIN_POINTS = 4
"""Of a curve: a line through fewer has no errors that could be judged."""

Share = Annotated[float, Ge(0), Le(1)]


class Calibration(MeasuredCamera):
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
    autocorrelation_y, autocorrelation_x : tuple of float
        Of the noise, at lags 1, 2, …; only lag 1 where structure hides the others.
    mask_span_y, mask_span_x : int
        Pixels that a blind spot (structN2V) must cover to give nothing away; 1 for the pixel.
    row_stripes, column_stripes : float
        Standard deviation of a row's or column's own offset, in DN; 0 if none is found.
    bleached : float or None
        Share of the signal that the last frame has lost, 0 if it surely has lost none; None
        without five frames along a time axis.
    saturated : float
        Share of pixels at the detector's upper end.
    points : tuple of (mean, variance)
        The measured mean–variance curve, in DN and DN².
    reliable : bool
        Whether gain and offset can be built upon.
    advice : str
        What was found and what to do, in words.
    """

    correlation: float
    correlation_y: float
    correlation_x: float
    saturated: Share
    points: tuple[tuple[float, float], ...]
    reliable: bool
    advice: str
    autocorrelation_y: tuple[float, ...] = ()
    autocorrelation_x: tuple[float, ...] = ()
    mask_span_y: Annotated[int, Ge(1)] = 1
    mask_span_x: Annotated[int, Ge(1)] = 1
    row_stripes: Annotated[float, Ge(0)] = 0.0
    column_stripes: Annotated[float, Ge(0)] = 0.0
    bleached: Share | None = None

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
            *self._oddities(),
            "reliable" if self.reliable else "not reliable",
            self.advice,
        ]
        return "\n".join(lines)

    def _oddities(self) -> Iterator[str]:
        stripes = {"row": self.row_stripes, "column": self.column_stripes}
        for line, sigma in stripes.items():
            if sigma:
                yield f"{line} stripes {sigma:.3g} DN"
        if self.bleached:
            yield f"{self.bleached:.0%} of the signal lost from the first to the last frame"

    def noise(self, *, bit_depth: int = 16) -> Noise:
        """The noise to simulate so that a clean image looks as if this camera had recorded it.

        As many photons as the brightest part measured had, and stripes if there were any; a
        photon that is counted is one electron, as the image cannot tell how many were lost.
        """
        if self.gain:
            brightest = max(mean for mean, _ in self.points) - self.offset
            camera: Noise = CameraNoise(
                # Within the bounds of the simulation's settings, whatever was measured.
                photons=min(max(brightest / self.gain, 1e-3), 1e9),
                quantum_efficiency=1.0,
                read_noise_electrons=min(self.read_noise / self.gain, 1e4),
                gain=min(self.gain, 1e4),
                offset=min(max(self.offset, 0.0), 6e4),
                bit_depth=bit_depth,
            )
        else:
            camera = GaussianNoise(sigma=self.read_noise)
        stripes = {"rows": self.row_stripes, "columns": self.column_stripes}
        lines = [StripeNoise(sigma=sigma, lines=name) for name, sigma in stripes.items() if sigma]
        return Composite.of([camera, *lines])


@dataclass(frozen=True, slots=True)
class Measured:
    """A camera, and what it was inferred from.

    Attributes
    ----------
    curve : Curve
        Without what was saturated or cut off.
    variance : array
        The part of the curve's variance that is noise, in DN².
    line : Line
    camera : MeasuredCamera
    saturated, cut_off : float
        Share of pixels at the detector's upper and lower end.
    """

    curve: Curve
    variance: Values
    line: Line
    camera: MeasuredCamera
    saturated: float
    cut_off: float


def measure_camera(
    curve: Curve,
    values: FloatArray,
    *,
    is_structure_known: bool = True,
    has_skewness: bool = True,
    dark: Dark | None = None,
) -> Measured:
    """The camera that follows from a mean–variance curve.

    Parameters
    ----------
    curve : Curve
    values : float32 array
        The pixels it was measured on, or a fair share of them.
    is_structure_known : bool
        Whether the curve's structure is to be subtracted from its variance.
    has_skewness : bool
        Whether the curve's skewness is that of single pixels' noise.
    dark : Dark, optional
        What the detector reads without light.
    """
    saturated, ceiling = _saturation(values)
    curve = _uncut(curve, values, ceiling)
    variance = curve.variance - curve.structure * is_structure_known
    if dark:
        curve, variance = dark.added_to(curve), np.append(variance, dark.variance)
    line = fit_line(curve, variance)
    lowest = 0.0 if values.min() >= 0 else -np.inf
    camera = infer_camera(curve, variance, line, lowest=lowest, has_skewness=has_skewness)
    if dark:
        camera = dark.corrected(camera)
    return Measured(curve, variance, line, camera, saturated, _cut_off(values, camera.gain))


def conclude(found: Measured, statistics: NoiseStatistics) -> Calibration:
    """Put what was measured into numbers and words for people."""
    verdict = diagnose(
        found.curve,
        found.variance,
        found.line,
        gain=found.camera.gain,
        offset=found.camera.offset,
        saturated=found.saturated,
        cut_off=found.cut_off,
        statistics=statistics,
    )
    span_y, span_x = statistics.spans
    return Calibration(
        **found.camera.model_dump(),
        correlation=statistics.strongest,
        correlation_y=statistics.along_y[0],
        correlation_x=statistics.along_x[0],
        autocorrelation_y=statistics.along_y,
        autocorrelation_x=statistics.along_x,
        mask_span_y=span_y,
        mask_span_x=span_x,
        row_stripes=statistics.rows.sigma,
        column_stripes=statistics.columns.sigma,
        bleached=statistics.bleached,
        saturated=found.saturated,
        points=tuple(zip(found.curve.mean.tolist(), found.variance.tolist(), strict=True)),
        reliable=verdict.reliable,
        advice=verdict.advice,
    )


def _saturation(values: FloatArray) -> tuple[float, float]:
    """Share of saturated pixels, and the value they have (infinite if there are none).

    Pixels pile up at the end of a detector's range; without one, the brightest are the rarest.
    """
    low, high = float(values.min()), float(values.max())
    at_end = np.count_nonzero(values == high)
    # The last fiftieth of the range: wide enough to hold rare bright pixels of an intact end.
    just_below = np.count_nonzero(values > high - 0.02 * (high - low)) - at_end
    if at_end < _MIN_SATURATED or at_end <= just_below:
        return 0.0, np.inf
    return at_end / values.size, high


def _cut_off(values: FloatArray, gain: float) -> float:
    """Share of pixels at the lowest value, unless they are those that counted no photon."""
    lowest = values.min()
    others = values[values > lowest]
    # Where a photon is a step of the values, the lowest is "none came", and no cut.
    if not others.size or others.min() - lowest >= gain / 2 > 0:
        return 0.0
    return float(np.mean(values == lowest))


def _uncut(curve: Curve, values: FloatArray, ceiling: float) -> Curve:
    """The part of the curve whose noise reaches neither end of the detector's range.

    Noise piled up at the lowest value may also be photons that did not come, which belong to
    the line: only what falls short of it is taken out.
    """
    sigma = np.sqrt(curve.variance)
    # Within three sigmas of the ceiling noise is cut there, and its variance comes out too small.
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
    # Trade-off: nearer to 1 would throw sound dark points away, further off keep those cut.
    return upper if found < 0.85 * np.average(expected, weights=curve.count[~free]) else curve


def _most(curve: Curve, keep: npt.NDArray[np.bool_]) -> Curve:
    """These points of the curve; all of them if too few would be left."""
    return curve.at(keep) if _MIN_POINTS <= np.count_nonzero(keep) < keep.size else curve
