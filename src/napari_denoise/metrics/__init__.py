"""Numbers that say how good an image is."""

from napari_denoise.metrics.pairs import Difference, difference
from napari_denoise.metrics.photometry import Photometry, check_photometry
from napari_denoise.metrics.range_invariant import micro_ssim
from napari_denoise.metrics.reference import (
    PlaneScores,
    Scores,
    compare,
    compare_planes,
    nrmse,
    psnr,
    si_psnr,
    snr,
)
from napari_denoise.metrics.structure import ms_ssim, ssim, ssim_map

__all__ = [
    "Difference",
    "Photometry",
    "PlaneScores",
    "Scores",
    "check_photometry",
    "compare",
    "compare_planes",
    "difference",
    "micro_ssim",
    "ms_ssim",
    "nrmse",
    "psnr",
    "si_psnr",
    "snr",
    "ssim",
    "ssim_map",
]
