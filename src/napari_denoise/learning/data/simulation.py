"""Noise that is added to clean patches while a network learns: new noise each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import AxesError
from napari_denoise.core.progress import Job, Progress
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.pieces import Place
from napari_denoise.noise.simulation.base import Noise, Recording

__all__ = ["Simulation", "check_clean", "simulate_with"]


@dataclass(frozen=True, slots=True)
class Simulation:
    """A detector that records clean patches.

    Attributes
    ----------
    noise : Noise
    low, high : float
        Range of intensities of all clean images together: what noise goes by that is set in
        shares of the range, or in photons of the brightest pixel.
    """

    noise: Noise
    low: float
    high: float

    def record(
        self, clean: FloatArray, image: TrainingImage, place: Place, rng: np.random.Generator
    ) -> FloatArray:
        """One noisy version of a patch, ``C(Z)YX``, with noise of its own in every plane.

        Parameters
        ----------
        clean : array, axes C(Z)YX
            May be turned: what lies along rows or columns does so in the patch.
        image, place
            Where it is from: which camera pixels recorded it, and when.
        """
        noisy = np.empty_like(clean)
        # Plane by plane, as a camera records them: stripes and fixed patterns are those of a plane.
        for index in product(*(range(n) for n in clean.shape[:-2])):
            # A pixel darker than all that were looked at may be below what noise can be added to.
            plane = np.maximum(clean[index].astype(np.float64), self.low)
            noisy[index] = self.noise.sample(plane, self._recording(image, place, index), rng)
        return noisy

    def _recording(self, image: TrainingImage, place: Place, index: tuple[int, ...]) -> Recording:
        frame = n_frames = None
        layout = image.layout
        if "T" in layout.axes:
            axis = layout.axes.index("T")
            unit, n_frames = place.unit[axis], image.pixels.shape[axis]
            frame = unit if isinstance(unit, int) else place.window[0].start + index[-1]
        height, width = image.unit_shape[-2:]
        return Recording(
            low=self.low,
            high=self.high,
            frame=frame,
            n_frames=n_frames,
            plane_shape=(height, width),
            rows=place.window[-2],
            columns=place.window[-1],
        )


def check_clean(noise: Noise, images: Sequence[TrainingImage]) -> None:
    """Refuse images that cannot have such noise; no pixels are read.

    Parameters
    ----------
    noise : Noise
    images : sequence of TrainingImage

    Raises
    ------
    AxesError
        If the noise happens along time, and an image has none.
    SettingsError, FileError
        If the noise comes with maps of a camera that the images do not fit.
    """
    for image in images:
        if noise.needs_time and "T" not in image.layout.axes:
            raise AxesError(
                f"{noise.label} happens along time, but {image.name} has axes "
                f"{image.layout.axes}. Name its axes, with a T among them, or choose other noise."
            )
        height, width = image.unit_shape[-2:]
        noise.check((height, width))


def simulate_with(
    noise: Noise, images: Sequence[TrainingImage], samples: FloatArray
) -> Job[Simulation]:
    """Measure the range of clean images, and see whether they can have such noise.

    Parameters
    ----------
    images : sequence of TrainingImage
        Those in memory are measured whole.
    samples : array
        Pixels of all of them, which stand for images that stay in their files.

    Raises
    ------
    InputError
        If the noise is one of photons and intensities are negative, or there is no light.
    """
    low, high = float(samples.min()), float(samples.max())
    for image in images:
        # Images in files are not read twice for their range: samples stand for them.
        if not isinstance(image.pixels, np.ndarray):
            continue
        inside = None
        if image.region is not None:
            inside = np.broadcast_to(image.region, image.pixels.shape) != 0
        for part in range(len(image.pixels)):
            yield Progress(fraction=0.0, message="measuring the range")
            pixels = image.pixels[part] if inside is None else image.pixels[part][inside[part]]
            if pixels.size:
                low, high = min(low, float(pixels.min())), max(high, float(pixels.max()))
    # Once on the darkest and the brightest pixel: what the noise refuses, it refuses before work.
    simulation = Simulation(noise, low, high)
    ends = np.array([[low, high]])
    noise.sample(ends, Recording(low=low, high=high), np.random.default_rng(0))
    return simulation
