"""Noise: simulated on clean images, and stabilised to unit variance."""

from napari_denoise.noise.simulate import (
    GaussianNoise,
    NoiseModel,
    PoissonNoise,
    Simulated,
    add_noise,
)
from napari_denoise.noise.stabilize import GeneralizedAnscombe

__all__ = [
    "GaussianNoise",
    "GeneralizedAnscombe",
    "NoiseModel",
    "PoissonNoise",
    "Simulated",
    "add_noise",
]
