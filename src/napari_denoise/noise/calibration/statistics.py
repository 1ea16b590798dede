"""What noise has besides its variance: correlation between pixels, and stripes.

Both are looked for in noise alone: the flattest parts of an image less their surroundings, or the
difference of two repeats; each pixel counts in units of the noise expected there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.core.dtype import FloatArray
from napari_denoise.noise.calibration.mean_variance import Values

__all__ = [
    "SLIGHTLY_CORRELATED",
    "NoiseField",
    "NoiseStatistics",
    "Stripes",
    "expected_sigma",
    "measure_statistics",
    "noise_field",
]

SLIGHTLY_CORRELATED = 0.15
"""Lag-1 correlation above which a blind-spot method may leave grain."""
# How the limits below do on wide-field frames: the correlation of one frame at lags 1 to 5 is that
# against the clean image to within 0.05 (docs/benchmarks.md, calibration).
_N_LAGS, _N_FAR = 8, 3
"""Lags that are looked at; and at the far end, those that tell what structure is left."""
_REACH = 9
"""Pixels to the corner windows: no lag along Y or X brings a pixel into its neighbour's windows."""
_WINDOW = 7
_SHARES = (0.25, 0.1, 0.04)
"""Of the pixels, the flattest; fewer if structure shows in more."""
_GOOD_POWER, _MAX_POWER = 1.05, 1.25
"""Of the flat pixels, in units of the noise's: with more, structure hides the correlation."""
_MORE_POWER = 0.05
"""That more pixels are worth."""
_SMOOTH = 0.6
"""Share of the pixels without an edge nearby."""
_MAX_BUMP = 4.0
"""Standard deviations by which a window may stand out of its surroundings."""
_MAX_NOISE = 5.0
"""Standard deviations beyond which a pixel is a hot one."""
_FLOOR = 0.01
"""Of the mean variance, that a pixel has at least: dark ones would else count for all others."""
_SEGMENT = 32
"""Pixels of a line that are looked at on their own; structure hardly spans three of them.
Half as many of the lines of small planes."""
_VISIBLE = 0.1
"""Standard deviation of the lines' offsets, in units of the noise's, that an eye can see."""
_SIGNIFICANT = 3.5
"""Standard errors by which lines must have more in common than chance gives them."""
_VARIANCE_OF_DIFFERENCE = 1.5
"""Of a line less the mean of its two neighbours, in units of the lines' variance."""
_ERROR_OF_OVERLAP = 1.4
"""Factor on the standard error, as neighbouring differences share lines."""

VarianceOf = Callable[[npt.ArrayLike], Values]


@dataclass(frozen=True, slots=True)
class NoiseField:
    """Noise with its place.

    Attributes
    ----------
    noise : float32 array, YX, in DN
    sigma : float64 array, YX, in DN
        What noise is expected there.
    is_known : bool array, YX
        Where there is hardly anything but noise.
    is_smooth : bool array, YX
        Where there is no edge; more pixels than the former.
    """

    noise: FloatArray
    sigma: Values
    is_known: npt.NDArray[np.bool_]
    is_smooth: npt.NDArray[np.bool_]

    @property
    def turned(self) -> NoiseField:
        """With columns as rows."""
        return NoiseField(self.noise.T, self.sigma.T, self.is_known.T, self.is_smooth.T)


@dataclass(frozen=True, slots=True)
class Stripes:
    """Lines that are brighter or darker as a whole.

    Attributes
    ----------
    sigma : float
        Standard deviation of a line's offset, in DN; zero if there is no more than by chance.
    share : float
        The same in units of the noise's standard deviation.
    """

    sigma: float = 0.0
    share: float = 0.0

    @property
    def is_visible(self) -> bool:
        """Whether an eye would see them."""
        return self.share >= _VISIBLE


@dataclass(frozen=True, slots=True)
class NoiseStatistics:
    """What was found.

    Attributes
    ----------
    along_y, along_x : tuple of float
        Autocorrelation at lags 1, 2, …; only the first where structure hides the others.
    rows, columns : Stripes
    bleached : float or None
        Share of the signal that the last frame has lost; None if it cannot be known.
    """

    along_y: tuple[float, ...]
    along_x: tuple[float, ...]
    rows: Stripes = Stripes()
    columns: Stripes = Stripes()
    bleached: float | None = None

    @property
    def strongest(self) -> float:
        """The larger lag-1 correlation."""
        return max(self.along_y[0], self.along_x[0])

    @property
    def spans(self) -> tuple[int, int]:
        """Pixels along Y and X that a blind spot must cover to give nothing away.

        Stripes never end: they get as many as are looked at.
        """
        longest = 2 * _N_LAGS + 1
        return (
            longest if self.columns.is_visible else _span(self.along_y),
            longest if self.rows.is_visible else _span(self.along_x),
        )


def _span(correlation: tuple[float, ...]) -> int:
    """A lag counts as long as all before it do."""
    if correlation[0] <= SLIGHTLY_CORRELATED:
        return 1
    below = [lag for lag, value in enumerate(correlation) if value <= SLIGHTLY_CORRELATED]
    return 2 * (below[0] if below else len(correlation)) + 1


def noise_field(plane: FloatArray, variance: VarianceOf) -> NoiseField | None:
    """The noise of a plane, known in its flattest parts; None if the plane is too small.

    Parameters
    ----------
    plane : float32 array, YX, in DN
    variance : callable
        The noise's variance at a mean, in DN².
    """
    edge = _REACH + _WINDOW // 2
    if min(plane.shape) < 2 * edge + _SEGMENT:
        return None
    window = ndimage.uniform_filter(plane, _WINDOW)
    around = [_shifted(window, edge, y, x) for y in (-_REACH, _REACH) for x in (-_REACH, _REACH)]
    corners = np.stack(around)
    level = corners.mean(0)
    sigma = expected_sigma(variance, level)
    noise = _shifted(plane, edge, 0, 0) - level
    bump = np.abs(_shifted(window, edge, 0, 0) - level) / sigma
    spread = corners.std(0) / sigma
    is_known = _flattest(noise / sigma, spread, bump)
    return NoiseField(noise, sigma, is_known, spread <= np.quantile(spread, _SMOOTH))


def expected_sigma(variance: VarianceOf, level: FloatArray) -> Values:
    """The noise at each pixel, in DN; where none is expected, as little as still can be weighed."""
    expected = variance(level)
    # And never zero, by which noise would be divided.
    floor = max(_FLOOR * float(expected.mean()), np.finfo(float).tiny)
    return np.asarray(np.sqrt(np.maximum(expected, floor)))


def _flattest(noise: Values, spread: Values, bump: Values) -> npt.NDArray[np.bool_]:
    """Where surroundings differ least, in as large a share as shows hardly more than noise."""
    masks, powers = [], []
    # The largest share first: it is taken if its power is hardly more than the noise's own.
    for limit in np.quantile(spread, _SHARES):
        is_flat = spread <= limit
        # What stands out of its surroundings is a spot; noise alone hardly ever does so far.
        is_flat &= bump <= _MAX_BUMP * np.median(bump[is_flat]) / 0.6745
        masks.append(is_flat)
        powers.append(_power(noise[is_flat]))
        if powers[-1] <= _GOOD_POWER:
            break
    good_enough = max(_GOOD_POWER, min(powers) + _MORE_POWER)
    return next(mask for mask, power in zip(masks, powers, strict=True) if power <= good_enough)


def _power(noise: Values) -> float:
    return float(np.mean(np.minimum(noise**2, _MAX_NOISE**2)))


def _shifted(image: FloatArray, edge: int, dy: int, dx: int) -> FloatArray:
    height, width = image.shape
    return image[edge + dy : height - edge + dy, edge + dx : width - edge + dx]


def measure_statistics(fields: Iterable[NoiseField], lag_1: tuple[float, float]) -> NoiseStatistics:
    """Put together what several fields show.

    Parameters
    ----------
    fields : iterable of NoiseField
    lag_1 : (float, float)
        Correlation along Y and X at lag 1, as it is known already.
    """
    # A transposed field has its columns as rows: one function serves both axes.
    fields = list(fields)
    along = [_covariance(fields), _covariance([field.turned for field in fields])]
    # What is left at the far lags of both axes is no noise but blurred structure.
    floor = max(min(float(c[-_N_FAR:].mean()) for c in along), 0.0)
    along_y, along_x = (
        (first, *_further_lags(c, floor)) for first, c in zip(lag_1, along, strict=True)
    )
    rows = _stripes(fields)
    columns = _stripes([field.turned for field in fields])
    return NoiseStatistics(along_y, along_x, rows, columns)


def _covariance(fields: list[NoiseField]) -> Values:
    """Of pixels along Y, at lags from 0 on, in units of the noise's variance."""
    sums, counts = np.zeros(_N_LAGS + 1), np.zeros(_N_LAGS + 1)
    for field in fields:
        # Clipped: one hot pixel would outweigh thousands of others.
        scaled = np.clip(field.noise / field.sigma, -_MAX_NOISE, _MAX_NOISE) * field.is_known
        for lag in range(_N_LAGS + 1):
            n_rows = len(scaled) - lag
            sums[lag] += np.vdot(scaled[:n_rows], scaled[lag:])
            counts[lag] += np.count_nonzero(field.is_known[:n_rows] & field.is_known[lag:])
    return np.asarray(sums / np.maximum(counts, 1))


def _further_lags(covariance: Values, floor: float) -> tuple[float, ...]:
    """Correlation at lags from 2 on; none where structure hides it."""
    if not floor < covariance[0] <= _MAX_POWER:
        return ()
    return tuple(((covariance[2:] - floor) / (covariance[0] - floor)).tolist())


def _stripes(fields: list[NoiseField]) -> Stripes:
    """Variance that a row's distant segments have in common, beyond its neighbours'."""
    # Rows without smooth segments have no weight, and would only be divided by.
    shared = np.concatenate([_shared_by_segments(field) for field in fields] or [np.ones((0, 2))])
    products, pairs = shared[shared[:, 1] > 0].T
    if len(pairs) < _SEGMENT:
        return Stripes()
    variance = float(products.sum() / pairs.sum())
    error = _ERROR_OF_OVERLAP * float(np.sqrt(np.sum((products - variance * pairs) ** 2)))
    if products.sum() <= _SIGNIFICANT * error:
        return Stripes()
    # Against the quietest pixels, where stripes are seen first.
    precision = np.mean([np.mean(1 / field.sigma**2) for field in fields])
    sigma = float(np.sqrt(variance / _VARIANCE_OF_DIFFERENCE))
    return Stripes(sigma, sigma * float(np.sqrt(precision)))


def _shared_by_segments(field: NoiseField) -> Values:
    """For each row, what its segments' differences from the rows around have in common.

    As the sum of their products and its weight, shape ``(rows, 2)``. Segments of which neither
    touches the other have no noise and no local structure in common.
    """
    height, width = len(field.noise) - 2, field.noise.shape[1]
    length = int(np.clip(width // 5, _SEGMENT // 2, _SEGMENT))
    n_segments = width // length
    # A row less its neighbours: slow changes of brightness, structure's too, cancel.
    difference = field.noise[1:-1] - (field.noise[2:] + field.noise[:-2]) / 2
    sigma = field.sigma[1:-1]
    scaled = np.clip(difference / sigma, -_MAX_NOISE, _MAX_NOISE)
    is_smooth = field.is_smooth[1:-1] & field.is_smooth[2:] & field.is_smooth[:-2]

    def per_segment(pixels: npt.NDArray[Any]) -> Values:
        cut = pixels[:, : n_segments * length].reshape(height, n_segments, length)
        return np.asarray(cut.sum(axis=2, dtype=np.float64))

    sums, weights = per_segment(is_smooth * scaled / sigma), per_segment(is_smooth / sigma**2)
    return np.stack([_distant_pairs(sums), _distant_pairs(weights)], axis=1)


def _distant_pairs(segments: Values) -> Values:
    """Sum over all pairs of segments of a row that are neither the same nor neighbours."""
    # (Sum)² is the sum over all ordered pairs: less pairs with itself, less neighbours, both ways.
    neighbours = 2 * (segments[:, 1:] * segments[:, :-1]).sum(axis=1)
    return np.asarray(segments.sum(axis=1) ** 2 - (segments**2).sum(axis=1) - neighbours)
