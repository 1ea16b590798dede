"""Methods that learn what may be behind a noisy image, and can draw it again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Len

from napari_denoise.core.settings import setting
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.methods.base import UNCERTAINTY, TrainingMethod
from napari_denoise.learning.networks.architecture import Architecture, Levels
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.noise.camera import CameraSettings, Gain, Offset, ReadNoise

__all__ = ["SAMPLE", "SAMPLES", "DivNoising", "LadderArchitecture"]

SAMPLE, SAMPLES = "sample", "samples"
"""The outputs that are one, or several, of the images that may be behind the noisy one."""


class LadderArchitecture(Architecture):
    """Shape of a ladder of latent variables.

    Attributes
    ----------
    n_features : int
        Feature maps at full size; all coarser levels have twice as many.
    n_latents : int
        Latent variables per place and level.
    pooling : tuple of tuple of int
        As in :class:`UNetArchitecture`; there are latents at each level but the full size.
    contrast : float
        Standard deviation of the images that it is made for, in units of the noise.
    """

    network_class: ClassVar[str] = "napari_denoise.learning.networks.ladder_vae:LadderVAE"

    name: Literal["ladder"] = "ladder"
    n_features: Annotated[int, Ge(1), Le(256)]
    n_latents: Annotated[int, Ge(1), Le(256)]
    pooling: Annotated[Levels, Len(1, 5)]
    contrast: Annotated[float, Gt(0)] = 1.0

    @property
    def n_channels(self) -> int:
        """It sees channels one at a time."""
        return 1

    @property
    def n_spatial(self) -> int:
        """Two or three."""
        return len(self.pooling[0])

    def factors(self) -> tuple[tuple[int, ...], ...]:
        """By how much each level has shrunk the image, per spatial axis."""
        return tuple(
            tuple(prod(factors) for factors in zip(*self.pooling[: level + 1], strict=True))
            for level in range(len(self.pooling))
        )

    def alignment(self) -> tuple[int, ...]:
        """By how much the deepest level has shrunk the image, per spatial axis."""
        return self.factors()[-1]

    def halo(self) -> tuple[int, ...]:
        """How many pixels around a pixel can change it, per spatial axis."""
        return tuple(_farthest_drawn(factors) for factors in zip(*self.pooling, strict=True))

    def n_values_held(self, tile: Sequence[int], core: Sequence[int]) -> float:
        """At full resolution: what the coarser level gave, what became of it, and the kept."""
        del core
        return 5 * self.n_features * prod(tile)


class DivNoising(CameraSettings, TrainingMethod):
    """DivNoising: learns the noisy images alone, and draws what may be behind one.

    A ladder of latent variables (hierarchical DivNoising); the camera's noise is measured on the
    images.
    """

    title: ClassVar[str] = "DivNoising"
    citation: ClassVar[str] = (
        "Prakash, Krull & Jug 2021, arXiv:2006.06072; Prakash et al. 2022, arXiv:2104.01374"
    )
    # The likelihood is that of one camera.
    sees_channels_jointly: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ("image", UNCERTAINTY, SAMPLE, SAMPLES)
    strategy_class: ClassVar[str] = "napari_denoise.learning.losses.sampling:WithLadder"
    built_of = ((LadderArchitecture, CameraNormalization),)

    name: Literal["divnoising"] = "divnoising"
    # Then it is above Noise2Void, or less than 0.2 dB below, on four of five images.
    n_steps: int = setting(
        2000,
        "Training steps; one step looks at one batch of patches. Twice as many are still better.",
        ge=1,
        le=1_000_000,
        step=100,
    )
    # One more than for a U-Net: each level is drawn by itself, and coarse ones carry what spans
    # far.
    depth: int = setting(
        3,
        "Levels of latent variables, each half as fine as the one before; more see farther.",
        ge=1,
        le=5,
        advanced=True,
    )
    # Trade-off: each is another map to tell something with, and to be drawn for every sample.
    n_latents: int = setting(
        8,
        "Latent variables per place and level: how much the network can tell about what is there.",
        ge=1,
        le=256,
        advanced=True,
    )
    learning_rate: float | None = setting(
        None,
        "First step size of the optimiser; it falls to zero over the training; unset: 0.001. Twice "
        "as much learns faster, but now and then diverges for a while.",
        gt=0,
        le=1,
        step=1e-4,
        advanced=True,
    )
    # With anything but 1 the samples are no longer those of the posterior.
    kl_weight: float = setting(
        1.0,
        "Weight of what the latents tell against how well the result fits: 1 is Bayes' rule, more "
        "gives smoother results and samples that differ more.",
        gt=0,
        le=100,
        step=0.1,
        advanced=True,
    )
    gain: Gain = None
    offset: Offset = 0.0
    read_noise: ReadNoise = 0.0

    def batch(self, sampler: PatchSampler, rng: np.random.Generator) -> Batch:
        # The network draws latents: its seed comes from here, so that a batch is the same again.
        return replace(sampler.draw(self.batch_size, rng), seed=int(rng.integers(2**31)))


def _farthest_drawn(factors: tuple[int, ...]) -> int:
    """The halo of a ladder along one axis."""
    halo = 0
    for place in range(prod(factors)):
        # Two convolutions of width 3 behind the finest level see two pixels further.
        low, high = _drawn_from((place - 2) // factors[0], (place + 2) // factors[0], factors, 0)
        halo = max(halo, place - low, high - place)
    return halo


def _drawn_from(low: int, high: int, factors: tuple[int, ...], level: int) -> tuple[int, int]:
    """First and last pixel that decide on features low to high of a ladder's level."""
    # A convolution tells the latents, two merge them.
    low, high = low - 3, high + 3
    first, last = low, high
    for factor in factors[level::-1]:
        # Two convolutions on the way down, at each level and at full size.
        first, last = (first - 2) * factor, (last + 2) * factor + factor - 1
    first, last = first - 2, last + 2
    if level + 1 < len(factors):
        factor = factors[level + 1]
        above = _drawn_from(low // factor, high // factor, factors, level + 1)
        first, last = min(first, above[0]), max(last, above[1])
    return first, last
