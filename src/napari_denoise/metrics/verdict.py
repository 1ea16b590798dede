"""Whether intensities may be measured on a denoised image, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_denoise.metrics.block_means import Groups, Line

__all__ = ["MAX_CLIPPED", "TOLERANCE", "Evidence", "find_problem", "praise"]

TOLERANCE = 0.02
"""Largest relative error that passes. Gaussian and box filters of useful width stay below 0.01 on
real images, and a gain that is wrong by 0.03 must be seen."""

MAX_CLIPPED = 1e-4
"""Largest share of clipped pixels that passes."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the verdict rests on; deviations are output minus input, in the image's units."""

    deviation: float
    error: float
    plane_deviations: npt.NDArray[np.float64]
    signal: float
    groups: Groups | None
    line: Line | None
    clipped: float


def find_problem(evidence: Evidence, places: list[tuple[int, ...]]) -> str | None:
    """The first reason not to quantify.

    Parameters
    ----------
    evidence : Evidence
    places : list of plane indices
        What each of its deviations of planes is of.

    Returns
    -------
    str or None
        Words that can follow "Not safe to quantify:"; None if there is no reason.
    """
    # The tolerance is for the filter's own error, two standard errors for what noise makes of it.
    line, signal = evidence.line, evidence.signal
    if evidence.clipped > MAX_CLIPPED:
        return f"{_percent(evidence.clipped)} of the pixels are clipped"
    if line and abs(line.slope - 1) > TOLERANCE + 2 * line.slope_error:
        return f"differences in intensity come out multiplied by {round(line.slope, 3) + 0.0:g}"
    if abs(evidence.deviation) > TOLERANCE * signal + 2 * evidence.error:
        return f"the mean is {_off(evidence.deviation, signal)}"
    return _find_odd_plane(evidence, places) or _find_bend(evidence.groups)


def _find_bend(groups: Groups | None) -> str | None:
    if groups is None:
        return None
    off = groups.second - groups.first
    excess = np.abs(off) - TOLERANCE * np.ptp(groups.first) - 2 * groups.error
    worst = int(excess.argmax())
    if excess[worst] <= 0:
        return None
    return f"intensities near {groups.first[worst]:.4g} come out {_off(off[worst], 0.0)}"


def _find_odd_plane(evidence: Evidence, places: list[tuple[int, ...]]) -> str | None:
    off = evidence.plane_deviations
    worst = int(np.abs(off).argmax())
    # All planes have as many blocks, so each has this many times the error of the whole. Four of
    # it, as among thousands of planes some are off by two or three.
    error = evidence.error * math.sqrt(len(off))
    if len(off) == 1 or abs(off[worst]) <= TOLERANCE * evidence.signal + 4 * error:
        return None
    place = ", ".join(map(str, places[worst]))
    return f"the mean of plane {place} is {_off(off[worst], evidence.signal)}"


def _off(deviation: float, signal: float) -> str:
    way = "too high" if deviation > 0 else "too low"
    part = f", {_percent(abs(deviation) / signal)} of the signal" if signal > 0 else ""
    return f"{abs(deviation):.3g} {way}{part}"


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %" if part >= 0.1 else f"{100 * part:.2g} %"


def praise(evidence: Evidence) -> str:
    """How far one may quantify where there is no problem, in a sentence."""
    line, within = evidence.line, f"within {100 * TOLERANCE:g} %"
    if line is None:
        return (
            "Safe to quantify on the whole: the mean is kept, but there is too little structure "
            "to judge the slope."
        )
    if 2 * line.slope_error > TOLERANCE:
        return (
            f"Safe to quantify as far as the noise lets one see: means agree {within}, the slope "
            f"is {line.slope:.2f} ± {line.slope_error:.2f}."
        )
    return f"Safe to quantify: mean, slope, every intensity decile and every plane agree {within}."
