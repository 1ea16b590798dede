"""A network that answers with a sharp image, and the microscope's blur behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.progress import Job, Progress, run
from napari_denoise.learning.networks.base import Network
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
        return run(self.steps(batch))

    def steps(self, batch: Tensor) -> Job[Tensor]:
        """The sharp image, normalised ``NC(Z)YX``; as :meth:`UNet.steps`."""
        return (yield from self.sharp.steps(batch))

    def blur(self, batch: Tensor) -> Tensor:
        """What the microscope makes of sharp images ``NC(Z)YX``, whose last pixels go on."""
        return run(self.blurring(batch))

    def blurring(self, batch: Tensor) -> Job[Tensor]:
        """As :meth:`blur`, a job that reports after each axis, so that it can be cancelled.

        By way of the spectrum, where a large PSF takes no longer than a small one.
        """
        ends = [end for size in self.psf.shape[::-1] for end in (size // 2, size // 2)]
        # In float32: half precision would not add up that many numbers.
        padded = F.pad(batch.float(), ends, mode="replicate")
        sizes = padded.shape[2:]
        outer = range(2, batch.ndim - 1)
        spectrum = torch.fft.rfft(padded, n=sizes[-1])
        for i in outer:
            yield Progress(fraction=(i - 1) / (2 * len(sizes)))
            spectrum = torch.fft.fft(spectrum, n=sizes[i - 2], dim=i)
        spectrum = spectrum * torch.fft.rfftn(self.psf, s=sizes)
        for i in reversed(outer):
            yield Progress(fraction=1 - (i - 1) / (2 * len(sizes)))
            spectrum = torch.fft.ifft(spectrum, dim=i)
        yield Progress(fraction=1 - 1 / (2 * len(sizes)))
        blurred: Tensor = torch.fft.irfft(spectrum, n=sizes[-1])
        # The product wraps around: what has not is at the end.
        whole = (slice(size - 1, None) for size in self.psf.shape)
        return blurred[(slice(None), slice(None), *whole)]
