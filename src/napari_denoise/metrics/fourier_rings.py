"""Rings of equal spatial frequency, and how far two spectra agree in each of them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from napari_denoise.core.progress import Job, Progress

__all__ = ["THRESHOLD", "FourierCorrelation", "Rings", "Spectrum", "Values"]

THRESHOLD = 1 / 7
"""Correlation that a detail must reach to count as resolved, as in Nieuwenhuizen et al. 2013."""

_N_SMOOTHED = 5
"""Rings of a running mean: single ones are noisy, and the first to fall below the threshold by
chance would be taken for the resolution. Wider ones blur where it lies."""

Values = npt.NDArray[np.float64]
Spectrum = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class FourierCorrelation:
    """How far two images agree, from coarse to fine detail.

    Attributes
    ----------
    frequency_per_um : tuple of float
        Spatial frequency of each ring or shell, in periods per µm.
    correlation : tuple of float
        Correlation in each, a running mean over five.
    resolution_um : float
        Period in µm at which the correlation first falls below 1/7; infinite if it is below
        from the start, NaN if it never falls, so that the resolution is finer than `limit_um`.
    limit_um : float
        Finest period in µm that could be told.
    """

    frequency_per_um: tuple[float, ...]
    correlation: tuple[float, ...]
    resolution_um: float
    limit_um: float


@dataclass(frozen=True, slots=True)
class Rings:
    """Which ring each frequency of a real transform lies in."""

    axes: tuple[Values, ...]
    """Frequencies in periods per µm, one array per axis, ready to broadcast."""
    index: npt.NDArray[np.int64]
    weight: Values
    """Two for frequencies that a real transform leaves out the mirror image of."""
    width: float
    n_rings: int

    @classmethod
    def of(cls, shape: tuple[int, ...], size_um: tuple[float, ...]) -> Rings:
        last = len(shape) - 1
        axes = [fft.fftfreq(n, d) for n, d in zip(shape[:-1], size_um[:-1], strict=True)]
        axes.append(fft.rfftfreq(shape[-1], size_um[-1]))
        grids = tuple(axis.reshape((-1,) + (1,) * (last - i)) for i, axis in enumerate(axes))
        radius = np.sqrt(functools.reduce(np.add, map(np.square, grids)))
        # Rings as wide as the coarser of the two frequency steps in the plane: none is empty.
        width = max(1 / (n * d) for n, d in zip(shape[-2:], size_um[-2:], strict=True))
        # Up to the highest frequency in the plane; corners beyond it have no full rings.
        n_rings = int(0.5 / max(size_um[-2:]) / width + 1e-9)
        weight = np.full(radius.shape, 2.0)
        # Frequencies that are their own mirror image: zero, and the highest of an even axis.
        weight[..., 0] = 1
        if shape[-1] % 2 == 0:
            weight[..., -1] = 1
        return cls(grids, np.rint(radius / width).astype(np.int64), weight, width, n_rings)

    def shifted(self, spectrum: Spectrum, by_um: tuple[float, float]) -> Spectrum:
        """The spectrum of an image moved back along Y and X by a part of its pixel.

        Parameters
        ----------
        spectrum : array, ``(Z)YX``, complex
            Of a real transform.
        by_um : tuple of two floats
            Along Y and X, in µm.

        Returns
        -------
        array, ``(Z)YX``, complex
        """
        # Fourier's shift theorem: exact for parts of a pixel too, without interpolation.
        phase = self.axes[-2] * by_um[0] + self.axes[-1] * by_um[1]
        moved: Spectrum = spectrum * np.exp(-2j * np.pi * phase)
        return moved

    def sums(self, values: Values) -> Values:
        """Sum over each ring but the zeroth."""
        # Corners lie in rings beyond n_rings: they are counted, and cut off.
        each = np.bincount(
            self.index.ravel(), (self.weight * values).ravel(), minlength=self.n_rings + 1
        )
        # The zeroth ring is the mean, which says nothing of detail.
        return each[1 : self.n_rings + 1].astype(np.float64)

    def agreement(self, one: Spectrum, other: Spectrum) -> Job[Values]:
        """Per ring: what two spectra share, and the power of each; those of more are added up.

        Parameters
        ----------
        one, other : array, ``(Z)YX``, complex
            Spectra of real transforms.

        Returns
        -------
        array, ``(3, rings)``
        """
        shared = self.sums((one * other.conj()).real)
        sums = [shared]
        for spectrum in (one, other):
            yield Progress(fraction=len(sums) / 3, message="correlating")
            sums.append(self.sums(np.square(np.abs(spectrum))))
        return np.stack(sums)

    def curve(self, sums: Values, *, n_exposures: int) -> FourierCorrelation:
        """Correlate; `n_exposures` parts of equal dose make up what the result is for.

        Parameters
        ----------
        sums : array, ``(3, rings)``
            From :meth:`agreement`, added up over planes or volumes.
        n_exposures : int
            1 where the two spectra are of whole exposures.

        Returns
        -------
        FourierCorrelation
        """
        shared, *powers = sums
        scale = np.sqrt(powers[0] * powers[1])
        raw = np.divide(shared, scale, out=np.zeros_like(scale), where=scale > 0)
        part = ndimage.uniform_filter1d(raw, _N_SMOOTHED, mode="nearest")
        # Correlation c means a signal-to-noise ratio of c / (1 - c), which grows with the dose.
        # Below zero there is no ratio, and nothing is resolved.
        agreed = np.maximum(part, 0)
        dosed = agreed * n_exposures / (1 + agreed * (n_exposures - 1))
        frequency: Values = self.width * np.arange(1, self.n_rings + 1, dtype=np.float64)
        correlation = np.where(part > 0, dosed, part)
        return FourierCorrelation(
            tuple(frequency.tolist()),
            tuple(correlation.tolist()),
            _crossing(frequency, correlation),
            1 / float(frequency[-1]),
        )


def _crossing(frequency: Values, correlation: Values) -> float:
    """Period where the correlation first falls below the threshold, between two rings."""
    below = np.flatnonzero(correlation < THRESHOLD)
    if below.size == 0:
        return math.nan
    if below[0] == 0:
        return math.inf
    i = int(below[0])
    # A straight line between the last ring above the threshold and the first below.
    part = (correlation[i - 1] - THRESHOLD) / (correlation[i - 1] - correlation[i])
    return 1 / float(frequency[i - 1] + part * (frequency[i] - frequency[i - 1]))
