"""Images to try things on: simulated here with their clean versions, or fetched when asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import run
from napari_denoise.core.recipe import Recipe
from napari_denoise.data.public import PUBLIC, PublicSet, fetch_public
from napari_denoise.data.synthetic.scenes import Kind, Optics, movie, scene
from napari_denoise.noise import GaussianNoise, PoissonNoise, add_noise_job

__all__ = ["PUBLIC", "SAMPLES", "PublicSet", "Sample", "fetch_public", "make_sample"]

_MICROMETER = "micrometer"
# 12 DN at 10 DN per photon is a read noise of 1.2 electrons, as that of an sCMOS camera: dark
# places show read noise, bright ones photon noise.
_OFFSET_DN = 100.0
_GAIN_DN = 10.0
_READ_NOISE_DN = 12.0
"""The camera all samples are taken with: what it shows of nothing, of one photon, and its noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A procedural image with a noisy and a clean version.

    Attributes
    ----------
    title : str
        What a menu calls it.
    draw : callable
        Makes the expected photons relative to the brightest pixel, in `axes`.
    photons : float
        Expected in the brightest pixel.
    scale, units : tuple
        Along each of `axes`.
    """

    title: str
    draw: Callable[[np.random.Generator], FloatArray]
    seed: int
    photons: float
    axes: str
    scale: tuple[float, ...]
    units: tuple[str, ...]
    channel_names: tuple[str, ...] = ()


def _draw_cells(rng: np.random.Generator) -> FloatArray:
    # Light haze and background: a confocal microscope near the Nyquist rate.
    optics = Optics(psf_sigma=1.1, haze=0.1, background=0.02)
    return scene((512, 512), rng=rng, kind="filaments", optics=optics)


def _draw_volume(rng: np.random.Generator) -> FloatArray:
    optics = Optics(psf_sigma=1.2, haze=0.05, background=0.02)
    return scene((32, 256, 256), rng=rng, kind="membranes", optics=optics, z_step=5.0)


def _draw_film(rng: np.random.Generator) -> FloatArray:
    optics = Optics(psf_sigma=1.2, haze=0.1, background=0.02)
    return movie((20, 256, 256), rng=rng, kind="mitochondria", optics=optics)


def _draw_tissue(rng: np.random.Generator) -> FloatArray:
    optics = Optics(psf_sigma=1.3, haze=0.2, background=0.02)
    kinds: tuple[Kind, ...] = ("membranes", "nuclei")
    return np.stack([scene((512, 512), rng=rng, kind=kind, optics=optics) for kind in kinds])


# 25 to 40 photons in the brightest pixel: hard enough to tell methods apart.
SAMPLES: dict[str, Sample] = {
    "cells": Sample(
        title="Actin in cells (2D)",
        draw=_draw_cells,
        seed=3,
        photons=40.0,
        axes="YX",
        scale=(0.1, 0.1),
        units=(_MICROMETER,) * 2,
    ),
    "volume": Sample(
        title="Membranes in tissue (3D)",
        draw=_draw_volume,
        seed=2,
        photons=25.0,
        axes="ZYX",
        scale=(0.5, 0.1, 0.1),
        units=(_MICROMETER,) * 3,
    ),
    "timelapse": Sample(
        title="Mitochondria and vesicles (time-lapse)",
        draw=_draw_film,
        seed=3,
        photons=40.0,
        axes="TYX",
        scale=(2.0, 0.1, 0.1),
        units=("second", _MICROMETER, _MICROMETER),
    ),
    "channels": Sample(
        title="Membranes and nuclei (2D, two channels)",
        draw=_draw_tissue,
        seed=2,
        photons=30.0,
        axes="CYX",
        scale=(1.0, 0.2, 0.2),
        units=("pixel", _MICROMETER, _MICROMETER),
        channel_names=("membranes", "nuclei"),
    ),
}
"""The procedural samples by name."""


def make_sample(name: str) -> tuple[Image, Image]:
    """Make a procedural sample; the same one each time.

    Parameters
    ----------
    name : str
        A key of :data:`SAMPLES`.

    Returns
    -------
    noisy, clean : Image
        uint16, in digital numbers of a camera with an offset of 100, 10 per photon,
        and a read noise of 12. The clean one is what the noisy one is on average.

    Raises
    ------
    SettingsError
        If there is no such sample.
    """
    if name not in SAMPLES:
        raise SettingsError(f"There is no sample {name!r}. Choose one of {', '.join(SAMPLES)}.")
    sample = SAMPLES[name]
    rng = np.random.default_rng(sample.seed)
    # In DN above the offset; noise is added to that, and only then is it rounded.
    signal = sample.draw(rng) * np.float32(sample.photons * _GAIN_DN)
    clean = np.rint(signal + np.float32(_OFFSET_DN)).astype(np.uint16)
    noisy, recipe = _record(sample, signal, rng)
    return _image(sample, noisy, f"{name} (noisy)", recipe), _image(
        sample, clean, f"{name} (clean)"
    )


def _record(
    sample: Sample, signal: FloatArray, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint16], Recipe]:
    """Count photons, then read them out with the camera's offset and noise."""
    shot, read = PoissonNoise(photons=sample.photons), GaussianNoise(sigma=_READ_NOISE_DN)
    # Two steps, as a camera's: photons are counted before the amplifier adds offset and noise.
    counted = run(add_noise_job(shot, signal, rng=rng)).image + np.float32(_OFFSET_DN)
    noisy = run(add_noise_job(read, counted, rng=rng, dtype=np.uint16)).image
    about = {"source": sample.title, "dtype": "uint16", "seed": sample.seed}
    layout = Layout(sample.axes)
    first = Recipe.of("simulate", shot, layout, **about)
    return noisy, Recipe.of("simulate", read, layout, **about, previous=first)


def _image(
    sample: Sample, pixels: npt.NDArray[np.uint16], name: str, recipe: Recipe | None = None
) -> Image:
    return Image(
        pixels,
        sample.axes,
        scale=sample.scale,
        units=sample.units,
        channel_names=sample.channel_names,
        name=name,
        recipe=recipe,
    )
