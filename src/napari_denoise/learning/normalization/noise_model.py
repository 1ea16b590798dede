"""What a probabilistic network is told of the detector: how noisy each value is."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from annotated_types import Gt, MinLen
from pydantic import model_validator

from napari_denoise.learning.normalization.base import Normalization
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.noise.noise_model import AnyNoiseModel

__all__ = ["NoiseModelNormalization"]


class NoiseModelNormalization(Normalization):
    """The noise of each channel, and the scale on which the network sees it.

    Attributes
    ----------
    cameras : tuple of CameraNormalization
        Per channel: makes the noise even before the network sees it, and is what is known of the
        noise where no distribution has been measured.
    means, stds : tuple of float
        Per channel, of the values whose noise is even.
    noise : tuple of distributions
        Per channel; empty if the cameras are all that is known.
    """

    name: Literal["detector"] = "detector"
    cameras: Annotated[tuple[CameraNormalization, ...], MinLen(1)]
    means: Annotated[tuple[float, ...], MinLen(1)]
    stds: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)]
    noise: tuple[AnyNoiseModel, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        lengths = {len(self.cameras), len(self.means), len(self.stds)}
        # None are stored where the cameras are all that is known.
        if self.noise:
            lengths.add(len(self.noise))
        if len(lengths) != 1:
            raise ValueError("channels differ in number")
        return self

    @property
    def n_channels(self) -> int:
        return len(self.stds)
