"""The photon transfer line: what the rise of noise variance with brightness says of a camera.

The slope of the line is the gain. Where it crosses zero lies the offset, if there is no read
noise. Read noise moves the crossing but is not skewed, as photon noise is: so the third
cumulant, which is zero at the offset itself, tells the two apart, where it is measured well
enough. Where it is not, the crossing counts if the darkest parts then have little light, and
the darkest parts do if not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from napari_denoise.core.errors import InputError
from napari_denoise.noise.calibration.mean_variance import CROSS_POWER, Curve, Values
from napari_denoise.noise.camera import CameraModel

__all__ = ["Dark", "Interval", "Line", "MeasuredCamera", "fit_line", "infer_camera"]

_STRUCTURE_ERROR = 0.3
"""Relative uncertainty of the structure that was subtracted."""
_MODEL_ERROR = 0.03
"""Relative departure of real detectors from a line; keeps a sea of dark pixels from deciding."""
_FLOOR = 1e-4
"""Smallest variance a point is expected to have, as a share of the largest."""
_N_FITS = 30
"""Rounds of the reweighted fit: fewer may end before its weights have settled; each is cheap."""
_SKEWNESS_ERROR = 0.1
"""Relative; electron multiplication adds to the skewness, and so does structure."""
_WORTH_CLAIMING = 0.02
"""Share of the brightness range that read noise must move the crossing by to be told."""

_DARK = 0.3
"""Share of the brightness range that the darkest parts' light typically is, where there is any."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """``variance = slope * mean + intercept``.

    Attributes
    ----------
    slope : float
        DN.
    intercept : float
        DN².
    covariance : array, (2, 2)
        Of slope and intercept.
    """

    slope: float
    intercept: float
    covariance: Values

    def slope_error(self) -> float:
        """Standard error of the slope, in DN."""
        return float(np.sqrt(max(float(self.covariance[0, 0]), 0.0)))

    def crossing(self) -> tuple[float, float]:
        """The mean at which the variance would be zero, and its standard error, in DN."""
        level = -self.intercept / self.slope
        gradient = np.array([level, 1.0]) / self.slope
        # Of a nearly singular fit the product may round to below zero.
        return level, float(np.sqrt(max(float(gradient @ self.covariance @ gradient), 0.0)))

    def read_noise(self, offset: float) -> float:
        """What it must be, in DN, if this is the offset."""
        return float(np.sqrt(max(self.slope * (offset - self.crossing()[0]), 0.0)))

    def at(self, mean: Values) -> Values:
        """The variance at these means, in DN²."""
        return self.slope * mean + self.intercept


def fit_line(curve: Curve, variance: Values) -> Line:
    """The robust weighted line through a mean–variance curve.

    A point weighs by the error of its variance: few pixels, few photons (whose noise has a
    high kurtosis) and much structure to subtract all make it larger.
    """
    # Means around zero and values around one: so no unit can make the fit nearly singular.
    centre, spread = float(curve.mean.mean()), float(np.ptp(curve.mean)) or 1.0
    # (Images of any unit come here: counts in the thousands, or fractions of one.)
    power = float(variance.max())
    design = np.stack([(curve.mean - centre) / spread, np.ones_like(curve.mean)], axis=1)
    measured, structure = variance / power, curve.structure / power
    slope, scale, trust = 0.0, 1.0, np.ones_like(measured)
    expected = np.maximum(measured, _FLOOR)
    for _ in range(_N_FITS):
        # A sample variance has a variance of (2 sigma⁴ + fourth cumulant) / n, and a Poisson
        # variable's fourth cumulant is its mean. Half the count, as residuals share pixels.
        kurtosis = max(slope, 0) ** 2 * power / spread**2 * expected
        statistical = (2 * expected**2 + kurtosis) / (curve.count / 2)
        systematic = (_STRUCTURE_ERROR * structure) ** 2 + (_MODEL_ERROR * expected) ** 2
        error = np.sqrt(statistical + systematic)
        weighted = design * (np.sqrt(trust) / error)[:, None]
        slope, height = np.linalg.lstsq(weighted, measured * np.sqrt(trust) / error)[0]
        line = design @ (slope, height)
        expected = np.maximum(line, _FLOOR)
        # Cauchy weights: a point far from the line counts less and less, but always a little.
        # 1.4826 turns a median deviation into a standard deviation.
        z = (measured - line) / error
        scale = max(1.4826 * float(np.median(np.abs(z))), 1.0)
        trust = 1 / (1 + (z / scale) ** 2)
    # Back to DN: from slope and height at the centre to slope and intercept.
    units = power * np.array([[1 / spread, 0], [-centre / spread, 1]])
    covariance = scale**2 * units @ np.linalg.pinv(weighted.T @ weighted) @ units.T
    slope, intercept = units @ (slope, height)
    return Line(float(slope), float(intercept), np.asarray(covariance, np.float64))


class MeasuredCamera(CameraModel):
    """A camera whose gain, offset and read noise have a 95 % interval each, in their units."""

    gain_interval: Interval
    offset_interval: Interval
    read_noise_interval: Interval


@dataclass(frozen=True, slots=True)
class Dark:
    """What a detector reads without light.

    Attributes
    ----------
    level, variance : float
        DN, DN².
    count : int
        Pixels it was measured on.
    """

    level: float
    variance: float
    count: int

    def added_to(self, curve: Curve) -> Curve:
        """The curve with darkness as one more point."""
        point = (self.level, self.variance, 0.0, 0.0, self.count, 0.0, 0.0)
        columns = (getattr(curve, field.name) for field in fields(curve))
        return Curve(*(np.append(c, value) for c, value in zip(columns, point, strict=True)))

    def corrected(self, camera: MeasuredCamera) -> MeasuredCamera:
        """The camera with offset and read noise as they were in the dark.

        Raises
        ------
        InputError
            If neither light nor darkness has any noise.
        """
        read_noise = float(np.sqrt(self.variance))
        if not camera.gain + read_noise:
            raise InputError(
                "The dark frames have no noise, and that of the others does not grow with the "
                "light: they are not of one camera. Give dark frames as the camera recorded them."
            )
        error = read_noise / np.sqrt(self.count)
        changes = {
            "offset": self.level,
            "read_noise": read_noise,
            "offset_interval": (self.level - 2 * error, self.level + 2 * error),
            "read_noise_interval": (read_noise - 1.5 * error, read_noise + 1.5 * error),
        }
        return camera.model_copy(update=changes)


def infer_camera(
    curve: Curve, variance: Values, line: Line, *, lowest: float, has_skewness: bool
) -> MeasuredCamera:
    """Turn the line's two numbers, and the skewness, into a camera's three.

    Parameters
    ----------
    curve : Curve
    variance : array
        The part of the curve's variance that is noise, in DN².
    line : Line
        Fitted to that.
    lowest : float
        The offset cannot lie below, in DN.
    has_skewness : bool
        Whether the curve's skewness is that of single pixels' noise.
    """
    gain_error = line.slope_error()
    gains = (line.slope - 2 * gain_error, line.slope + 2 * gain_error)
    darkest = float(curve.mean.min())
    # A slope within two standard errors of zero is none: noise the same at every brightness.
    if gains[0] <= 0:
        sigma = float(np.sqrt(np.average(variance, weights=curve.count)))
        return MeasuredCamera(
            gain=0.0,
            offset=darkest,
            read_noise=sigma,
            gain_interval=(0.0, max(gains[1], 0.0)),
            offset_interval=(darkest, darkest),
            read_noise_interval=(0.0, sigma),
        )
    offset, offsets = _separate_offset(curve, line, has_skewness=has_skewness)
    offset = max(offset, lowest)
    return MeasuredCamera(
        gain=line.slope,
        offset=offset,
        read_noise=line.read_noise(offset),
        gain_interval=gains,
        offset_interval=offsets,
        read_noise_interval=(
            line.read_noise(max(offsets[0], lowest)),
            line.read_noise(max(offsets[1], offset)),
        ),
    )


def _separate_offset(curve: Curve, line: Line, *, has_skewness: bool) -> tuple[float, Interval]:
    """The offset and its interval, somewhere between the line's crossing and the darkest parts."""
    crossing, error = line.crossing()
    darkest = float(curve.mean.min())
    between = darkest - crossing
    if between < _WORTH_CLAIMING * np.ptp(curve.mean):
        return crossing, (crossing - 2 * error, crossing + 2 * error)
    skewed, skew_error = crossing + between / 2, np.inf
    if has_skewness:
        skewed, skew_error = _zero_of_skewness(curve, line.slope, crossing)
    spread = float(np.hypot(skew_error, error))
    low, high = np.clip([skewed - 2 * spread, skewed + 2 * spread], crossing, darkest).tolist()
    # Only an interval that excludes both ends tells of read noise and of light in the dark.
    if crossing < low and high < darkest:
        return skewed, (low, high)
    # Two plain stories: no read noise, or no light where it is darkest. The one that fits better.
    no_read_noise = max(skewed - crossing, 0) / spread
    no_light = max(darkest - skewed, 0) / spread
    much_light = between / (_DARK * np.ptp(curve.mean))
    is_light = no_read_noise**2 / 2 + much_light < no_light**2 / 2 + 1
    return (crossing if is_light else darkest), (low, high)


def _zero_of_skewness(curve: Curve, gain: float, crossing: float) -> tuple[float, float]:
    """Where the third cumulant, ``gain² (mean - offset)``, is zero; and its error, in DN."""
    offset = curve.mean - curve.skewness / gain**2
    # A third cumulant's standard error for nearly normal noise is sigma³ √(6/n); twice the
    # variance of that, as residuals share pixels.
    statistical = np.sqrt(12 / curve.count) * (CROSS_POWER * curve.variance) ** 1.5 / gain**2
    systematic = _SKEWNESS_ERROR * np.abs(curve.mean - crossing)
    weight = 1 / np.maximum(statistical**2 + systematic**2, np.finfo(float).tiny)
    return float(np.average(offset, weights=weight)), float(weight.sum() ** -0.5)
