"""Variance stabilisation: camera noise becomes white noise of unit variance, and back without bias.

The generalised Anscombe transform makes Poisson–Gaussian noise nearly Gaussian with standard
deviation one at every intensity, so that any method for such noise can be used on photon
counts. A denoised value in that space is the mean of transformed values, not the transform of
a mean: the exact unbiased inverse maps the one to the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlogy

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import SettingsError

__all__ = ["GeneralizedAnscombe"]

Curve = npt.NDArray[np.float64]

_TABLE_END_ELECTRONS = 100.0
"""Above, the asymptotic inverse is exact to 2e-3 electrons."""


_LINEAR_FROM_ELECTRONS = 1e4
"""Read noise from which on the root is a straight line, and float32 too coarse for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralizedAnscombe:
    """The transform for an image ``gain * Poisson(electrons) + offset + Normal(0, read_noise)``.

    Attributes
    ----------
    gain : float
        DN per photo-electron. Zero for noise that is the same at every intensity: the
        transform is then a mere scaling by `read_noise`, as it is beyond 10 000 electrons of it.
    offset : float
        Level without light, in DN.
    read_noise : float
        Standard deviation without light, in DN.

    Raises
    ------
    SettingsError
        If gain or read noise is negative or not finite, or both are zero.

    References
    ----------
    .. [1] Mäkitalo & Foi 2013, doi:10.1109/TIP.2012.2202675
    """

    gain: float
    offset: float = 0.0
    read_noise: float = 0.0

    def __post_init__(self) -> None:
        finite = all(isfinite(v) for v in (self.gain, self.offset, self.read_noise))
        if not finite or self.gain < 0 or self.read_noise < 0 or not self.gain + self.read_noise:
            raise SettingsError(
                f"A gain of {self.gain:g} with offset {self.offset:g} and read noise "
                f"{self.read_noise:g} describes no camera. Give finite numbers, and a gain or a "
                f"read noise above zero."
            )

    def in_words(self) -> str:
        """The camera in a line."""
        return (
            f"gain {self.gain:.3g} DN per photo-electron, offset {self.offset:.4g} DN, "
            f"read noise {self.read_noise:.3g} DN"
        )

    def stabilize(self, image: npt.ArrayLike) -> FloatArray:
        """The image with noise of unit variance.

        Parameters
        ----------
        image : array, any shape, in DN

        Returns
        -------
        stabilized : float32 array, same shape, without unit
        """
        level = np.asarray(image, dtype=np.float64) - self.offset
        if self._is_linear:
            return (level / self.read_noise).astype(np.float32)
        variance = level / self.gain + 3 / 8 + self._read_noise_electrons**2
        return (2 * np.sqrt(np.maximum(variance, 0))).astype(np.float32)

    def invert(self, stabilized: npt.ArrayLike) -> FloatArray:
        """The intensities whose noisy versions have these means after :meth:`stabilize`.

        Exact to 0.002 electrons at any level and read noise. Values below that of darkness are
        continued along a straight line, so that what noise is left in a dark region still
        averages to the offset.

        Parameters
        ----------
        stabilized : array, any shape, without unit

        Returns
        -------
        image : float32 array, same shape, in DN
        """
        mean = np.asarray(stabilized, dtype=np.float64)
        if self._is_linear:
            return (mean * self.read_noise + self.offset).astype(np.float32)
        sigma = self._read_noise_electrons
        means, electrons, slope = _inverse_table(sigma)
        level = np.interp(mean, means, electrons)
        level = np.where(mean < means[0], (mean - means[0]) * slope, level)
        level = np.where(mean > means[-1], mean**2 / 4 - 1 / 8 - sigma**2, level)
        return (level * self.gain + self.offset).astype(np.float32)

    @property
    def _is_linear(self) -> bool:
        """Whether photon noise is so far below read noise that it changes nothing."""
        return self.read_noise >= _LINEAR_FROM_ELECTRONS * self.gain

    @property
    def _read_noise_electrons(self) -> float:
        return self.read_noise / self.gain


@lru_cache(maxsize=16)
def _inverse_table(sigma: float) -> tuple[Curve, Curve, float]:
    """Means of the transformed counts, the expected counts they belong to, and the slope at none.

    Parameters
    ----------
    sigma : float
        Read noise in electrons.
    """
    electrons = np.linspace(0, np.sqrt(_TABLE_END_ELECTRONS), 401) ** 2
    counts = np.arange(int(_TABLE_END_ELECTRONS + 10 * np.sqrt(_TABLE_END_ELECTRONS)))
    of_count = _mean_over_read_noise(counts, sigma)
    rate = electrons[:, None]
    probability = np.exp(xlogy(counts, rate) - rate - gammaln(counts + 1))
    means = probability @ of_count
    # The derivative of a Poisson mean by its rate is the mean's step from a count to the next.
    return means, electrons, float(1 / (of_count[1] - of_count[0]))


def _mean_over_read_noise(counts: npt.NDArray[np.int_], sigma: float) -> Curve:
    """Mean of ``2 sqrt(max(count + noise + 3/8 + sigma², 0))`` over Gaussian noise."""
    noise, step = np.linspace(-8, 8, 1601, retstep=True)
    weights = np.exp(-(noise**2) / 2) * step / np.sqrt(2 * np.pi)
    level = counts[:, None] + sigma * noise + 3 / 8 + sigma**2
    mean: Curve = 2 * np.sqrt(np.maximum(level, 0)) @ weights
    return mean
