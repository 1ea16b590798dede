"""Numbers that say how good an image is.

To add a metric: a module here that ends with a :class:`Metric`, one line in :data:`METRICS` below,
and a test. The Compare dock's table, the command line and its help follow.
"""

from napari_denoise.metrics.checkerboard import CHECKERBOARD, checkerboard_score_job
from napari_denoise.metrics.fourier_rings import FourierCorrelation
from napari_denoise.metrics.j_invariance import (
    J_INVARIANCE,
    JInvariantError,
    j_invariant_error_job,
)
from napari_denoise.metrics.metric import Metric, Quantity, Scene
from napari_denoise.metrics.microssim import micro_ssim
from napari_denoise.metrics.pairs import Difference, difference_job
from napari_denoise.metrics.photometry import PHOTOMETRY, Photometry, check_photometry_job
from napari_denoise.metrics.pixel_sums import nrmse, psnr, si_psnr, snr
from napari_denoise.metrics.reference import (
    EXTENDED,
    SCORES,
    compare_job,
    compare_planes_job,
)
from napari_denoise.metrics.residual import RESIDUAL, ResidualStatistics, analyse_residual_job
from napari_denoise.metrics.resolution import (
    RESOLUTION,
    fourier_correlation_job,
    split_fourier_correlation_job,
)
from napari_denoise.metrics.scores import PlaneScores, Scores
from napari_denoise.metrics.ssim import ms_ssim, ssim, ssim_map_job

__all__ = [
    "EXTENDED",
    "METRICS",
    "QUANTITIES",
    "SCORES",
    "Difference",
    "FourierCorrelation",
    "JInvariantError",
    "Metric",
    "Photometry",
    "PlaneScores",
    "Quantity",
    "ResidualStatistics",
    "Scene",
    "Scores",
    "analyse_residual_job",
    "check_photometry_job",
    "checkerboard_score_job",
    "compare_job",
    "compare_planes_job",
    "difference_job",
    "fourier_correlation_job",
    "j_invariant_error_job",
    "micro_ssim",
    "ms_ssim",
    "nrmse",
    "psnr",
    "si_psnr",
    "snr",
    "split_fourier_correlation_job",
    "ssim",
    "ssim_map_job",
]

METRICS: tuple[Metric, ...] = (
    SCORES,
    PHOTOMETRY,
    RESIDUAL,
    CHECKERBOARD,
    RESOLUTION,
    J_INVARIANCE,
)
"""Everything that can be measured, in the order in which it is done."""

QUANTITIES: tuple[Quantity, ...] = tuple(
    sorted((q for metric in METRICS for q in metric.quantities), key=lambda q: not q.is_main)
)
"""All numbers there are, in the order in which they are shown: those shown always come first."""
