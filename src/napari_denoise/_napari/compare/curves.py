"""The curves of a comparison, as jobs: Fourier correlation, and profiles along a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_denoise._napari.compare.view import Points, Shown, Track
from napari_denoise.core.dtype import as_float32
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.metrics import (
    FourierCorrelation,
    fourier_correlation_job,
    split_fourier_correlation_job,
)

__all__ = ["Correlation", "Exposures", "Profile", "correlate", "profile"]


@dataclass(frozen=True, slots=True)
class Exposures:
    """What is correlated: an image with another, or with itself split in two."""

    name: str
    image: Shown
    other: Shown | None


@dataclass(frozen=True, slots=True)
class Correlation:
    """A Fourier correlation, in the unit of the image's pixels."""

    name: str
    unit: str
    found: FourierCorrelation


def correlate(exposures: Sequence[Exposures]) -> Job[tuple[Correlation, ...]]:
    """Correlate each pair, with the pixel as unit of length where its size is not known.

    Raises
    ------
    InputError
        If shapes differ, a plane is too small, or a pixel is not finite.
    """
    curves = []
    for i, each in enumerate(exposures):
        sizes = each.image.sizes
        if each.other is None:
            job = split_fourier_correlation_job(each.image.pixels, pixel_size_um=sizes)
        else:
            first, second = each.other.pixels, each.image.pixels
            job = fourier_correlation_job(first, second, pixel_size_um=sizes)
        share = i / len(exposures), (i + 1) / len(exposures)
        found = yield from nested(job, *share, f"Correlating {each.name}")
        curves.append(Correlation(each.name, each.image.unit, found))
    return tuple(curves)


@dataclass(frozen=True, slots=True)
class Profile:
    """Intensities along a line.

    Attributes
    ----------
    name : str
        Of the layer.
    distance : array
        From the line's start, in `unit`.
    values : array
        In the layer's units; NaN outside.
    """

    name: str
    distance: Points
    values: Points
    unit: str


def profile(planes: Sequence[tuple[str, Shown, Track]]) -> Job[tuple[Profile, ...]]:
    """Interpolate each plane linearly at the points of its track.

    Raises
    ------
    InputError
        If a pixel is not finite.
    """
    found = []
    for i, (name, shown, track) in enumerate(planes):
        yield Progress(fraction=i / len(planes), message=f"reading {name}")
        pixels = as_float32(np.asarray(shown.pixels), name)
        values = ndimage.map_coordinates(
            pixels, track.places.T, output=np.float64, order=1, cval=np.nan
        )
        found.append(Profile(name, track.distance, values, track.unit))
    return tuple(found)
