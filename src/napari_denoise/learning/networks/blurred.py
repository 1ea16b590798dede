"""A network that answers with a sharp image, and the microscope's blur behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_denoise.core.progress import Job, run
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.networks.execution.blur import blur_job
from napari_denoise.learning.networks.unet import UNet

if TYPE_CHECKING:
    from napari_denoise.learning.methods.deconoising import BlurredArchitecture

__all__ = ["BlurredNetwork"]


class BlurredNetwork(Network):
    """A U-Net that gives the image before the blur, and a PSF that is kept with its weights.

    After Goncharova et al. 2020, arXiv:2008.08414.

    Parameters
    ----------
    architecture : BlurredArchitecture
    rng : torch.Generator, optional
        For the first weights; a fixed seed if None.
    psf : Tensor, ``(Z)YX``, optional
        Of a sum of one; no blur if None.
    """

    architecture: BlurredArchitecture

    psf: Tensor

    def __init__(
        self,
        architecture: BlurredArchitecture,
        rng: torch.Generator | None = None,
        psf: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.sharp = UNet(architecture.sharp, rng)
        if psf is None:
            psf = torch.zeros(architecture.psf_size)
            psf[tuple(size // 2 for size in architecture.psf_size)] = 1.0
        self.register_buffer("psf", psf)

    def forward(self, batch: Tensor) -> Tensor:
        """The sharp image, ``NC(Z)YX`` and normalised as the noisy one that it is seen in."""
        sharp: Tensor = self.sharp(batch)
        return sharp

    def steps(self, batch: Tensor) -> Job[Tensor]:
        """As :meth:`forward`, layer by layer."""
        return self.sharp.steps(batch)

    def blur(self, batch: Tensor) -> Tensor:
        """What the microscope makes of sharp images ``NC(Z)YX``, whose last pixels go on."""
        return run(blur_job(batch, self.psf))
