"""How close an image comes to a clean one: the numbers of the whole, and of its parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["PlaneScores", "Scores"]


@dataclass(frozen=True, slots=True)
class Scores:
    """How close an image comes to a clean one.

    Attributes
    ----------
    psnr : float
        Peak signal-to-noise ratio over all pixels, in dB; infinite for equal images.
    ssim : float
        Structural similarity, mean over planes, 1 for equal images; NaN if the planes are
        smaller than its window of 11 pixels.
    nrmse : float
        Root mean square error over the root mean square of the clean image.
    data_range : float
        The range PSNR, SSIM and MS-SSIM are given for, in the image's units.
    si_psnr : float
        Scale-invariant PSNR over all pixels, in dB.
    snr : float
        Signal-to-noise ratio over all pixels, in dB.
    ms_ssim : float
        Multi-scale SSIM, mean over planes; NaN for planes of 160 pixels or fewer.
    micro_ssim : float
        MicroSSIM, mean over planes.
    """

    psnr: float
    ssim: float
    nrmse: float
    data_range: float
    si_psnr: float = math.nan
    snr: float = math.nan
    ms_ssim: float = math.nan
    micro_ssim: float = math.nan

    def summary(self) -> str:
        """The three best known, in a line."""
        return f"PSNR {self.psnr:.2f} dB   SSIM {self.ssim:.4f}   NRMSE {self.nrmse:.4f}"


@dataclass(frozen=True, slots=True)
class PlaneScores:
    """The scores of every plane, and of what planes make up together.

    Attributes
    ----------
    overall : Scores
        Of the whole image.
    planes : dict of index to Scores
        One for each plane, by its index along the axes before ``YX``.
    along : tuple of tuple of Scores
        For each of these axes, one per position: ``along[0][3]`` is the score of all planes
        whose first index is 3, such as a frame or a channel.
    """

    overall: Scores
    planes: dict[tuple[int, ...], Scores]
    along: tuple[tuple[Scores, ...], ...]
