"""Cameras: from photons to the numbers in the file, one physical step after the other."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.core.settings import setting
from napari_denoise.noise.simulation.base import Noise, Pixels, Recording
from napari_denoise.noise.simulation.kinds import check_photons
from napari_denoise.noise.simulation.pixel_maps import read_pixel_map

__all__ = ["CameraNoise", "ScmosNoise"]

PixelMaps = tuple[Pixels | float, Pixels | float, Pixels | float]


class CameraNoise(Noise):
    """A whole detector: shot noise, dark current, multiplication, saturation and digitisation.

    The result is in the detector's own units, DN, whatever those of the clean image are.
    """

    title: ClassVar[str] = "Camera (Poisson–Gaussian)"
    citation: ClassVar[str] = "Foi et al. 2008, doi:10.1109/TIP.2008.2001399"

    name: Literal["camera"] = "camera"
    # Defaults: a well-lit fluorescence frame on a current sCMOS, whose makers state quantum
    # efficiencies of 0.7 to 0.95, 1 to 2 electrons of read noise and 30 000 of full well.
    photons: float = setting(
        200.0, "Photons that reach the brightest pixel.", unit="photons", gt=0, le=1e9, step=50
    )
    quantum_efficiency: float = setting(
        0.8, "Share of the photons that free an electron.", gt=0, le=1, step=0.05
    )
    dark_electrons: float = setting(
        0.0,
        "Electrons that heat frees in a pixel during one exposure.",
        unit="electrons",
        ge=0,
        le=1e6,
        step=0.1,
        advanced=True,
    )
    excess_noise: float = setting(
        1.0,
        "Factor by which multiplication raises the shot noise's variance: 1 without, 2 for EMCCD.",
        ge=1,
        le=10,
        step=0.1,
        advanced=True,
    )
    read_noise_electrons: float = setting(
        2.0, "Standard deviation of reading out.", unit="electrons", ge=0, le=1e4, step=0.5
    )
    full_well_electrons: float = setting(
        30_000.0,
        "Electrons a pixel can hold.",
        unit="electrons",
        gt=0,
        le=1e9,
        step=1000,
        advanced=True,
    )
    gain: float = setting(2.0, "DN per photo-electron.", gt=0, le=1e4, step=0.1)
    offset: float = setting(100.0, "DN without light.", ge=0, le=60_000, step=10)
    bit_depth: int = setting(16, "Bits of the digitiser.", ge=1, le=32, step=1)

    @classmethod
    def emccd(cls, photons: float = 20.0) -> CameraNoise:
        """A back-illuminated EMCCD at high gain: hardly any read noise, but excess noise."""
        # Multiplication makes read noise a fraction of an electron, and doubles the variance of
        # the photons (Robbins & Hadwen 2003, doi:10.1109/TED.2003.813462).
        return cls(
            photons=photons,
            quantum_efficiency=0.92,
            dark_electrons=0.005,
            excess_noise=2.0,
            read_noise_electrons=0.2,
            gain=18.0,
            offset=200,
        )

    @classmethod
    def pmt(cls, photons: float = 10.0) -> CameraNoise:
        """The photomultiplier of a confocal microscope, digitised to 8 bits."""
        # A photocathode frees an electron for a third of the photons; dynodes multiply with less
        # spread than an EMCCD's register, as already the first multiplies several times.
        return cls(
            photons=photons,
            quantum_efficiency=0.3,
            excess_noise=1.25,
            read_noise_electrons=0.1,
            gain=20.0,
            offset=3,
            bit_depth=8,
        )

    @property
    def needs_range(self) -> bool:
        return True

    @property
    def has_own_units(self) -> bool:
        return True

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        photons = clean / check_photons(clean, recording.high) * self.photons
        # In the order of the physics: what is lost cannot be multiplied, what is multiplied may
        # fill the well, and read noise comes after both.
        electrons = rng.poisson(photons * self.quantum_efficiency + self.dark_electrons)
        collected = np.minimum(self._multiply(electrons, rng), self.full_well_electrons)
        gain, offset, read_noise = self._pixels(clean, recording)
        read = collected + rng.normal(0.0, 1.0, clean.shape) * read_noise
        return np.clip(np.rint(read * gain + offset), 0, 2**self.bit_depth - 1)

    def _multiply(self, electrons: npt.NDArray[np.int64], rng: np.random.Generator) -> Pixels:
        """Electrons after multiplication, in units of its mean gain."""
        spread = self.excess_noise - 1
        if spread == 0:
            return electrons.astype(np.float64)
        # Its mean is n and its variance n·spread: with the shot noise's own n, excess_noise·n.
        multiplied: Pixels = rng.gamma(electrons / spread, spread)
        return multiplied

    def _pixels(self, clean: Pixels, recording: Recording) -> PixelMaps:
        """Gain (DN per electron), offset (DN) and read noise (electrons) of these pixels."""
        del clean, recording
        return self.gain, self.offset, self.read_noise_electrons


class ScmosNoise(CameraNoise):
    """An sCMOS camera: every pixel has an amplifier of its own, the same in every frame."""

    title: ClassVar[str] = "sCMOS camera (fixed pattern)"
    citation: ClassVar[str] = "Huang et al. 2013, doi:10.1038/nmeth.2488"

    name: Literal["scmos"] = "scmos"  # type: ignore[assignment]
    read_noise_electrons: float = setting(
        1.6, "Median standard deviation of reading out.", unit="electrons", ge=0, le=1e4, step=0.5
    )
    gain_spread: float = setting(
        0.01, "Standard deviation of the pixels' gains, as a fraction.", ge=0, le=0.3, step=0.01
    )
    offset_spread: float = setting(
        2.0, "Standard deviation of the pixels' offsets, in DN.", ge=0, le=1e4, step=1
    )
    read_noise_spread: float = setting(
        0.3,
        "Standard deviation of the logarithm of the pixels' read noise: a few are far noisier.",
        ge=0,
        le=2,
        step=0.1,
    )
    pattern_seed: int = setting(
        0, "Which camera it is: the same seed has the same pattern.", ge=0, advanced=True
    )
    gain_map: Path | None = setting(
        None, "File with the gain of each pixel, in DN per electron (TIFF or NPY).", advanced=True
    )
    offset_map: Path | None = setting(
        None, "File with the offset of each pixel, in DN (TIFF or NPY).", advanced=True
    )
    read_noise_map: Path | None = setting(
        None, "File with the read noise of each pixel, in electrons (TIFF or NPY).", advanced=True
    )

    def check(self, plane_shape: tuple[int, int]) -> None:
        _pattern(self, plane_shape)

    def _pixels(self, clean: Pixels, recording: Recording) -> PixelMaps:
        shape = recording.plane_shape or (clean.shape[0], clean.shape[1])
        gain, offset, read_noise = _pattern(self, shape)
        part = recording.rows, recording.columns
        return gain[part], offset[part], read_noise[part]


@lru_cache(maxsize=1)
def _pattern(camera: ScmosNoise, shape: tuple[int, int]) -> tuple[Pixels, Pixels, Pixels]:
    """The maps of all pixels, kept for the next frame; those of a real camera where given."""
    # A generator of its own: the pattern is the camera's, not the frame's.
    rng = np.random.default_rng(camera.pattern_seed)
    # A gain below zero would turn the image dark side up.
    gain = camera.gain * np.maximum(rng.normal(1, camera.gain_spread, shape), 0)
    offset = rng.normal(camera.offset, camera.offset_spread, shape)
    # Log-normal, as most pixels are near the median and a few far above (Huang et al. 2013).
    read_noise = camera.read_noise_electrons * rng.lognormal(0, camera.read_noise_spread, shape)
    return (
        read_pixel_map(camera.gain_map, shape) if camera.gain_map else gain,
        read_pixel_map(camera.offset_map, shape, lowest=-np.inf) if camera.offset_map else offset,
        read_pixel_map(camera.read_noise_map, shape) if camera.read_noise_map else read_noise,
    )
