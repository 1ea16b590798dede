"""Light above the background: what a network sees that knows that there is none below it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from annotated_types import Gt, MinLen
from pydantic import model_validator

from napari_denoise.core.dtype import FloatArray
from napari_denoise.learning.normalization.base import Normalization
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.normalization.linear import LinearNormalization

__all__ = ["Light"]


class Light(Normalization):
    """Intensities less the background, and how noisy they are.

    Attributes
    ----------
    backgrounds, stds : tuple of float
        Per channel, in the image's units.
    camera : CameraNormalization or None
        The noise; None if it is taken to be the same at every brightness.
    """

    name: Literal["light"] = "light"
    backgrounds: Annotated[tuple[float, ...], MinLen(1)]
    stds: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)]
    # Not used on the way in: it weighs errors in training, where it is known.
    camera: CameraNormalization | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if len(self.backgrounds) != len(self.stds):
            raise ValueError("backgrounds and standard deviations differ in number")
        return self

    @property
    def n_channels(self) -> int:
        return len(self.stds)

    def example(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        return self.as_linear().example(values, rng)

    def as_linear(self) -> LinearNormalization:
        """The map to what the network sees, for which the background is zero."""
        return LinearNormalization(means=self.backgrounds, stds=self.stds)
