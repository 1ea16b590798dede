"""Noise to draw that was measured and not thought out."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.noise.noise_model import (
    AnyNoiseModel,
    HistogramNoiseModel,
    MixtureNoiseModel,
)
from napari_denoise.noise.simulation.base import Noise, Pixels, Recording

__all__ = ["MeasuredNoise"]

Rows = npt.NDArray[np.int_]


class MeasuredNoise(Noise):
    """Noise of a distribution that was measured on recordings of this detector."""

    title: ClassVar[str] = "Measured"

    name: Literal["measured"] = "measured"
    distribution: AnyNoiseModel

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        del recording
        known = self.distribution
        signals = np.array(known.signals)
        below = np.searchsorted(signals, clean, side="right") - 1
        below = below.clip(0, len(signals) - 2)
        way = (clean - signals[below]) / (signals[below + 1] - signals[below])
        # What is known of two signals is mixed by taking the one or the other.
        row = below + (rng.random(clean.shape) < way)
        if isinstance(known, HistogramNoiseModel):
            drawn = _histogram(known, row, rng)
        else:
            drawn = _mixture(known, row, rng)
        noise: Pixels = np.sqrt(known.variance(clean)) * drawn
        return clean + noise


def _histogram(known: HistogramNoiseModel, row: Rows, rng: np.random.Generator) -> Pixels:
    """Noise in sigmas: where in its row's cumulative distribution a random number lies."""
    shares = np.array(known.densities)
    shares /= shares.sum(axis=1, keepdims=True)
    n_bins = shares.shape[1]
    ends = (np.cumsum(shares, axis=1) + np.arange(len(shares))[:, None]).ravel()
    place = row + rng.random(row.shape)
    bin_ = np.searchsorted(ends, place).clip(row * n_bins, (row + 1) * n_bins - 1)
    within = 1 - (ends[bin_] - place) / shares.ravel()[bin_]
    # Rounding at the ends of a row may point just outside the bin: hence the clip.
    noise: Pixels = ((bin_ - row * n_bins + within.clip(0, 1)) / n_bins * 2 - 1) * known.span
    return noise


def _mixture(known: MixtureNoiseModel, row: Rows, rng: np.random.Generator) -> Pixels:
    """Noise in sigmas: of one of the Gaussians of its row, by their weights."""
    ends = np.cumsum(known.weights, axis=1)[row]
    which = (rng.random(row.shape)[..., None] > ends[..., :-1]).sum(axis=-1)
    places, widths = np.array(known.places), np.array(known.widths)
    noise: Pixels = places[row, which] + widths[row, which] * rng.normal(size=row.shape)
    return noise
