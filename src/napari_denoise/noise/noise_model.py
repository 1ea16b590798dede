"""Noise as a probability: which values a detector gives where the signal is known.

Plain numbers that a model file holds; what a network makes of them is not decided here.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, MinLen
from pydantic import Field, model_validator

from napari_denoise.core.settings import Settings

__all__ = ["AnyNoiseModel", "HistogramNoiseModel", "MixtureNoiseModel"]

Values = npt.NDArray[np.float64]
Row = Annotated[tuple[float, ...], MinLen(1)]
Rows = Annotated[tuple[Row, ...], MinLen(2)]


class _Measured(Settings):
    """What was measured at some signals, and holds in between by interpolation.

    Attributes
    ----------
    signals : tuple of float
        Rising, in DN.
    sigmas : tuple of float
        Standard deviation of the noise at each of them, in DN.
    """

    signals: Annotated[tuple[float, ...], MinLen(2)]
    sigmas: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(2)]

    @property
    def reach(self) -> tuple[float, float]:
        """The darkest and the brightest signal that it was measured at, in DN."""
        return self.signals[0], self.signals[-1]

    def variance(self, signal: npt.ArrayLike) -> Values:
        """Of the noise, in DN², where the signal (DN) is known; beyond the ends as at them."""
        return np.asarray(
            np.interp(np.asarray(signal, np.float64), self.signals, np.square(self.sigmas))
        )

    def _check_rows(self, *tables: tuple[Row, ...]) -> None:
        # Files come from anywhere: what interpolation takes for granted is checked at reading.
        if any(b <= a for a, b in zip(self.signals, self.signals[1:], strict=False)):
            raise ValueError("signals have to rise")
        if any(len(table) != len(self.signals) for table in (self.sigmas, *tables)):
            raise ValueError("there has to be one row for each signal")
        if len({len(row) for table in tables for row in table}) != 1:
            raise ValueError("rows differ in length")


class MixtureNoiseModel(_Measured):
    """A sum of Gaussians whose weights, places and widths change with the signal.

    After Prakash et al. 2020, doi:10.1109/ISBI45749.2020.9098612, with tables in place of
    polynomials.

    Attributes
    ----------
    weights : tuple of tuple of float
        One row per signal, one value per Gaussian; each row sums to one.
    places, widths : tuple of tuple of float
        Mean and standard deviation of each Gaussian, less the signal, in units of its sigma.
    """

    name: Literal["mixture"] = "mixture"
    weights: Rows
    places: Rows
    widths: Rows

    @model_validator(mode="after")
    def _agree(self) -> Self:
        self._check_rows(self.weights, self.places, self.widths)
        # A weight of zero is a Gaussian that is not used; a width of zero has no density.
        if min(map(min, self.widths)) <= 0 or min(map(min, self.weights)) < 0:
            raise ValueError("weights and widths have to be positive")
        return self


class HistogramNoiseModel(_Measured):
    """How often each value was seen at each signal.

    After Krull et al. 2020, doi:10.3389/fcomp.2020.00005.

    Attributes
    ----------
    span : float
        Noise from minus to plus this many sigmas has been counted.
    densities : tuple of tuple of float
        One row per signal: the probability density in each bin, per sigma; all above zero.
    """

    name: Literal["histogram"] = "histogram"
    span: Annotated[float, Gt(0)]
    densities: Rows

    @model_validator(mode="after")
    def _agree(self) -> Self:
        self._check_rows(self.densities)
        # One empty bin would make a pixel impossible, and its logarithm infinite.
        if min(map(min, self.densities)) <= 0:
            raise ValueError("densities have to be positive")
        return self


AnyNoiseModel = Annotated[MixtureNoiseModel | HistogramNoiseModel, Field(discriminator="name")]
"""What a model file may hold."""
