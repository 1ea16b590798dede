"""Classical filters: no training, no model."""

from __future__ import annotations

from napari_denoise.core.denoiser import Denoiser
from napari_denoise.core.settings import class_named
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
    "FILTERS",
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
    "filter_class",
]

FILTERS: tuple[type[Denoiser], ...] = (
    Gaussian,
    Median,
    Box,
    Bilateral,
    NonLocalMeans,
    TotalVariation,
    AnisotropicDiffusion,
    Wavelet,
    Wiener,
    Butterworth,
    BM3D,
    BM4D,
    RichardsonLucy,
)
"""In the order in which they are offered."""


def filter_class(name: str) -> type[Denoiser]:
    """The classical filter called `name`; SettingsError if there is none."""
    return class_named(FILTERS, name, "filter")
