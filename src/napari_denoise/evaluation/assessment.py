"""One image measured in every way that is asked for and possible."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.evaluation.blind_spot import denoiser_of, estimate_error
from napari_denoise.evaluation.quantities import Part
from napari_denoise.evaluation.scene import check_same_scene, is_raw, max_minus_min, stack_of
from napari_denoise.metrics import (
    BlindSpotError,
    FourierCorrelation,
    Photometry,
    PlaneScores,
    ResidualStatistics,
    analyse_residual,
    check_photometry,
    checkerboard_score,
    compare_planes,
    fourier_correlation,
    split_fourier_correlation,
)

__all__ = ["Assessment", "assess_job", "possible_parts"]

_EXTRAS = {Part.RESOLUTION, Part.BLIND_SPOT}
"""What may fail on an image that is otherwise fine."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found out about an image; None is what was not measured.

    Attributes
    ----------
    axes : str
        The axes before Y and X, which the places in `scores` count along.
    scores : PlaneScores or None
        Against the clean image.
    photometry : Photometry or None
        Against the noisy image.
    residual : ResidualStatistics or None
        Of the noisy image minus this one.
    checkerboard : float or None
        As :func:`~napari_denoise.metrics.checkerboard_score` gives it.
    resolution : FourierCorrelation or None
        With the clean image, or of a raw image alone.
    blind_spot : BlindSpotError or None
        Of the denoiser the image was made with.
    missing : dict of Part to str
        Why a part that was asked for could not be measured, in a sentence.
    """

    axes: str
    scores: PlaneScores | None = None
    photometry: Photometry | None = None
    residual: ResidualStatistics | None = None
    checkerboard: float | None = None
    resolution: FourierCorrelation | None = None
    blind_spot: BlindSpotError | None = None
    missing: dict[Part, str] = field(default_factory=dict)


def assess_job(
    image: Image,
    *,
    clean: Image | None = None,
    noisy: Image | None = None,
    data_range: float | None = None,
    parts: Collection[Part] = tuple(Part),
    is_extended: bool = True,
) -> Job[Assessment]:
    """Measure an image, a plane at a time.

    Parameters
    ----------
    image : Image
        What is measured.
    clean : Image, optional
        The same scene without noise.
    noisy : Image, optional
        What `image` was made from.
    data_range : float, optional
        As for :func:`~napari_denoise.metrics.psnr`; the clean image's maximum minus its minimum
        if not given.
    parts : collection of Part
        What to measure; what is not possible with the images given is left out.
    is_extended : bool
        Whether scores include MS-SSIM and MicroSSIM, for about twice the time.

    Raises
    ------
    InputError
        If shapes or scales differ, a pixel is not finite, or the data range is not positive.
    """
    for other in (clean, noisy):
        if other is not None:
            check_same_scene(image, other)
    if clean is not None and data_range is None and Part.SCORES in parts:
        data_range = yield from nested(max_minus_min(stack_of(clean).pixels), 0.0, 0.0)
    makers = _makers(image, clean, noisy, data_range, is_extended=is_extended)
    chosen = [part for part in makers if part in parts]
    found: dict[str, Any] = {}
    missing: dict[Part, str] = {}
    for i, part in enumerate(chosen):
        job = nested(makers[part](), i / len(chosen), (i + 1) / len(chosen))
        try:
            found[part.value] = yield from job
        except DenoiseError as error:
            if part not in _EXTRAS:
                raise
            missing[part] = str(error)
    return Assessment(stack_of(image).axes[:-2], **found, missing=missing)


def possible_parts(
    image: Image, *, clean: Image | None = None, noisy: Image | None = None
) -> tuple[Part, ...]:
    """What can be measured with these images."""
    return tuple(_makers(image, clean, noisy, None))


def _makers(
    image: Image,
    clean: Image | None,
    noisy: Image | None,
    data_range: float | None,
    *,
    is_extended: bool = True,
) -> dict[Part, Callable[[], Job[Any]]]:
    """A function that makes the job, for each part that is possible."""
    pixels = stack_of(image).pixels
    makers: dict[Part, Callable[[], Job[Any]]] = {}
    if clean is not None:
        reference = stack_of(clean).pixels
        options: dict[str, Any] = {"data_range": data_range or 0.0, "is_extended": is_extended}
        makers[Part.SCORES] = partial(compare_planes, reference, pixels, **options)
    if noisy is not None and noisy.pixels is not image.pixels:
        before = stack_of(noisy).pixels
        makers[Part.PHOTOMETRY] = partial(check_photometry, before, pixels)
        makers[Part.RESIDUAL] = partial(analyse_residual, before, pixels)
    makers[Part.CHECKERBOARD] = partial(checkerboard_score, pixels)
    if resolution := _resolution(image, clean):
        makers[Part.RESOLUTION] = resolution
    if noisy is not None and image.recipe is not None and denoiser_of(image.recipe):
        makers[Part.BLIND_SPOT] = partial(estimate_error, noisy, image.recipe)
    return makers


def _resolution(image: Image, clean: Image | None) -> Callable[[], Job[Any]] | None:
    """With a clean image, or of a raw one alone: denoising correlates the noise of neighbours."""
    stack = stack_of(image)
    sizes = stack.sizes_um("YX") or (clean and stack_of(clean).sizes_um("YX"))
    options: dict[str, Any] = {"pixel_size_um": sizes, "n_spatial": 2}
    if sizes and clean:
        return partial(fourier_correlation, stack_of(clean).pixels, stack.pixels, **options)
    if sizes and is_raw(image.recipe):
        return partial(split_fourier_correlation, stack.pixels, **options)
    return None
