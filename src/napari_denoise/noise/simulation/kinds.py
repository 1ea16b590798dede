"""The kinds of noise, each a settings class."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from scipy import ndimage

from napari_denoise.core.errors import InputError
from napari_denoise.core.settings import setting
from napari_denoise.noise.simulation.base import Noise, Pixels, Recording

__all__ = [
    "Bleaching",
    "CorrelatedNoise",
    "GaussianNoise",
    "PoissonNoise",
    "SaltAndPepperNoise",
    "SpeckleNoise",
    "StripeNoise",
]


class PoissonNoise(Noise):
    """Shot noise: the photons of a pixel are counted, and few photons count badly."""

    title: ClassVar[str] = "Poisson (shot noise)"

    name: Literal["poisson"] = "poisson"
    photons: float = setting(
        20.0,
        "Expected photons, in the brightest pixel or per unit of intensity; an intensity of zero "
        "means no photon.",
        unit="photons",
        gt=0,
        le=1e9,
        step=5,
    )
    per: Literal["peak", "DN"] = setting(
        "peak", "Whether the photons are those of the brightest pixel or of one intensity unit."
    )

    @property
    def needs_range(self) -> bool:
        return self.per == "peak"

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        dn_per_photon = 1 / self.photons
        if self.per == "peak":
            dn_per_photon = check_photons(clean, recording.high) / self.photons
        else:
            check_photons(clean, np.inf)
        photons: Pixels = rng.poisson(clean / dn_per_photon).astype(np.float64)
        return photons * dn_per_photon


def check_photons(clean: Pixels, peak: float) -> float:
    """The peak, if photons can be counted in such an image.

    Raises
    ------
    InputError
        If intensities are negative, or there is no light at all.
    """
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
    return peak


class GaussianNoise(Noise):
    """Read noise: the same at every intensity."""

    title: ClassVar[str] = "Gaussian (read noise)"

    name: Literal["gaussian"] = "gaussian"
    sigma: float = setting(
        10.0,
        "Standard deviation, in the image's own intensity units or as a fraction of its range.",
        ge=0,
        le=1e9,
        step=1,
    )
    unit: Literal["DN", "range"] = setting(
        "DN", "Whether sigma counts intensity units, or the image's whole range as 1."
    )

    @property
    def needs_range(self) -> bool:
        return self.unit == "range"

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        scale = recording.high - recording.low if self.unit == "range" else 1.0
        return clean + rng.normal(0.0, self.sigma * scale, clean.shape)


class CorrelatedNoise(Noise):
    """Gaussian noise that neighbours share, as after resampling or slow amplifiers."""

    title: ClassVar[str] = "Correlated Gaussian"

    name: Literal["correlated"] = "correlated"
    sigma: float = setting(
        10.0, "Standard deviation, in the image's own intensity units.", ge=0, le=1e9, step=1
    )
    correlation_y: float = setting(
        0.5, "Correlation of a pixel with the next one along Y.", ge=0, le=0.99, step=0.05
    )
    correlation_x: float = setting(
        0.5, "Correlation of a pixel with the next one along X.", ge=0, le=0.99, step=0.05
    )
    kernel: Literal["exponential", "gaussian"] = setting(
        "exponential",
        "How it falls off with distance: as behind a slow amplifier, or as after a Gaussian blur.",
    )

    @property
    def needs_whole_planes(self) -> bool:
        return True

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        del recording
        noise = rng.normal(0.0, self.sigma, clean.shape)
        correlate = {"exponential": _remember, "gaussian": _blur}[self.kernel]
        for axis, correlation in enumerate((self.correlation_y, self.correlation_x)):
            if correlation:
                correlate(noise, correlation, axis)
        return clean + noise


def _blur(noise: Pixels, correlation: float, axis: int) -> None:
    """Blur white noise, in place, to this lag-1 correlation and the same variance."""
    # White noise blurred by a Gaussian has the correlation exp(-d²/(4 width²)) at distance d.
    width = np.sqrt(-1 / (4 * np.log(correlation)))
    # Five widths: beyond, a Gaussian is below 4e-6 of its top.
    reach = int(np.ceil(5 * width))
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * width**2))
    # Wrapped around, the noise is as strong at the border as elsewhere.
    ndimage.correlate1d(noise, kernel / np.sqrt((kernel**2).sum()), axis, output=noise, mode="wrap")


def _remember(noise: Pixels, correlation: float, axis: int) -> None:
    """Make white noise, in place, a first-order autoregressive process of the same variance."""
    lines = np.moveaxis(noise, axis, 0)
    # The first line has no predecessor: it alone keeps the whole of its variance.
    lines[1:] *= np.sqrt(1 - correlation**2)
    for i in range(1, len(lines)):
        lines[i] += correlation * lines[i - 1]


class StripeNoise(Noise):
    """Rows or columns that are brighter or darker as a whole, new ones in every plane."""

    title: ClassVar[str] = "Stripes"

    name: Literal["stripes"] = "stripes"
    sigma: float = setting(
        5.0,
        "Standard deviation of a line's offset, in the image's own intensity units.",
        ge=0,
        le=1e9,
        step=1,
    )
    lines: Literal["rows", "columns"] = setting("rows", "Which lines share an offset.")

    @property
    def needs_whole_planes(self) -> bool:
        return True

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        del recording
        height, width = clean.shape
        shape = (height, 1) if self.lines == "rows" else (1, width)
        return clean + rng.normal(0.0, self.sigma, shape)


class SaltAndPepperNoise(Noise):
    """Dead and hot pixels: some are as dark or as bright as the image gets."""

    title: ClassVar[str] = "Salt and pepper"

    name: Literal["salt_and_pepper"] = "salt_and_pepper"
    share: float = setting(0.01, "Share of the pixels that are hit.", ge=0, le=1, step=0.01)
    salt: float = setting(0.5, "Share of these that become bright.", ge=0, le=1, step=0.1)

    @property
    def needs_range(self) -> bool:
        return True

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        fate = rng.random(clean.shape)
        noisy = clean.copy()
        # Dark first, then the share of them that is bright: one random number decides both.
        noisy[fate < self.share] = recording.low
        noisy[fate < self.share * self.salt] = recording.high
        return noisy


class SpeckleNoise(Noise):
    """Multiplicative noise, as of coherent light: the brighter, the more."""

    title: ClassVar[str] = "Speckle"

    name: Literal["speckle"] = "speckle"
    sigma: float = setting(
        0.1, "Standard deviation, as a fraction of the intensity.", ge=0, le=10, step=0.05
    )

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        del recording
        return clean * rng.normal(1.0, self.sigma, clean.shape)


class Bleaching(Noise):
    """Photobleaching: the signal fades along time; put shot noise after it."""

    title: ClassVar[str] = "Photobleaching"

    name: Literal["bleaching"] = "bleaching"
    remaining: float = setting(
        0.5, "Share of the first frame's signal that the last one has.", gt=0, le=1, step=0.05
    )
    background: float = setting(
        0.0, "Intensity that does not bleach, such as the detector's offset.", step=10
    )

    @property
    def needs_time(self) -> bool:
        return True

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        del rng
        frame, n_frames = recording.frame or 0, recording.n_frames or 1
        # Exponential: each frame loses the same share of what the one before had.
        fade = self.remaining ** (frame / max(n_frames - 1, 1))
        faded: Pixels = self.background + (clean - self.background) * fade
        return faded
