"""Noise: simulated on clean images, measured on noisy ones, stabilised to unit variance."""

from napari_denoise.noise.calibrate import calibrate
from napari_denoise.noise.calibration import Calibration
from napari_denoise.noise.camera import CameraNoise, ScmosNoise
from napari_denoise.noise.composite import Composite
from napari_denoise.noise.model import NoiseModel, Recording
from napari_denoise.noise.models import (
    Bleaching,
    CorrelatedNoise,
    GaussianNoise,
    PoissonNoise,
    SaltAndPepperNoise,
    SpeckleNoise,
    StripeNoise,
)
from napari_denoise.noise.presets import PRESETS, Preset, preset
from napari_denoise.noise.repeats import calibrate_repeats
from napari_denoise.noise.simulate import (
    Simulated,
    add_noise,
    add_noise_to_plane,
    dose_series,
    measure_range,
)
from napari_denoise.noise.stabilize import GeneralizedAnscombe

__all__ = [
    "PRESETS",
    "Bleaching",
    "Calibration",
    "CameraNoise",
    "Composite",
    "CorrelatedNoise",
    "GaussianNoise",
    "GeneralizedAnscombe",
    "NoiseModel",
    "PoissonNoise",
    "Preset",
    "Recording",
    "SaltAndPepperNoise",
    "ScmosNoise",
    "Simulated",
    "SpeckleNoise",
    "StripeNoise",
    "add_noise",
    "add_noise_to_plane",
    "calibrate",
    "calibrate_repeats",
    "dose_series",
    "measure_range",
    "preset",
]
