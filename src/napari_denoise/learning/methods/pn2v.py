"""Probabilistic Noise2Void: what may be there, weighed by what the detector recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_denoise.core.settings import setting
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.masking import PERIOD, mask_pixels
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.methods.base import LEAN, UNCERTAINTY, TrainingMethod
from napari_denoise.learning.networks.architecture import Architecture, UNetArchitecture
from napari_denoise.learning.normalization.noise_model import NoiseModelNormalization
from napari_denoise.noise.camera import CameraSettings, Gain, Offset, ReadNoise
from napari_denoise.noise.noise_model import AnyNoiseModel
from napari_denoise.noise.simulation.base import Noise
from napari_denoise.noise.simulation.measured import MeasuredNoise

__all__ = ["IDR", "PN2V", "IDRRound", "ProbabilisticMethod"]


class ProbabilisticMethod(CameraSettings, TrainingMethod):
    """A method that is told how the detector's noise is distributed."""

    built_of = ((UNetArchitecture, NoiseModelNormalization),)

    # The camera: a histogram in its place changes nothing on two confocal images (33.83 and 31.09
    # dB).
    noise: Literal["camera", "mixture", "histogram"] = setting(
        "camera",
        "What is known of the noise: a camera's gain, offset and read noise; or its distribution "
        "at each brightness, as a sum of Gaussians or a histogram.",
    )
    calibration: Path | None = setting(
        None,
        "File with at least ten frames (axis T) of a sample that does not move, by the same "
        "detector, to measure the noise on. Unset: measured on the images themselves.",
    )
    gain: Gain = None
    offset: Offset = 0.0
    read_noise: ReadNoise = 0.0
    # Trade-off: more follow the noise more closely, and take more pixels to be fitted.
    n_gaussians: int = setting(
        3, "Gaussians that a mixture is made of.", ge=1, le=10, advanced=True
    )
    masked_pixel_percentage: float = setting(
        8.0,
        "Share of a patch's pixels that are masked and have to be predicted.",
        unit="%",
        gt=0,
        le=50,
        step=0.5,
        advanced=True,
    )

    def batch(self, sampler: PatchSampler, rng: np.random.Generator) -> Batch:
        drawn = sampler.draw(self.batch_size, rng)
        # Then the network is to undo noise that is known, and may see every pixel.
        if sampler.is_noise_added:
            return drawn
        return drawn.masked(*mask_pixels(drawn.input, self.masked_pixel_percentage, "mean", rng))


class PN2V(ProbabilisticMethod):
    """Probabilistic Noise2Void: tells what may be there, and weighs it by each pixel's own value.

    The network predicts each pixel from its neighbours alone, and how far off that may be. What
    is known of the noise then says how much the recorded value counts.
    """

    title: ClassVar[str] = "Probabilistic Noise2Void"
    outputs: ClassVar[tuple[str, ...]] = ("image", UNCERTAINTY, "prior")
    citation: ClassVar[str] = (
        "Krull et al. 2020, doi:10.3389/fcomp.2020.00005; Prakash et al. 2020, "
        "doi:10.1109/ISBI45749.2020.9098612; Laine et al. 2019, arXiv:1901.10277"
    )

    # A masked pixel is replaced by the mean of its neighbours, which lie a pixel beyond.
    margin: ClassVar[int] = 1
    # So that overlapping tiles mask the same pixels in the same turn.
    period: ClassVar[tuple[int, int, int]] = PERIOD

    strategy_class: ClassVar[str] = "napari_denoise.learning.losses.posterior:WithPrior"

    name: Literal["pn2v"] = "pn2v"
    # 36.50 dB on average after 800, 36.59 after 1600; fewer maps and larger steps, as Noise2Void
    # has them, stay at what 800 give (docs/benchmarks.md, "Probabilistic Noise2Void").
    n_steps: int = setting(
        1600,
        "Training steps; one step looks at one batch of patches.",
        ge=1,
        le=1_000_000,
        step=100,
    )
    prior: Literal["gaussian", "samples"] = setting(
        "gaussian",
        "How the network says what may be there: a mean and a standard deviation, or many "
        "samples (the original method, slower).",
    )
    # Trade-off: the memory of the last layer grows with them, and so does how finely a prior is
    # known.
    n_samples: int = setting(
        100, "Samples per pixel, for prior = samples.", ge=10, le=800, step=10, advanced=True
    )

    def network(self, n_channels: int, patch_size: tuple[int, ...]) -> Architecture:
        n_answers = {"gaussian": 2, "samples": self.n_samples}[self.prior]
        plain = super().network(n_channels, patch_size)
        return plain.model_copy(update={"n_answers": n_answers})


class IDR(ProbabilisticMethod):
    """Iterative data refinement: what a first network cleans, a next one learns to clean better.

    The first learns as Noise2Void does. Noise as the detector makes it is drawn anew on its
    result, and the next one learns to undo that, without a blind spot. As many steps each.
    """

    title: ClassVar[str] = "Iterative data refinement"
    citation: ClassVar[str] = "Zhang et al. 2022, arXiv:2111.14358"

    default_features: ClassVar[Mapping[int, int]] = LEAN
    default_step_size: ClassVar[float] = 2e-3

    strategy_class: ClassVar[str] = "napari_denoise.learning.training.refinement:Refinement"

    name: Literal["idr"] = "idr"
    # With 16 maps; 32 maps and 600 steps a round end at the same 34.04 dB on BPAE_G.
    n_steps: int = setting(
        1200,
        "Training steps of each round; one step looks at one batch of patches.",
        ge=1,
        le=1_000_000,
        step=100,
    )
    n_rounds: int = setting(2, "How often the result is learned from.", ge=0, le=10)
    noise: Literal["mixture", "histogram"] = setting(
        "histogram",
        "How the noise that is drawn is known: its distribution at each brightness, as a sum of "
        "Gaussians or a histogram.",
        advanced=True,
    )


class IDRRound(IDR):
    """One round of :class:`IDR`; those after the first have noise to draw.

    A file tells nothing of it: what an interrupted training goes on with is drawn again.
    """

    may_change: ClassVar[frozenset[str]] = IDR.may_change | {"drawn"}

    strategy_class: ClassVar[str] = "napari_denoise.learning.losses.posterior:WithDetector"

    # Not in files: it is measured anew, and is no setting that a user could read.
    drawn: AnyNoiseModel | None = Field(None, exclude=True)

    def first_step_size(self) -> float:
        # What a network has learned already must not be lost to large steps.
        return super().first_step_size() / (2 if self.drawn else 1)

    def simulated_noise(self) -> Noise | None:
        return None if self.drawn is None else MeasuredNoise(distribution=self.drawn)
