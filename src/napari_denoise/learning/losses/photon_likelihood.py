"""How likely the pixels that a camera recorded are, given what there was to record."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from napari_denoise.learning.normalization.camera import CameraNormalization

__all__ = ["PhotonLikelihood"]

_SOFTNESS = 0.5
"""Width, in units of the noise, of the bend by which a rate stays above zero."""

_LEAST = 0.05
"""Electrons that are added to all rates: it keeps the logarithm of darkness finite."""


@dataclass(frozen=True, slots=True)
class PhotonLikelihood:
    """Of Poisson noise with the camera's read noise counted as further, known electrons.

    Which is exact without read noise, and all but exact with much; and the best guess is the mean
    of what is recorded at any brightness, so that intensities are kept.

    Attributes
    ----------
    camera : CameraNormalization

    References
    ----------
    .. [1] Snyder, Hammoud & White 1993, doi:10.1364/JOSAA.10.001014
    """

    camera: CameraNormalization

    def intensities(self, values: Tensor) -> Tensor:
        """Intensities in DN of stabilised `values`."""
        if not self.camera.gain:
            return values * self.camera.unit + self.camera.offset
        return (_rate(values) - self._extra) * self.camera.unit + self.camera.offset

    def nll(self, values: Tensor, pixels: Tensor) -> Tensor:
        """Negative log-likelihood of `pixels` (DN), less that of a perfect prediction."""
        counts = (pixels - self.camera.offset) / self.camera.unit
        if not self.camera.gain:
            return (values - counts).square() / 2
        rate, counts = _rate(values), counts + self._extra
        # Read noise makes some counts negative, which have no logarithm: there the likelihood goes
        # on as a straight line, see the last term.
        positive = counts.clamp(min=_LEAST / 10)
        excess = (positive - rate) / rate
        # Written so that at many electrons small differences of large numbers do not drown.
        deviance = rate * ((1 + excess) * torch.log1p(excess) - excess)
        return deviance + (positive - counts) * rate.log()

    @property
    def _extra(self) -> float:
        """Read noise² in electrons², counted as electrons."""
        return self.camera.read_noise_electrons**2 + _LEAST


def _rate(values: Tensor) -> Tensor:
    """Electrons above zero, the read noise counted among them, of stabilised values."""
    return (values + (values.square() + _SOFTNESS**2).sqrt()).square() / 16
