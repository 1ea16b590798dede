"""What a calibration means for the one who asked: whether to trust it, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_denoise.noise.calibration.mean_variance import CORRELATED, Curve, Values
from napari_denoise.noise.calibration.photon_transfer import Line
from napari_denoise.noise.calibration.statistics import SLIGHTLY_CORRELATED, NoiseStatistics

__all__ = ["Verdict", "diagnose"]

# Where a warning begins is a choice: earlier warns of what does no harm, later keeps quiet about
# what does. With these, all but 3 of the 17 wrong gains of 405 simulated cameras are called
# unreliable (docs/benchmarks.md, calibration).
_SATURATED = 0.01
_CUT_OFF = 0.05
"""Share of pixels. A cut at the lower end may still be mostly true darkness: hence the more."""
_MAX_GAIN_ERROR = 0.15
"""Relative standard error of a gain that still is one."""
_STRUCTURED = 0.4
"""Share of structure in the variance above which too little of it is noise."""
_BENT = 0.3
"""Relative departure from the line of a typical point."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a calibration can be relied on, and sentences that say why and what to do."""

    reliable: bool
    advice: str


def diagnose(
    curve: Curve,
    variance: Values,
    line: Line,
    *,
    gain: float,
    offset: float,
    saturated: float,
    cut_off: float,
    statistics: NoiseStatistics,
) -> Verdict:
    """Put a calibration into words.

    Parameters
    ----------
    curve : Curve
    variance : array
        What of the curve's variance counts as noise, in DN².
    line : Line
        Fitted to that.
    gain, offset : float
        As reported, in DN per photo-electron and DN.
    saturated, cut_off : float
        Share of pixels at the detector's upper and lower end.
    statistics : NoiseStatistics
        What the noise has besides its variance.
    """
    # Doubts come first in the text, as they change what all that follows is worth.
    doubts = [
        *_doubt_correlation(statistics),
        *_doubt_ends(saturated, cut_off),
        *(_doubt_line(curve, variance, line) if gain else _doubt_flatness(curve, variance, line)),
    ]
    advice = [
        *doubts,
        _kind(curve, gain, offset),
        *_method(statistics),
        *_photobleaching(statistics),
    ]
    return Verdict(not doubts, " ".join(advice))


def _doubt_correlation(statistics: NoiseStatistics) -> Iterator[str]:
    if statistics.strongest > CORRELATED:
        yield (
            f"The noise of neighbouring pixels is correlated (lag 1: {_lag_1(statistics)}), or the "
            "image was smoothed, resampled, compressed, or moved between repeats: the variance "
            "holds, but gain and offset are a fit, not the detector's. A blind-spot method such "
            f"as Noise2Void would copy this noise; {_mask(statistics)}, or train Noise2Noise on "
            "repeats."
        )


def _lag_1(statistics: NoiseStatistics) -> str:
    return f"{statistics.along_y[0]:.2f} along Y, {statistics.along_x[0]:.2f} along X"


def _mask(statistics: NoiseStatistics) -> str:
    """Which pixels a blind spot must cover."""
    spans = dict(zip("YX", statistics.spans, strict=True))
    # Along an axis whose span is one, the pixel itself is masked in any case.
    wide = [f"{span} pixels along {axis}" for axis, span in spans.items() if span > 1]
    return f"mask {' and '.join(wide)} with structN2V"


def _doubt_ends(saturated: float, cut_off: float) -> Iterator[str]:
    if saturated >= _SATURATED:
        yield (
            f"{saturated:.1%} of the pixels are saturated; what they had recorded is lost. Expose "
            "for a shorter time, or with less light."
        )
    if cut_off >= _CUT_OFF:
        yield (
            f"{cut_off:.0%} of the pixels have the lowest value, below which noise was cut off, as "
            "by a background subtraction. Calibrate the image as it came from the camera."
        )


def _doubt_line(curve: Curve, variance: Values, line: Line) -> Iterator[str]:
    # Three points always lie near some line, so they prove none.
    if line.slope_error() > _MAX_GAIN_ERROR * line.slope or curve.mean.size < 4:
        yield (
            "There is too little range of brightness in flat regions to fix the gain. Calibrate "
            "an image with dark and bright parts, or several exposures."
        )
    if np.average(curve.structure / np.maximum(curve.variance, np.finfo(float).tiny)) > _STRUCTURED:
        yield (
            "Fine structure is nearly everywhere and hides the noise. Calibrate a flatter or "
            "defocused image of the same detector."
        )
    # A fit may dip below zero at the dark end, where a relative departure has no meaning.
    expected = np.maximum(line.at(curve.mean), line.slope * np.ptp(curve.mean) * 1e-3)
    if np.average(np.abs(variance / expected - 1), weights=np.sqrt(curve.count)) > _BENT:
        yield (
            "The variance does not rise in a straight line with brightness, as the counting of "
            "photons would have it; look at the curve, and use it rather than the gain."
        )


def _doubt_flatness(curve: Curve, variance: Values, line: Line) -> Iterator[str]:
    """Without a slope: whether there is none, or none could be seen."""
    noise = float(np.average(variance, weights=curve.count))
    # The largest rise over the range that the fit could have missed, at two standard errors.
    unseen = 2 * line.slope_error() * np.ptp(curve.mean)
    if curve.mean.size < 4 or unseen > noise or np.ptp(curve.mean) < 2 * np.sqrt(noise):
        yield (
            "The image is too evenly bright to tell a gain. Calibrate an image with dark and "
            "bright parts, or several exposures."
        )


def _kind(curve: Curve, gain: float, offset: float) -> str:
    if not gain:
        return (
            "The noise is the same at every brightness, as read noise is: methods for Gaussian "
            "noise fit as they are."
        )
    # From bin means and not from the brightest pixel, which may be a hot one.
    electrons = (float(curve.mean.max()) - offset) / gain
    return (
        f"The noise grows with brightness as photon noise does, with about {electrons:.3g} "
        "photo-electrons in the brightest flat parts: stabilise the variance before using a method "
        "for Gaussian noise."
    )


def _method(statistics: NoiseStatistics) -> Iterator[str]:
    # Of correlated noise the doubts have said already which method to take.
    stripes = [*_stripes(statistics)]
    yield from stripes
    if statistics.strongest > CORRELATED:
        return
    if statistics.strongest > SLIGHTLY_CORRELATED:
        yield (
            f"Neighbouring pixels are slightly correlated (lag 1: {_lag_1(statistics)}); if a "
            f"blind-spot method leaves grain, {_mask(statistics)}."
        )
    elif not stripes:
        yield "Its pixels are independent: blind-spot methods such as Noise2Void apply."


def _stripes(statistics: NoiseStatistics) -> Iterator[str]:
    for line, stripes in (("Rows", statistics.rows), ("Columns", statistics.columns)):
        if stripes.is_visible:
            yield (
                f"{line} have offsets of their own, {stripes.sigma:.3g} DN or {stripes.share:.2g} "
                "times the noise: stripes, which a blind-spot method would copy. Subtract a "
                f"dark frame if they stay from frame to frame, or {_mask(statistics)}."
            )


def _photobleaching(statistics: NoiseStatistics) -> Iterator[str]:
    if statistics.bleached:
        yield (
            f"The signal fades by {statistics.bleached:.0%} from the first frame to the last, by "
            "bleaching or as focus or lamp drift: frames far apart are no repeats of each other, "
            "and the last ones hold fewer photons than the first."
        )
