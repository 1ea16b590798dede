"""Classical filters: no training, no model."""

from napari_denoise.filters.edge_preserving import (
    AnisotropicDiffusion,
    Bilateral,
    NonLocalMeans,
    TotalVariation,
)
from napari_denoise.filters.smoothing import Box, Gaussian, Median

__all__ = [
    "AnisotropicDiffusion",
    "Bilateral",
    "Box",
    "Gaussian",
    "Median",
    "NonLocalMeans",
    "TotalVariation",
]
