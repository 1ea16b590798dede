"""What a network is told of the camera, so that it need not learn it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from annotated_types import Ge
from pydantic import model_validator

from napari_denoise.core.dtype import FloatArray
from napari_denoise.learning.normalization.base import Normalization

__all__ = ["Camera"]


class Camera(Normalization):
    """The noise of an image, and its mean level: what makes the noise of all images alike.

    Attributes
    ----------
    gain, offset, read_noise : float
        In DN per photo-electron, DN, and DN; a gain of zero if the noise is the same at every
        brightness.
    correlation : (float, float)
        Lag-1 autocorrelation of the noise along Y and X.
    level : float
        The image's mean, in units of the noise.
    """

    name: Literal["camera"] = "camera"
    gain: Annotated[float, Ge(0)]
    offset: float
    read_noise: Annotated[float, Ge(0)]
    correlation: tuple[float, float] = (0.0, 0.0)
    level: float = 0.0

    @model_validator(mode="after")
    def _has_noise(self) -> Self:
        if not self.gain + self.read_noise:
            raise ValueError("a camera needs a gain or a read noise above zero")
        return self

    def example(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        level = max(self.level, 2.0) ** 2 / 4
        counts = rng.poisson(level * (0.5 + values))
        noisy = counts + rng.normal(0, self.read_noise / self.unit, values.shape)
        return (noisy * self.unit + self.offset)[None].astype(np.float32)

    @property
    def unit(self) -> float:
        """DN in which the network counts: one electron, or the read noise if that is all."""
        return self.gain or self.read_noise

    @property
    def dark_variance(self) -> float:
        """Read noise² + 3/8 in these units: the stabilised zero, squared and divided by four."""
        return (self.read_noise / self.unit) ** 2 + 3 / 8
