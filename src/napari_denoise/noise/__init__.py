"""Noise: simulated on clean images, measured on noisy ones, stabilised to unit variance."""

from napari_denoise.noise.calibration.channels import calibrate_channels_job
from napari_denoise.noise.calibration.repeats import calibrate_repeats_job
from napari_denoise.noise.calibration.result import Calibration
from napari_denoise.noise.calibration.single_image import calibrate_job
from napari_denoise.noise.camera import CameraModel
from napari_denoise.noise.simulation.base import Noise, Recording
from napari_denoise.noise.simulation.composite import Composite
from napari_denoise.noise.simulation.detectors import CameraNoise, ScmosNoise
from napari_denoise.noise.simulation.job import (
    Simulated,
    add_noise_job,
    add_noise_to_plane,
    dose_series_job,
    measure_range,
)
from napari_denoise.noise.simulation.kinds import (
    Bleaching,
    CorrelatedNoise,
    GaussianNoise,
    PoissonNoise,
    SaltAndPepperNoise,
    SpeckleNoise,
    StripeNoise,
)
from napari_denoise.noise.simulation.presets import PRESETS, Preset, preset

__all__ = [
    "PRESETS",
    "Bleaching",
    "Calibration",
    "CameraModel",
    "CameraNoise",
    "Composite",
    "CorrelatedNoise",
    "GaussianNoise",
    "Noise",
    "PoissonNoise",
    "Preset",
    "Recording",
    "SaltAndPepperNoise",
    "ScmosNoise",
    "Simulated",
    "SpeckleNoise",
    "StripeNoise",
    "add_noise_job",
    "add_noise_to_plane",
    "calibrate_channels_job",
    "calibrate_job",
    "calibrate_repeats_job",
    "dose_series_job",
    "measure_range",
    "preset",
]
