"""Classical filters: no training, no model."""

from napari_denoise.filters.smoothing import Box, Gaussian, Median

__all__ = ["Box", "Gaussian", "Median"]
