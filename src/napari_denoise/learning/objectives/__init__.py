"""How each kind of network learns, and how its answer becomes an image."""

from __future__ import annotations

import torch

from napari_denoise.learning.config import IDR, PN2V, DecoNoising, DivNoising, TrainingMethod
from napari_denoise.learning.detectors.camera import Camera
from napari_denoise.learning.detectors.detector import Detector
from napari_denoise.learning.light import Light
from napari_denoise.learning.normalization import Normalization
from napari_denoise.learning.normalizations import AnyNormalization
from napari_denoise.learning.objectives.blurred import BlurredRegression
from napari_denoise.learning.objectives.objective import Objective
from napari_denoise.learning.objectives.posterior import (
    CountRegression,
    GaussianPrior,
    SampledPrior,
)
from napari_denoise.learning.objectives.regression import Regression
from napari_denoise.learning.objectives.sampling import Sampling
from napari_denoise.learning.objectives.stabilized import StabilizedRegression

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
