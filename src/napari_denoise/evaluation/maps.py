"""Where an image is right and where not: differences and similarity, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job
from napari_denoise.core.settings import Settings
from napari_denoise.evaluation.scene import check_same_scene, restored, stack_of
from napari_denoise.metrics import Difference, difference_job, ssim_map_job

__all__ = ["Map", "MapKind", "MapSettings", "draw_map_job"]


# A hot pixel or two would otherwise make everything else grey.
_SHOWN = 0.998
# More pixels would tell the quantile no better, and sorting them takes time.
_MAX_SAMPLE = 2**20


class MapKind(StrEnum):
    """What a map shows."""

    DIFFERENCE = "difference"
    ERROR = "error"
    SSIM = "ssim"
    RESIDUAL = "residual"

    @property
    def needs_noisy(self) -> bool:
        """Whether it is drawn against the noisy image; against the clean one otherwise."""
        return self is MapKind.RESIDUAL


class MapSettings(Settings):
    """What a map was drawn of, for its recipe."""

    name: MapKind
    other: str = ""
    """The image that it was drawn against."""
    data_range: float | None = None
    """For SSIM."""


@dataclass(frozen=True, slots=True)
class Map:
    """A number for every pixel.

    Attributes
    ----------
    pixels : array, axes and shape of the image, float32
        In the image's units; SSIM has none.
    limits : tuple of float
        Ends of the range; symmetric around zero where the sign counts.
    contrast : tuple of float
        The same without the two in a thousand pixels that lie farthest out.
    """

    pixels: FloatArray
    limits: tuple[float, float]
    contrast: tuple[float, float]


def draw_map_job(kind: MapKind, image: Image, other: Image, *, data_range: float = 0.0) -> Job[Map]:
    """Draw a map of an image, a plane at a time.

    Parameters
    ----------
    kind : MapKind
        The difference ``image - other``, its absolute value, the SSIM, or the residual
        ``other - image``.
    image, other : Image
        `other` is the noisy image for a residual, else the clean one.
    data_range : float
        For SSIM: as for :func:`~napari_denoise.metrics.ssim`.

    Raises
    ------
    InputError
        If the images do not show the same scene, a pixel is not finite, or the data range is
        needed and not positive.
    """
    check_same_scene(image, other)
    first, second = stack_of(image).pixels, stack_of(other).pixels
    if kind is MapKind.SSIM:
        similarity = yield from ssim_map_job(second, first, data_range=data_range)
        return Map(restored(similarity, image), (0.0, 1.0), (0.0, 1.0))
    if kind is MapKind.RESIDUAL:
        first, second = second, first
    found = yield from difference_job(first, second)
    return _map_of(found, image, has_sign=kind is not MapKind.ERROR)


def _map_of(found: Difference, image: Image, *, has_sign: bool) -> Map:
    """A map of a difference, or of its absolute value; equal images have a range too."""
    step = max(1, found.image.size // _MAX_SAMPLE)
    sample = np.abs(found.image.ravel()[::step])
    # Symmetric around zero where the sign counts, so that grey is "no difference".
    limit = found.limit or 1.0  # napari refuses an empty contrast range
    shown = float(np.quantile(sample, _SHOWN)) or limit
    # In place: the map of a large stack is as large as the stack.
    pixels = found.image if has_sign else np.abs(found.image, out=found.image)
    low = -1.0 if has_sign else 0.0
    return Map(restored(pixels, image), (low * limit, limit), (low * shown, shown))
