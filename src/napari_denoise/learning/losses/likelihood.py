"""How likely a recorded value is where the signal is known: the detector's noise, for torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import log, pi

import torch
from torch import Tensor

from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.noise.noise_model import (
    AnyNoiseModel,
    HistogramNoiseModel,
    MixtureNoiseModel,
)

__all__ = ["Likelihood", "make_likelihood"]

_LEAST_VARIANCE = 0.05
"""Of a camera's noise, in its units: without light and read noise, digitisation is left."""


class Likelihood(ABC):
    """Noise of one channel, in DN."""

    @abstractmethod
    def variance(self, signals: Tensor) -> Tensor:
        """Of the noise, in DN²."""

    @abstractmethod
    def log_density(self, values: Tensor, signals: Tensor) -> Tensor:
        """Logarithm of the probability density per DN of recorded values; shapes broadcast."""


def make_likelihood(
    camera: CameraNormalization, distribution: AnyNoiseModel | None, device: torch.device
) -> Likelihood:
    """The most that is known: a distribution, or else the camera."""
    match distribution:
        case None:
            return _CameraLikelihood(camera)
        case MixtureNoiseModel():
            return _MixtureLikelihood(distribution, device)
        case HistogramNoiseModel():
            return _HistogramLikelihood(distribution, device)


class _CameraLikelihood(Likelihood):
    """Gaussian noise whose variance grows with the signal."""

    def __init__(self, camera: CameraNormalization) -> None:
        self._camera = camera

    def variance(self, signals: Tensor) -> Tensor:
        return self._camera.variance(signals, least=_LEAST_VARIANCE)

    def log_density(self, values: Tensor, signals: Tensor) -> Tensor:
        variance = self.variance(signals)
        return -((values - signals).square() / variance + (2 * pi * variance).log()) / 2


class _Tabulated(Likelihood):
    """What is known at some signals; in between, what is known there is mixed."""

    def __init__(self, distribution: AnyNoiseModel, device: torch.device) -> None:
        self._device = device
        self._signals = self._table(distribution.signals)
        self._variances = self._table(distribution.sigmas).square()

    def variance(self, signals: Tensor) -> Tensor:
        return self._at(self._variances, *self._place(signals))

    def _table(self, rows: object) -> Tensor:
        return torch.tensor(rows, dtype=torch.float32, device=self._device)

    def _place(self, signals: Tensor) -> tuple[Tensor, Tensor]:
        """Which two rows a signal lies between, as the lower one's number and the way from it."""
        # Contiguous and without a gradient, or torch copies and warns; places have no gradient.
        knots = self._signals
        below = torch.searchsorted(knots, signals.detach().contiguous(), right=True) - 1
        below = below.clamp(0, len(knots) - 2)
        way = (signals - knots[below]) / (knots[below + 1] - knots[below])
        return below, way.clamp(0, 1)

    @staticmethod
    def _at(column: Tensor, below: Tensor, way: Tensor) -> Tensor:
        return column[below] * (1 - way) + column[below + 1] * way


class _MixtureLikelihood(_Tabulated):
    def __init__(self, distribution: MixtureNoiseModel, device: torch.device) -> None:
        super().__init__(distribution, device)
        weights, places, widths = (
            self._table(rows).T
            for rows in (distribution.weights, distribution.places, distribution.widths)
        )
        self._gaussians = list(zip(weights, places, widths, strict=True))

    def log_density(self, values: Tensor, signals: Tensor) -> Tensor:
        place = self._place(signals)
        sigma = self._at(self._variances, *place).sqrt()
        noise = (values - signals) / sigma
        terms = []
        for gaussian in self._gaussians:
            weight, centre, width = (self._at(column, *place) for column in gaussian)
            exponent = -((noise - centre) / width).square() / 2
            # A weight of zero would make the logarithm infinite, and its gradient NaN.
            terms.append(exponent + (weight.clamp(min=1e-12) / width).log())
        return torch.logsumexp(torch.stack(terms), dim=0) - sigma.log() - log(2 * pi) / 2


class _HistogramLikelihood(_Tabulated):
    def __init__(self, distribution: HistogramNoiseModel, device: torch.device) -> None:
        super().__init__(distribution, device)
        # All rows one after the other.
        table = self._table(distribution.densities).log()
        self._log_densities, self._n_bins = table.ravel(), table.shape[1]
        self._span = distribution.span

    def log_density(self, values: Tensor, signals: Tensor) -> Tensor:
        # Logarithms are mixed and not densities: there is a gradient where densities round to zero.
        below, way = self._place(signals)
        sigma = self._at(self._variances, below, way).sqrt()
        noise = (values - signals) / sigma
        lower, upper = self._row(below, noise), self._row(below + 1, noise)
        # Further out than was looked, it falls off as an exponential does.
        beyond = (noise.abs() - self._span).clamp(min=0)
        return lower * (1 - way) + upper * way - beyond - sigma.log()

    def _row(self, row: Tensor, noise: Tensor) -> Tensor:
        n = self._n_bins
        position = ((noise / self._span + 1) * n / 2 - 0.5).clamp(0, n - 1)
        left = position.detach().floor().clamp(max=n - 2).long()
        return self._at(self._log_densities, row * n + left, position - left)
