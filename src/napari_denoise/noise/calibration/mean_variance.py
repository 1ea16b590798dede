"""Noise variance against brightness, with the share of fine structure taken out.

Structure is blurred by the microscope, so it is much the same in diagonal neighbours; noise is
not. What residuals have in common with their diagonal neighbours is therefore structure.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress
from napari_denoise.noise.calibration.sampling import Samples

__all__ = [
    "CORRELATED",
    "CROSS_POWER",
    "MIN_PIXELS",
    "Curve",
    "Values",
    "bin_edges",
    "mean_variance_curve",
]

Values = npt.NDArray[np.float64]

CROSS_POWER = 1 + 4 / 16
"""Variance of pixel minus mean of four, in units of the noise variance."""
_CROSS_SKEWNESS = 1 - 4 / 64
"""The same for the third cumulant."""
CORRELATED = 0.3
"""Lag-1 correlation above which neighbouring pixels do not count as independent."""
_STRUCTURE_CORRELATION = 0.8
"""Correlation of blurred structure between diagonal neighbours, where noise has hardly any."""
_N_BINS = 32
"""Trade-off: more follow a bent line more closely, fewer hold enough flat pixels each."""
_FLATTEST = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
"""Shares of a bin's pixels that may count as flat; the first does, whatever its structure."""
_MORE_STRUCTURE = 0.02
"""Share of structure in the variance that more pixels are worth."""
_TINY = float(np.finfo(float).tiny)
MIN_PIXELS = 100
"""Fewer give no variance worth a point."""
_MAX_BUMP = 3.0
"""Standard deviations by which a pixel's 3 × 3 mean may stand out of its surroundings."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The mean–variance curve, one value per brightness bin.

    Attributes
    ----------
    mean, variance : DN, DN²; the variance includes that of structure
    structure : DN²; the part of `variance` that is fine structure
    skewness : DN³; third cumulant of the noise
    count : pixels in the bin
    correlation_y, correlation_x : lag-1 autocorrelation of the residuals
    """

    mean: Values
    variance: Values
    structure: Values
    skewness: Values
    count: Values
    correlation_y: Values
    correlation_x: Values

    def at(self, mask: npt.NDArray[np.bool_]) -> Curve:
        """The points where `mask` is true."""
        return Curve(*(getattr(self, field.name)[mask] for field in fields(self)))

    def correlation(self) -> tuple[float, float]:
        """Lag-1 autocorrelation along Y and X, from where there is least structure."""
        share = self.structure / np.maximum(self.variance, _TINY)
        weight = self.count / (1 + (10 * share) ** 2)
        y, x = (np.average(c, weights=weight) for c in (self.correlation_y, self.correlation_x))
        return float(y), float(x)


def mean_variance_curve(samples: Samples, reach: int) -> Job[Curve]:
    """Sort pixels by brightness and take the variance of the flat ones in each bin.

    Parameters
    ----------
    samples : Samples
    reach : int
        What they were sampled with.
    """
    # Pixels that the corner windows average, see `sample_plane`.
    window = (2 * (reach // 3) + 1) ** 2
    edges = bin_edges(samples.level)
    # In float32 like the levels, or numpy would turn all of these into float64 first.
    number = np.searchsorted(edges.astype(np.float32), samples.level).astype(np.uint8)
    # Sorted once: to look for each bin's pixels among all takes four times as long.
    samples = samples.at(np.argsort(number, kind="stable"))
    ends = np.cumsum(np.bincount(number, minlength=len(edges) + 1)).tolist()
    points = []
    for i, (start, end) in enumerate(pairwise([0, *ends])):
        if end - start >= MIN_PIXELS:
            points.append(_point(_flat_part(samples.at(slice(start, end)), window)))
        yield Progress(fraction=(i + 1) / len(ends))
    columns = np.array([p for p in points if p[2] >= MIN_PIXELS], np.float64).reshape(-1, 7).T
    mean, variance, count, diagonal, skewness, along_y, along_x = columns
    # Diagonal correlation goes from that of noise (no structure) to that of blurred structure
    # (nothing else): how far a bin has gone says which share of its variance is structure.
    noise = _lower_envelope(diagonal, count)
    share = (diagonal - noise) / (_STRUCTURE_CORRELATION - noise)
    # Never all of it: a bin without noise would have a weight without bound in the fit.
    structure = variance * np.clip(share, 0, 0.95)
    return Curve(mean, variance, structure, skewness, count, along_y, along_x)


def bin_edges(level: FloatArray) -> Values:
    """Where bins meet: narrow where it is dark, and fewer if there are few pixels."""
    # A hot pixel must not stretch the bins of all others.
    low, high = np.percentile(level, [0.1, 99.9])
    n_bins = int(np.clip(level.size // (4 * MIN_PIXELS), 1, _N_BINS))
    # Squared: photon noise rises with brightness, so dark bins are as wide as bright ones in
    # units of the noise.
    edges: Values = low + (high - low) * np.linspace(0, 1, n_bins + 1)[1:-1] ** 2
    return edges


def _flat_part(samples: Samples, window: int) -> Samples:
    """The flattest pixels, and as many more as show no more structure than these."""
    # By spread, which shares no pixel with the residual: choosing flat pixels by it does not
    # choose quiet ones.
    order = np.argsort(samples.spread)
    residual = samples.residual[order].astype(np.float64)
    count = np.maximum((np.array(_FLATTEST) * order.size).astype(int), 1)
    power = np.cumsum(residual**2)[count - 1]
    shared = np.cumsum(residual * samples.diagonal[order])[count - 1] / np.maximum(power, _TINY)
    variance = power / count / CROSS_POWER
    alike = (variance <= variance[0]) & (shared <= shared[0] + _MORE_STRUCTURE)
    sigma = np.sqrt(variance[0] / window)
    kept = max(count[alike].max(), np.count_nonzero(samples.spread <= sigma))
    flat = np.zeros(order.size, bool)
    flat[order[:kept]] = True
    # The spread at a spot's centre is small on all sides; the bump tells it. 5/4, as it is the
    # difference of a window and the mean of four.
    flat &= np.abs(samples.bump) <= _MAX_BUMP * np.sqrt(5 / 4) * sigma
    return samples.at(flat)


def _point(s: Samples) -> tuple[float, ...]:
    residual = s.residual.astype(np.float64)
    if not residual.size:
        return (0.0,) * 7
    power = float(np.mean(residual**2))
    centred = residual - residual.mean()
    # Products, as numpy raises to the third power more slowly.
    skewness = float(np.mean(centred * centred * centred)) / _CROSS_SKEWNESS
    neighbours = (s.diagonal, s.along_y, s.along_x)
    ratios = (float(np.mean(residual * near)) / max(power, _TINY) for near in neighbours)
    diagonal, along_y, along_x = ratios
    mean = float(s.value.mean(dtype=np.float64))
    return mean, power / CROSS_POWER, residual.size, diagonal, skewness, along_y, along_x


def _lower_envelope(ratio: Values, count: Values) -> float:
    """What is common to all bins: correlation of the noise, not of structure."""
    if not ratio.size:
        return 0.0
    # Several bins, as the lowest alone is low by chance as well.
    lowest = np.argsort(ratio)[: max(3, len(ratio) // 4)]
    return max(float(np.average(ratio[lowest], weights=count[lowest])), 0.0)
