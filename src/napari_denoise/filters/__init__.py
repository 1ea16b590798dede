"""Classical filters: no training, no model."""

from napari_denoise.filters.bm3d import BM3D, BM4D
from napari_denoise.filters.deconvolution import RichardsonLucy
from napari_denoise.filters.edge_preserving import (
    AnisotropicDiffusion,
    Bilateral,
    NonLocalMeans,
    TotalVariation,
)
from napari_denoise.filters.smoothing import Box, Gaussian, Median
from napari_denoise.filters.transform_domain import Butterworth, Wavelet, Wiener

__all__ = [
    "BM3D",
    "BM4D",
    "AnisotropicDiffusion",
    "Bilateral",
    "Box",
    "Butterworth",
    "Gaussian",
    "Median",
    "NonLocalMeans",
    "RichardsonLucy",
    "TotalVariation",
    "Wavelet",
    "Wiener",
]
