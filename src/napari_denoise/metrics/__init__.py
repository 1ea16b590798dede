"""Numbers that say how good an image is."""

from napari_denoise.metrics.reference import Scores, compare, nrmse, psnr, ssim

__all__ = ["Scores", "compare", "nrmse", "psnr", "ssim"]
