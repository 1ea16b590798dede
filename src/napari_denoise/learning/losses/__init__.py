"""How each kind of network learns, and how its answer becomes an image."""

from __future__ import annotations

import torch

from napari_denoise.learning.losses.base import Objective
from napari_denoise.learning.losses.blurred import BlurredRegression
from napari_denoise.learning.losses.even_noise import StabilizedRegression
from napari_denoise.learning.losses.posterior import (
    CountRegression,
    GaussianPrior,
    SampledPrior,
)
from napari_denoise.learning.losses.regression import Regression
from napari_denoise.learning.losses.sampling import Sampling
from napari_denoise.learning.methods import IDR, PN2V, DecoNoising, DivNoising, TrainingMethod
from napari_denoise.learning.normalization import AnyNormalization
from napari_denoise.learning.normalization.camera import Camera
from napari_denoise.learning.normalization.light import Light
from napari_denoise.learning.normalization.linear import Normalization
from napari_denoise.learning.normalization.noise_model import Detector

__all__ = ["Objective", "make_objective"]


def make_objective(
    method: TrainingMethod, normalization: AnyNormalization, device: torch.device
) -> Objective:
    """The objective of a method whose network sees images normalised in this way."""
    match method, normalization:
        case DecoNoising(), Light():
            return BlurredRegression(normalization, method.positivity, device)
        case PN2V(), Detector():
            prior = {"gaussian": GaussianPrior, "samples": SampledPrior}[method.prior]
            return prior(normalization, device)
        case DivNoising(), Camera():
            return Sampling(normalization, method.kl_weight, device)
        case IDR(), Detector():
            return CountRegression(normalization, device)
        case _, Normalization():
            return Regression(normalization, device)
        case _, Camera():
            return StabilizedRegression(normalization, device)
    raise NotImplementedError(type(normalization).__name__)
