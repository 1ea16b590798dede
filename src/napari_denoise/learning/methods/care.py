"""Methods that learn from two images of the same thing."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from napari_denoise.core.settings import setting
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.pairs import Repeats, check_repeats, check_target
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.methods.base import TrainingMethod
from napari_denoise.learning.networks.architecture import (
    N_PLANES,
    InstantArchitecture,
    UNetArchitecture,
)
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.normalization.linear import LinearNormalization
from napari_denoise.noise.simulation.base import Noise
from napari_denoise.noise.simulation.composite import AnyNoise

__all__ = ["CARE", "N2N", "PairedMethod"]


class PairedMethod(TrainingMethod):
    """A method that learns from pairs: each image has a second one of the same thing."""

    strategy_class: ClassVar[str] = "napari_denoise.learning.losses.even_noise:FromInstant"
    built_of = ((UNetArchitecture, LinearNormalization), (InstantArchitecture, CameraNormalization))
    # What the pairs are is a matter of the images.
    may_change: ClassVar[frozenset[str]] = TrainingMethod.may_change | {"repeats", "noise"}

    # From the instant denoiser 100 steps are worth 1000 from scratch or more, at a third of the
    # time all in all (docs/benchmarks.md, pairs).
    n_steps: int = setting(
        300,
        "Training steps; one step looks at one batch of patches. From scratch take some thousand.",
        ge=1,
        le=1_000_000,
        step=100,
    )
    start: Literal["instant", "scratch"] = setting(
        "instant",
        "Begin with the instant denoiser, which knows much already, or with a fresh network.",
    )
    depth: int = setting(
        2,
        "From scratch only: how often the network halves the image; each one doubles how far it "
        "sees.",
        ge=1,
        le=5,
        advanced=True,
    )
    n_features: int | None = setting(
        None,
        "From scratch only: feature maps in the network's first layer; unset: 32 for planes, 16 "
        "for volumes.",
        ge=4,
        le=256,
        step=8,
        advanced=True,
    )

    @property
    def learns_from_pairs(self) -> bool:
        return True

    def first_step_size(self) -> float:
        # What the instant denoiser knows must not be lost to large steps.
        return self.learning_rate or {"instant": 3e-4, "scratch": 1e-3}[self.start]

    def _check_target(self, image: TrainingImage) -> None:
        check_target(image, self.title)

    def _default_patch_size(self, n_spatial: int) -> tuple[int, ...]:
        if self.start == "scratch":
            return super()._default_patch_size(n_spatial)
        # It sees farther than a fresh network, and looks at a few planes to clean the middle one.
        return (*(N_PLANES[3],) * (n_spatial - 2), 96, 96)


class N2N(PairedMethod):
    """Noise2Noise: learns from two noisy images of the same thing, one to see, one to predict."""

    title: ClassVar[str] = "Noise2Noise"
    citation: ClassVar[str] = "Lehtinen et al. 2018, arXiv:1803.04189"

    name: Literal["n2n"] = "n2n"
    repeats: Literal["T", "S"] | None = setting(
        None,
        "Axis along which the same thing was recorded again and again, with new noise. Unset: "
        "each image has a second one.",
    )
    pairing: Literal["any", "even_odd"] = setting(
        "any",
        "Which frames along that axis are a pair: any two, if nothing moves or fades; or each even "
        "one and the odd one after it, if things move, but hardly from frame to frame.",
    )

    def paired_frames(self) -> Repeats | None:
        return Repeats(self.repeats, self.pairing) if self.repeats else None

    def targets_in_words(self) -> str:
        if self.repeats:
            return ""
        return (
            "Targets: for each image another noisy one of the same thing, pixel on pixel. Or "
            "choose the axis of the repeats above."
        )

    def batch(self, sampler: PatchSampler, rng: np.random.Generator) -> Batch:
        pairs = sampler.draw(self.batch_size, rng)
        # Either may be the one that is seen: if one is a little brighter, the result is not.
        swap = rng.integers(2, size=(self.batch_size, *(1,) * (pairs.input.ndim - 1))) > 0
        return Batch(
            input=np.where(swap, pairs.target, pairs.input),
            target=np.where(swap, pairs.input, pairs.target),
            mask=pairs.mask,
        )

    def _check_target(self, image: TrainingImage) -> None:
        if self.repeats:
            check_repeats(image, self.repeats)
        else:
            super()._check_target(image)


class CARE(PairedMethod):
    """CARE: learns from pairs of a noisy and a clean image, such as a short and a long exposure.

    Where there are clean images only, noise is added to them.
    """

    title: ClassVar[str] = "CARE"
    citation: ClassVar[str] = "Weigert et al. 2018, doi:10.1038/s41592-018-0216-7"

    name: Literal["care"] = "care"
    noise: AnyNoise | None = setting(
        None,
        "Noise to add to images that are clean, new in every step; there is no target then. "
        "Unset: the images are noisy, and each has a clean target.",
        hidden=True,
    )

    def targets_in_words(self) -> str:
        if self.noise:
            return ""
        return "Targets: for each image a clean one of the same thing, pixel on pixel."

    def simulated_noise(self) -> Noise | None:
        return self.noise
