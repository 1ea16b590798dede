"""Noise: simulated on clean images."""

from napari_denoise.noise.simulate import (
    GaussianNoise,
    NoiseModel,
    PoissonNoise,
    Simulated,
    add_noise,
)

__all__ = ["GaussianNoise", "NoiseModel", "PoissonNoise", "Simulated", "add_noise"]
