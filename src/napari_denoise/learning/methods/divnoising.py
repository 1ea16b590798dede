"""Methods that learn what may be behind a noisy image, and can draw it again and again."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from napari_denoise.core.settings import setting
from napari_denoise.learning.methods.base import UNCERTAINTY, TrainingMethod

__all__ = ["SAMPLE", "SAMPLES", "DivNoising"]

SAMPLE, SAMPLES = "sample", "samples"
"""The outputs that are one, or several, of the images that may be behind the noisy one."""


class DivNoising(TrainingMethod):
    """DivNoising: learns the noisy images alone, and draws what may be behind one.

    A ladder of latent variables (hierarchical DivNoising); the camera's noise is measured on the
    images.
    """

    title: ClassVar[str] = "DivNoising"
    citation: ClassVar[str] = (
        "Prakash, Krull & Jug 2021, arXiv:2006.06072; Prakash et al. 2022, arXiv:2104.01374"
    )
    sees_channels_jointly: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ("image", UNCERTAINTY, SAMPLE, SAMPLES)

    name: Literal["divnoising"] = "divnoising"
    n_steps: int = setting(
        2000,
        "Training steps; one step looks at one batch of patches. Twice as many are still better.",
        ge=1,
        le=1_000_000,
        step=100,
    )
    depth: int = setting(
        3,
        "Levels of latent variables, each half as fine as the one before; more see farther.",
        ge=1,
        le=5,
        advanced=True,
    )
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
    kl_weight: float = setting(
        1.0,
        "Weight of what the latents tell against how well the result fits: 1 is Bayes' rule, more "
        "gives smoother results and samples that differ more.",
        gt=0,
        le=100,
        step=0.1,
        advanced=True,
    )
    gain: float | None = setting(
        None,
        "Intensity per photo-electron; the whole camera is measured on the images if left open.",
        unit="DN",
        ge=0,
        le=1e9,
        advanced=True,
    )
    offset: float = setting(
        0.0,
        "Intensity without light; measured if the gain is.",
        unit="DN",
        ge=-1e9,
        le=1e9,
        advanced=True,
    )
    read_noise: float = setting(
        0.0,
        "Noise without light; measured if the gain is.",
        unit="DN",
        ge=0,
        le=1e9,
        advanced=True,
    )

    def first_step_size(self) -> float:
        return self.learning_rate or 1e-3

    @model_validator(mode="after")
    def _has_noise(self) -> Self:
        if self.gain is not None and not self.gain + self.read_noise:
            raise ValueError("a camera needs a gain or a read noise above zero")
        return self
