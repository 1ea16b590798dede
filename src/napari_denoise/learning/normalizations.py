"""Every way in which intensities become what a network sees."""

from __future__ import annotations

from napari_denoise.learning.detectors.camera import Camera
from napari_denoise.learning.detectors.detector import Detector
from napari_denoise.learning.light import Light
from napari_denoise.learning.normalization import Normalization

__all__ = ["AnyNormalization"]

AnyNormalization = Normalization | Camera | Light | Detector
"""What a model file may hold."""
