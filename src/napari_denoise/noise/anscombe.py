"""Variance stabilisation in counts of electrons: noise of unit variance, and back without bias.

The generalised Anscombe transform makes Poisson–Gaussian noise nearly Gaussian with standard
deviation one at every intensity, so that any method for such noise can be used on photon
counts. A denoised value in that space is the mean of transformed values, not the transform of
a mean: the exact unbiased inverse maps the one to the other (Mäkitalo & Foi 2013,
doi:10.1109/TIP.2012.2202675).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlogy

__all__ = ["DARK_COUNTS", "Tensor", "anscombe", "inverse", "unbiased_inverse"]

Curve = npt.NDArray[np.float64]

DARK_COUNTS = 3 / 8
"""Counts added before the root is taken: with this number the variance differs from 1 by terms in
1/counts² only (Anscombe 1948, doi:10.1093/biomet/35.3-4.246)."""

_TABLE_END_ELECTRONS = 100.0
"""Above, the asymptotic inverse is exact to 2e-3 electrons."""
_N_TABLE = 401
"""Evenly spaced in the root of the electrons, where the table is nearly a straight line: between
two entries it errs by 2e-4 electrons at most."""


class Tensor(Protocol):
    """What tells a torch tensor from an array, for those who must not import torch."""

    def clamp(self, min: Any = ..., max: Any = ...) -> Any: ...  # noqa: A002  # torch's names


def anscombe(counts: Any, dark_variance: Any) -> Any:
    """Counts with noise of unit variance, wherever there are enough of them.

    Parameters
    ----------
    counts : array or Tensor
        In electrons.
    dark_variance : float, array or Tensor
        Read noise² + 3/8, in electrons².
    """
    inside = (counts + dark_variance).clip(min=0)
    return 2 * (inside.sqrt() if hasattr(inside, "sqrt") else np.sqrt(inside))


def inverse(values: Any, dark_variance: Any) -> Any:
    """The counts that :func:`anscombe` made these values of: its algebraic inverse.

    Parameters
    ----------
    values : array or Tensor
    dark_variance : float, array or Tensor
        As for the transform.
    """
    return values.clip(min=0) ** 2 / 4 - dark_variance


def unbiased_inverse(means: Curve, sigma: float) -> Curve:
    """The expected counts whose noisy versions have these means after :func:`anscombe`.

    Parameters
    ----------
    means : float64 array
    sigma : float
        Read noise in electrons.

    Returns
    -------
    electrons : float64 array, same shape
        Below darkness along a straight line.
    """
    known, electrons, slope = _inverse_table(sigma)
    level = np.interp(means, known, electrons)
    level = np.where(means < known[0], (means - known[0]) * slope, level)
    # The closed form of the asymptotic inverse: 1/8 is what is left of 3/8 by the root's bias.
    level = np.where(means > known[-1], means**2 / 4 - 1 / 8 - sigma**2, level)
    return np.asarray(level)


@lru_cache(maxsize=16)
def _inverse_table(sigma: float) -> tuple[Curve, Curve, float]:
    """Means of the transformed counts, the expected counts they belong to, and the slope at none.

    Parameters
    ----------
    sigma : float
        Read noise in electrons.
    """
    electrons = np.linspace(0, np.sqrt(_TABLE_END_ELECTRONS), _N_TABLE) ** 2
    # Ten standard deviations: what is left out of the Poisson sum is below 1e-18.
    counts = np.arange(int(_TABLE_END_ELECTRONS + 10 * np.sqrt(_TABLE_END_ELECTRONS)))
    of_count = _mean_over_read_noise(counts, sigma)
    rate = electrons[:, None]
    # By logarithms, as counts! leaves double precision at 171.
    probability = np.exp(xlogy(counts, rate) - rate - gammaln(counts + 1))
    means = probability @ of_count
    # The derivative of a Poisson mean by its rate is the mean's step from a count to the next.
    return means, electrons, float(1 / (of_count[1] - of_count[0]))


def _mean_over_read_noise(counts: npt.NDArray[np.int_], sigma: float) -> Curve:
    """Mean of ``2 sqrt(max(count + noise + 3/8 + sigma², 0))`` over Gaussian noise."""
    # A plain sum, as the integrand has a kink where the root ends; eight sigmas leave out 1e-15.
    noise, step = np.linspace(-8, 8, 1601, retstep=True)
    weights = np.exp(-(noise**2) / 2) * step / np.sqrt(2 * np.pi)
    level = counts[:, None] + sigma * noise + DARK_COUNTS + sigma**2
    mean: Curve = 2 * np.sqrt(np.maximum(level, 0)) @ weights
    return mean
