"""Numbers that say how good an image is."""

from napari_denoise.metrics.microssim import micro_ssim
from napari_denoise.metrics.no_reference import (
    BlindSpotError,
    ResidualStatistics,
    analyse_residual,
    blind_spot_error,
    checkerboard_score,
)
from napari_denoise.metrics.pairs import Difference, difference
from napari_denoise.metrics.photometry import Photometry, check_photometry
from napari_denoise.metrics.reference import (
    PlaneScores,
    Scores,
    compare_job,
    compare_planes,
    nrmse,
    psnr,
    si_psnr,
    snr,
)
from napari_denoise.metrics.resolution import (
    FourierCorrelation,
    fourier_correlation,
    split_fourier_correlation,
)
from napari_denoise.metrics.ssim import ms_ssim, ssim, ssim_map

__all__ = [
    "BlindSpotError",
    "Difference",
    "FourierCorrelation",
    "Photometry",
    "PlaneScores",
    "ResidualStatistics",
    "Scores",
    "analyse_residual",
    "blind_spot_error",
    "check_photometry",
    "checkerboard_score",
    "compare_job",
    "compare_planes",
    "difference",
    "fourier_correlation",
    "micro_ssim",
    "ms_ssim",
    "nrmse",
    "psnr",
    "si_psnr",
    "snr",
    "split_fourier_correlation",
    "ssim",
    "ssim_map",
]
