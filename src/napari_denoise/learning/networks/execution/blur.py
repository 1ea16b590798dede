"""The microscope's blur, by way of the spectrum, axis by axis."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.progress import Job, Progress

__all__ = ["blur_job"]


def blur_job(batch: Tensor, psf: Tensor) -> Job[Tensor]:
    """Convolve with a PSF, a job that reports after each axis, so that it can be cancelled.

    By way of the spectrum a large PSF takes no longer than a small one.

    Parameters
    ----------
    batch : Tensor, axes NC(Z)YX
        Its last pixels go on beyond its ends.
    psf : Tensor, axes (Z)YX
        Of odd sizes.

    Returns
    -------
    Tensor, axes NC(Z)YX, float32
    """
    ends = [end for size in psf.shape[::-1] for end in (size // 2, size // 2)]
    # In float32: half precision would not add up that many numbers.
    padded = F.pad(batch.float(), ends, mode="replicate")
    sizes = padded.shape[2:]
    outer = range(2, batch.ndim - 1)
    spectrum = torch.fft.rfft(padded, n=sizes[-1])
    for i in outer:
        yield Progress(fraction=(i - 1) / (2 * len(sizes)))
        spectrum = torch.fft.fft(spectrum, n=sizes[i - 2], dim=i)
    spectrum = spectrum * torch.fft.rfftn(psf, s=sizes)
    for i in reversed(outer):
        yield Progress(fraction=1 - (i - 1) / (2 * len(sizes)))
        spectrum = torch.fft.ifft(spectrum, dim=i)
    yield Progress(fraction=1 - 1 / (2 * len(sizes)))
    blurred: Tensor = torch.fft.irfft(spectrum, n=sizes[-1])
    # The product wraps around: what has not is at the end.
    whole = (slice(size - 1, None) for size in psf.shape)
    return blurred[(slice(None), slice(None), *whole)]
