"""A look at the intensities after denoising."""

from __future__ import annotations

from dataclasses import dataclass

from napari_denoise.core.denoiser import Denoised
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.evaluation.scene import stack_of
from napari_denoise.metrics import Photometry, check_photometry_job

__all__ = ["Checked", "checked_job"]

_SHARE = 0.9
"""Part of the work that denoising is; the rest reads both images once more."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A denoised image, and whether intensities may be measured on it.

    Attributes
    ----------
    denoised : Denoised
    photometry : Photometry or None
        None where the result cannot be checked.
    """

    denoised: Denoised
    photometry: Photometry | None


def checked_job(job: Job[Denoised], image: Image) -> Job[Checked]:
    """Run a denoising job, then check that its intensities are what they were.

    Parameters
    ----------
    job : generator
        Of :func:`~napari_denoise.core.denoiser.denoise_job`.
    image : Image
        What it denoises.

    Raises
    ------
    DenoiseError
        As the job does; the check never loses a result.
    """
    denoised = yield from nested(job, 0.0, _SHARE)
    # An uncertainty has other intensities than the image, and is right all the same.
    if not all(each.gives_image for each in denoised.fitted):
        return Checked(denoised, None)
    try:
        # Of several results along an axis of their own one stands for all.
        result = denoised.image.pixels
        result = result[0] if len(result.shape) > len(image.axes) else result
        before, after = stack_of(image).pixels, stack_of(image.with_pixels(result)).pixels
        checking = check_photometry_job(before, after, n_clipped=denoised.n_clipped)
        photometry = yield from nested(checking, _SHARE, 1.0, "checking intensities")
    except DenoiseError:
        # Too small, NaN, constant: the work of hours is not thrown away for a check.
        return Checked(denoised, None)
    return Checked(denoised, photometry)
