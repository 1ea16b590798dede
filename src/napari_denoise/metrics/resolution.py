"""Resolution as the finest detail that two images of the same scene agree on.

Fourier ring correlation in planes, Fourier shell correlation in volumes; from two independent
exposures, or from one that is split. Neither knows signal from correlated noise, so a denoised
image is measured against a second, independently denoised exposure or not at all.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from scipy import fft

from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.metrics.fourier_rings import (
    FourierCorrelation,
    Rings,
    Spectrum,
    Values,
)
from napari_denoise.metrics.metric import Metric, Quantity, Scene
from napari_denoise.metrics.pairs import check_image, check_pair, to_double

__all__ = [
    "RESOLUTION",
    "fourier_correlation_job",
    "split_fourier_correlation_job",
]

_MIN_SIZE = 16
"""Pixels along Y and X: with fewer there are fewer than eight rings."""

_N_THREADS = os.cpu_count() or 1

_NOTHING: Values = np.zeros((3, 1))


def fourier_correlation_job(
    first: Any,
    second: Any,
    *,
    pixel_size_um: float | Sequence[float],
    n_spatial: int | None = None,
) -> Job[FourierCorrelation]:
    """Fourier ring or shell correlation of two independent exposures [1]_ [2]_ [3]_.

    Parameters
    ----------
    first, second : array-like, ``(...)YX`` or ``(...)ZYX``, same shape
        The same scene with independent noise. May be lazy.
    pixel_size_um : float or sequence of float
        Size of a pixel in µm, one for all spatial axes or one for each.
    n_spatial : {2, 3}, optional
        How many of the last axes are space: rings in planes or shells in volumes; all axes if
        not given. Planes or volumes along the others are read one at a time, and each ring is
        correlated over all of them.

    Returns
    -------
    FourierCorrelation

    Raises
    ------
    InputError
        If the shapes differ, an image is smaller than 16 pixels or not finite, or has other axes.
    SettingsError
        If a pixel size is not positive, or their number not that of the spatial axes.

    References
    ----------
    .. [1] Saxton & Baumeister 1982, doi:10.1111/j.1365-2818.1982.tb00405.x
    .. [2] Banterle et al. 2013, doi:10.1016/j.jsb.2013.05.004
    .. [3] Nieuwenhuizen et al. 2013, doi:10.1038/nmeth.2448
    """
    images = check_pair(first, second, ("The first image", "the second one"))
    size_um = _check(images[0], pixel_size_um, n_spatial)
    shape = images[0].shape[-len(size_um) :]
    places = list(np.ndindex(images[0].shape[: -len(size_um)]))
    rings, sums = Rings.of(shape, size_um), _NOTHING
    for i, place in enumerate(places):
        done = i / len(places), (i + 0.4) / len(places), (i + 0.8) / len(places)
        one = yield from nested(_transform(to_double(images[0][place])), *done[:2])
        other = yield from nested(_transform(to_double(images[1][place])), *done[1:])
        job = rings.agreement(one, other)
        sums = sums + (yield from nested(job, done[2], (i + 1) / len(places)))
    return rings.curve(sums, n_exposures=1)


def split_fourier_correlation_job(
    image: Any,
    *,
    pixel_size_um: float | Sequence[float],
    n_spatial: int | None = None,
) -> Job[FourierCorrelation]:
    """Fourier ring or shell correlation from one image, split like a checkerboard [1]_.

    Each plane gives four images of every second pixel; those that lie diagonally are correlated
    after their shift of one pixel is undone. A quarter of the pixels has a quarter of the
    signal-to-noise ratio, which is accounted for as for half data sets [2]_, so that the result
    is that of two full exposures. Noise must be independent from pixel to pixel, and detail
    finer than four pixels cannot be told.

    Parameters
    ----------
    image : array-like, ``(...)YX`` or ``(...)ZYX``
        May be lazy.
    pixel_size_um, n_spatial
        As for :func:`fourier_correlation_job`.

    Returns
    -------
    FourierCorrelation

    Raises
    ------
    InputError
        If the image is smaller than 16 pixels or not finite, or has other axes.
    SettingsError
        As for :func:`fourier_correlation_job`.

    References
    ----------
    .. [1] Koho et al. 2019, doi:10.1038/s41467-019-11024-z
    .. [2] Rosenthal & Henderson 2003, doi:10.1016/j.jmb.2003.07.013
    """
    image = check_image(image)
    size_um = _check(image, pixel_size_um, n_spatial)
    rows, columns = (size // 2 * 2 for size in image.shape[-2:])
    step = (*size_um[:-2], 2 * size_um[-2], 2 * size_um[-1])
    depth = image.shape[-len(size_um) : -2]
    rings, sums = Rings.of((*depth, rows // 2, columns // 2), step), _NOTHING
    places = list(np.ndindex(image.shape[: -len(size_um)]))
    for i, place in enumerate(places):
        even = to_double(image[place])[..., :rows, :columns]
        for column in (0, 1):
            start, middle, stop = ((i + (column + x) / 2) / len(places) for x in (0, 0.5, 1))
            upper = yield from nested(_transform(even[..., ::2, column::2]), start, middle)
            job = _transform(even[..., 1::2, 1 - column :: 2])
            lower = yield from nested(job, middle, stop)
            # The diagonal neighbour: one pixel down, and one to the right or to the left.
            shift = (size_um[-2], size_um[-1] * (1 - 2 * column))
            agreement = rings.agreement(upper, rings.shifted(lower, shift))
            sums = sums + (yield from nested(agreement, stop, stop))
    return rings.curve(sums, n_exposures=4)


def _check(
    image: Any, pixel_size_um: float | Sequence[float], n_spatial: int | None
) -> tuple[float, ...]:
    """The size of a pixel along each spatial axis, if image and sizes can be used."""
    n_axes = n_spatial or len(image.shape)
    if n_axes not in {2, 3} or len(image.shape) < n_axes:
        raise InputError(
            f"The image has {len(image.shape)} axes. Choose one plane YX or one volume ZYX."
        )
    if min(image.shape[-2:]) < _MIN_SIZE:
        raise InputError(
            f"The image has planes of {image.shape[-2]} × {image.shape[-1]} pixels; at least "
            f"{_MIN_SIZE} × {_MIN_SIZE} are needed to tell resolution. Choose a larger region."
        )
    sizes = np.atleast_1d(np.asarray(pixel_size_um, dtype=np.float64))
    sizes = np.repeat(sizes, n_axes) if sizes.size == 1 else sizes
    if len(sizes) != n_axes or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise SettingsError(
            f"A pixel size of {pixel_size_um} µm cannot be used for {n_axes} axes. Give one "
            f"positive number, or one for each axis."
        )
    return tuple(sizes.tolist())


def _transform(image: Values) -> Job[Spectrum]:
    """Spectrum under a Hann window, without which the borders would agree; an axis at a time."""
    # The mean first: the window would make a peak of it that spreads over the lowest rings.
    weighted = image - image.mean()
    for axis, size in enumerate(image.shape):
        window = np.hanning(size + 2)[1:-1]  # without its zeros, which would waste two pixels
        weighted *= window.reshape((-1,) + (1,) * (image.ndim - 1 - axis))
    yield Progress(fraction=0.2, message="transforming")
    # Half the frequencies say all of a real image.
    spectrum: Spectrum = fft.rfft(weighted, workers=_N_THREADS)
    # Axis by axis, with a look at Cancel in between: a volume at once takes long.
    for axis in reversed(range(image.ndim - 1)):
        yield Progress(fraction=0.5)
        spectrum = fft.fft(spectrum, axis=axis, overwrite_x=True, workers=_N_THREADS)
    yield Progress(fraction=1.0)
    return spectrum


def _start(scene: Scene) -> Job[FourierCorrelation] | None:
    """With a clean image, or of a raw one alone: denoising correlates the noise of neighbours."""
    if scene.pixel_size_um is None:
        return None
    options: dict[str, Any] = {"pixel_size_um": scene.pixel_size_um, "n_spatial": 2}
    if scene.clean is not None:
        return fourier_correlation_job(scene.clean, scene.image, **options)
    return split_fourier_correlation_job(scene.image, **options) if scene.is_raw else None


def _words(found: FourierCorrelation) -> str:
    if math.isnan(found.resolution_um):
        return f"Resolution finer than {found.limit_um:.3g} µm, which is all that can be told"
    if math.isinf(found.resolution_um):
        return "Resolution: none, the images do not agree on any detail"
    return f"Resolution {found.resolution_um:.3g} µm (Fourier ring correlation of 1/7)"


RESOLUTION = Metric(
    "resolution",
    "the size of a pixel in µm, and a clean image unless the image is raw",
    _start,
    _words,
    (
        Quantity(
            "resolution_um",
            "FRC µm",
            "Finest period on which image and reference agree (Fourier ring correlation falls to "
            "1/7); without a reference, of a raw image alone. Lower is better.",
            attrgetter("resolution_um"),
        ),
    ),
    may_fail=True,
)
