"""Methods that make pairs out of a single noisy image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from napari_denoise.core.settings import setting
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.pairs import split_checkerboard
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.methods.base import LEAN, TrainingMethod
from napari_denoise.learning.networks.architecture import Architecture

__all__ = ["Noise2Fast"]


class Noise2Fast(TrainingMethod):
    """Noise2Fast: the quick one; learns from neighbouring pixels of the noisy image alone."""

    title: ClassVar[str] = "Noise2Fast"
    citation: ClassVar[str] = "Lequyer et al. 2022, doi:10.1038/s42256-022-00547-8"

    # It is to be the quick one: 16 maps are 0.09 dB below 32 (mean of five images).
    default_features: ClassVar[Mapping[int, int]] = LEAN
    default_step_size: ClassVar[float] = 2e-3

    name: Literal["noise2fast"] = "noise2fast"
    # 32.29 dB after 300 steps, 32.47 after 600 (mean of two images, with 32 feature maps).
    n_steps: int = setting(
        600, "Training steps; one step looks at one batch of patches.", ge=1, le=1_000_000, step=100
    )
    # Halved twice it reaches 31.97 dB after 300 steps, once 32.11 (mean of two images).
    depth: int = setting(
        1,
        "How often the network halves the image; each one doubles how far it sees.",
        ge=1,
        le=5,
        advanced=True,
    )

    def network(self, n_channels: int, patch_size: tuple[int, ...]) -> Architecture:
        # It has learned on coarser images: at full resolution it would leave noise in the image.
        plain = super().network(n_channels, patch_size)
        # Blur gains 0.02 dB, no skip at full resolution another 0.16.
        return plain.model_copy(update={"shrinking": "blur", "skips": "deep"})

    def batch(self, sampler: PatchSampler, rng: np.random.Generator) -> Batch:
        drawn = sampler.draw(self.batch_size, rng)
        # The mask goes along: a pair counts where both of its pixels do.
        pair = split_checkerboard(np.stack([drawn.input, drawn.mask]), rng)
        (seen, is_seen), (target, mask) = pair
        return Batch(input=seen, target=target, mask=is_seen * mask)

    def _default_patch_size(self, n_spatial: int) -> tuple[int, ...]:
        # Half of it is lost to the checkerboard.
        return {2: (96, 96), 3: (8, 48, 48)}[n_spatial]
