"""The FMD images (doi:10.7274/r0-ed2r-4052) of the benchmarks, how they are scored, and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from skimage.io import imread

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, denoise_job
from napari_denoise.core.progress import run
from napari_denoise.learning.data.images import TrainingImage

CONFOCAL = ("BPAE_B", "BPAE_G", "BPAE_R", "fish", "mice")
GROUPS = ("Confocal_BPAE_B", "TwoPhoton_BPAE_R", "WideField_BPAE_R")
PLANE, FRAMES = Layout("YX"), Layout("SYX")

Part = tuple[slice, slice]
UPPER: Part = (slice(None, 256), slice(None))
LOWER: Part = (slice(256, None), slice(None))
WHOLE: Part = (slice(None), slice(None))

T = TypeVar("T")


@dataclass(frozen=True)
class Timed:
    """Wall and processor seconds that something took."""

    wall_s: float
    cpu_s: float


def timed(act: Callable[[], T]) -> tuple[T, Timed]:
    """What it gives, and how long it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = act()
    return result, Timed(time.perf_counter() - wall, time.process_time() - cpu)


def psnr_255(clean: np.ndarray, image: np.ndarray) -> float:
    """PSNR in dB with a data range of 255."""
    error = np.mean((clean.astype(np.float64) - image) ** 2)
    return float(10 * np.log10(255**2 / error))


def confocal(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """One noisy frame of ``fmd_confocal``, and the mean of 50."""
    noisy, clean = (imread(folder / kind / f"{name}.tif") for kind in ("noisy", "clean"))
    return noisy, clean


class Group:
    """Four noisy frames of a field of ``fmd_repeats``, and the clean one."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.noisy = np.stack([imread(folder / f"noisy_{i}.png") for i in (1, 2, 3, 4)])
        self.clean = imread(folder / "clean.png")

    def pairs(self, frames: slice, part: Part) -> TrainingImage:
        """Frames, and the clean image for each."""
        noisy = self.noisy[frames][(slice(None), *part)]
        clean = np.broadcast_to(self.clean[part], noisy.shape)
        return TrainingImage.of(noisy, FRAMES, self.name, target=clean)

    def psnr(self, denoiser: Denoiser, part: Part = WHOLE) -> float:
        """Of the last frame, in dB, clipped to 0 to 255."""
        result = run(denoise_job(denoiser, self.noisy[3], PLANE)).image.pixels.clip(0, 255)
        return round(psnr_255(self.clean[part], result[part]), 2)
