"""The linear normalisation of a model: measured once on what it is trained on, stored with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

import numpy as np
from annotated_types import Gt, MinLen
from pydantic import model_validator

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError
from napari_denoise.learning.normalization.base import Normalization

__all__ = ["LinearNormalization", "measure_normalization"]


class LinearNormalization(Normalization):
    """Linear map between the image's intensities and what the network sees.

    Attributes
    ----------
    means, stds : tuple of float
        Per channel, in the image's units.
    """

    name: Literal["linear"] = "linear"
    means: Annotated[tuple[float, ...], MinLen(1)]
    stds: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if len(self.means) != len(self.stds):
            raise ValueError("there is a mean and a standard deviation for each channel")
        return self

    @property
    def n_channels(self) -> int:
        return len(self.stds)

    def example(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        values = values - values.mean() + rng.normal(0, 0.3, values.shape)
        scales = zip(self.means, self.stds, strict=True)
        return np.stack([values * std + mean for mean, std in scales]).astype(np.float32)

    def apply(self, pixels: FloatArray) -> FloatArray:
        """Normalise ``C(Z)YX`` pixels."""
        return (pixels - _spread(self.means, pixels)) / _spread(self.stds, pixels)

    def undo(self, pixels: FloatArray) -> FloatArray:
        """Bring ``C(Z)YX`` pixels back to the image's units."""
        return pixels * _spread(self.stds, pixels) + _spread(self.means, pixels)


def _spread(values: tuple[float, ...], pixels: FloatArray) -> FloatArray:
    return np.asarray(values, dtype=np.float32).reshape(-1, *(1,) * (pixels.ndim - 1))


def measure_normalization(samples: Iterable[FloatArray]) -> LinearNormalization:
    """Mean and standard deviation of each channel over all samples.

    Parameters
    ----------
    samples : iterable of arrays, axes C(Z)YX

    Raises
    ------
    InputError
        If no channel varies at all, or a standard deviation is beyond float32.
    """
    n_pixels = 0
    means = squares = np.zeros(1)
    for sample in samples:
        pixels = sample.reshape(len(sample), -1).astype(np.float64)
        n_new = pixels.shape[1]
        shift = pixels.mean(axis=1) - means
        # Chan et al. 1983, doi:10.1080/00031305.1983.10483115: no cancellation at large offsets.
        squares = squares + pixels.var(axis=1) * n_new
        squares = squares + shift**2 * n_pixels * n_new / (n_pixels + n_new)
        means = means + shift * n_new / (n_pixels + n_new)
        n_pixels += n_new
    stds = np.sqrt(squares / n_pixels)
    if not stds.any():
        raise InputError(
            f"The image is constant: every pixel that was looked at is {means.flat[0]:g}. "
            f"Choose an image in which there is something to learn from."
        )
    # Dividing by less would leave float32's range.
    if stds.max() < np.finfo(np.float32).tiny:
        raise InputError("The image varies too little for float32. Multiply its intensities.")
    # An empty channel beside others stays as it is.
    stds = np.where(stds > 0, stds, 1.0)
    return LinearNormalization(means=tuple(means.tolist()), stds=tuple(stds.tolist()))
