"""Every way in which intensities become what a network sees."""

from napari_denoise.learning.normalization.base import Normalization

__all__ = ["Normalization"]
