"""What a network is told of the camera, so that it need not learn it."""

from __future__ import annotations

from typing import Literal

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.learning.normalization.base import Normalization
from napari_denoise.noise.camera import CameraModel

__all__ = ["CameraNormalization"]


class _Tagged(Normalization):
    """The tag alone: as a base of its own it keeps its place, the first, in model files."""

    name: Literal["camera"] = "camera"


class CameraNormalization(CameraModel, _Tagged):
    """The noise of an image, and its mean level: what makes the noise of all images alike.

    Attributes
    ----------
    correlation : (float, float)
        Lag-1 autocorrelation of the noise along Y and X.
    level : float
        The image's mean after stabilisation, in units of the noise.
    """

    correlation: tuple[float, float] = (0.0, 0.0)
    level: float = 0.0

    def example(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        level = max(self.level, 2.0) ** 2 / 4
        counts = rng.poisson(level * (0.5 + values))
        noisy = counts + rng.normal(0, self.read_noise / self.unit, values.shape)
        return (noisy * self.unit + self.offset)[None].astype(np.float32)

    @property
    def is_linear(self) -> bool:
        # Networks, and models in files, have been trained on the root at every gain above zero.
        return not self.gain
