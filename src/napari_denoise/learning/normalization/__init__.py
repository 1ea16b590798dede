"""Every way in which intensities become what a network sees."""

from __future__ import annotations

from napari_denoise.learning.normalization.camera import Camera
from napari_denoise.learning.normalization.light import Light
from napari_denoise.learning.normalization.linear import Normalization
from napari_denoise.learning.normalization.noise_model import Detector

__all__ = ["AnyNormalization"]

AnyNormalization = Normalization | Camera | Light | Detector
"""What a model file may hold."""
