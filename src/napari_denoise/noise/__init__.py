"""Noise: simulated on clean images, measured on noisy ones, stabilised to unit variance."""

from napari_denoise.noise.calibrate import Calibration, calibrate
from napari_denoise.noise.simulate import (
    GaussianNoise,
    NoiseModel,
    PoissonNoise,
    Simulated,
    add_noise,
)
from napari_denoise.noise.stabilize import GeneralizedAnscombe

__all__ = [
    "Calibration",
    "GaussianNoise",
    "GeneralizedAnscombe",
    "NoiseModel",
    "PoissonNoise",
    "Simulated",
    "add_noise",
    "calibrate",
]
