"""Simulated noise: what a detector would have recorded of a clean image.

Noise is drawn in double precision and cast at the end: rounded and saturated for integer
dtypes, never wrapped around, and the saturated pixels are counted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.errors import InputError
from napari_denoise.intensities import as_float32, cast_saturating, check_pixels
from napari_denoise.progress import Job, Progress
from napari_denoise.settings import Settings, setting

__all__ = ["GaussianNoise", "NoiseModel", "PoissonNoise", "Simulated", "add_noise"]

Pixels = npt.NDArray[np.float64]


class NoiseModel(Settings, ABC):
    """Settings of one kind of noise. A subclass adds a ``Literal`` field ``name``."""

    title: ClassVar[str]
    citation: ClassVar[str] = ""
    needs_peak: ClassVar[bool] = False
    """Whether :meth:`sample` depends on the brightest pixel of the whole image."""

    @abstractmethod
    def sample(self, clean: Pixels, peak: float, rng: np.random.Generator) -> Pixels:
        """One noisy version of `clean`, in the same units; `peak` is the whole image's maximum."""


class PoissonNoise(NoiseModel):
    """Shot noise: the photons of a pixel are counted, and few photons count badly."""

    title: ClassVar[str] = "Poisson (shot noise)"
    needs_peak: ClassVar[bool] = True

    name: Literal["poisson"] = "poisson"
    photons: float = setting(
        20.0,
        "Expected photons in the brightest pixel; an intensity of zero means no photon.",
        unit="photons",
        gt=0,
        le=1e9,
        step=5,
    )

    def sample(self, clean: Pixels, peak: float, rng: np.random.Generator) -> Pixels:
        if clean.min() < 0:
            raise InputError(
                f"The image has negative intensities (down to {clean.min():.6g}), which no photon "
                f"count can have. Subtract its offset first, or use Gaussian noise."
            )
        if peak <= 0:
            raise InputError(
                "The image is zero everywhere, so it has no brightest pixel to give photons to. "
                "Choose an image with signal."
            )
        dn_per_photon = peak / self.photons
        photons: Pixels = rng.poisson(clean / dn_per_photon).astype(np.float64)
        return photons * dn_per_photon


class GaussianNoise(NoiseModel):
    """Read noise: the same at every intensity."""

    title: ClassVar[str] = "Gaussian (read noise)"

    name: Literal["gaussian"] = "gaussian"
    sigma: float = setting(
        10.0, "Standard deviation, in the image's own intensity units.", ge=0, le=1e9, step=1
    )

    def sample(self, clean: Pixels, peak: float, rng: np.random.Generator) -> Pixels:
        del peak
        return clean + rng.normal(0.0, self.sigma, clean.shape)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What :func:`add_noise` returns.

    Attributes
    ----------
    image : array, same axes and units as the clean one
    n_clipped : int
        Pixels that did not fit into an integer dtype and were set to its end.
    """

    image: npt.NDArray[Any]
    n_clipped: int


def add_noise(
    noise: NoiseModel,
    image: Any,
    *,
    rng: np.random.Generator,
    dtype: npt.DTypeLike | None = None,
) -> Job[Simulated]:
    """Add noise to an image, plane by plane.

    Parameters
    ----------
    noise : NoiseModel
        The kind of noise with its settings.
    image : array-like, any axes and real dtype
        The clean image; may be lazy.
    rng : numpy.random.Generator
        The same state gives the same noise, however the image is stored.
    dtype : dtype, optional
        Of the result; that of `image` if None. Integer types round and saturate.

    Raises
    ------
    InputError
        If the image is empty, has NaN, or (Poisson) negative intensities or no signal.
    """
    check_pixels(image)
    dtype = image.dtype if dtype is None else dtype
    planes = list(np.ndindex(*image.shape[:-2]))
    parts = 2 if noise.needs_peak else 1
    peak = -np.inf
    if noise.needs_peak:
        for i, plane in enumerate(planes):
            peak = max(peak, float(as_float32(image[plane]).max()))
            yield Progress(fraction=(i + 1) / len(planes) / parts, message="measuring the peak")
    noisy = np.empty(image.shape, dtype=dtype)
    n_clipped = 0
    for i, plane in enumerate(planes):
        clean = as_float32(image[plane]).astype(np.float64)
        noisy[plane], clipped = cast_saturating(noise.sample(clean, peak, rng), dtype)
        n_clipped += clipped
        done = (i + 1) / len(planes)
        yield Progress(fraction=1 - (1 - done) / parts, message=f"plane {i + 1} of {len(planes)}")
    return Simulated(noisy, n_clipped)
