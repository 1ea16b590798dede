"""How fast and how good the filters are, beside scipy, scikit-image and the bm3d package.

Run with ``python benchmarks/filters.py``; ``--full`` takes volumes of 64×512×512. Ours and the
peer run in turn, in one process, and the ratio of their best times is what counts. Beside it
stands the ratio of their processor times, which says more where other programs run. The peers
``bm3d`` and ``bm4d``, whose licence forbids commercial use, are compared where installed. With
``--data FOLDER``, the folder of the real images, each filter is also scored on
``fmd_confocal``, as it is and inside variance stabilisation with a blind calibration.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy import ndimage, signal
from skimage import data, filters, io, restoration

from napari_denoise import registry
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, denoise_job
from napari_denoise.core.progress import run
from napari_denoise.filters import (
    BM3D,
    BM4D,
    Bilateral,
    Box,
    Butterworth,
    Gaussian,
    Median,
    NonLocalMeans,
    TotalVariation,
    Wavelet,
    Wiener,
)
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.metrics import psnr

SIGMA = 25.0


@dataclass
class Duel:
    """One of our filters and its peer, on an image of the same shape."""

    ours: Denoiser
    peer: Callable[[np.ndarray], np.ndarray]
    shape: tuple[int, ...]
    goal: float | None = None


def scene(shape: tuple[int, ...]) -> np.ndarray:
    """scikit-image's camera image, repeated to fill the shape."""
    camera = data.camera().astype(np.float32)
    repeats = [-(-size // extent) for size, extent in zip(shape[-2:], camera.shape, strict=True)]
    plane = np.tile(camera, repeats)[: shape[-2], : shape[-1]]
    return np.ascontiguousarray(np.broadcast_to(plane, shape))


def run_ours(denoiser: Denoiser, image: np.ndarray) -> np.ndarray:
    axes = "ZYX"[-image.ndim :]
    return run(denoise_job(denoiser, image, Layout(axes, axes))).image.pixels


def duels(*, full: bool) -> list[Duel]:
    plane = (2048, 2048)
    volume = (64, 512, 512) if full else (32, 256, 256)
    known = {"noise_sigma": SIGMA}
    as_peer = {"strength": 0.7, "patch_size": 5, "search_radius": 5, **known}

    def nl_means(image: np.ndarray) -> np.ndarray:
        return restoration.denoise_nl_means(
            image, patch_size=5, patch_distance=5, h=0.7 * SIGMA, sigma=SIGMA, fast_mode=True
        )

    def bilateral(image: np.ndarray) -> np.ndarray:
        window = {"win_size": 7, "sigma_spatial": 1.2, "sigma_color": 4 * SIGMA / 255}
        return restoration.denoise_bilateral(image / 255, mode="symmetric", **window) * 255

    def total_variation(image: np.ndarray) -> np.ndarray:
        return restoration.denoise_tv_chambolle(image, 0.8 * SIGMA, eps=0, max_num_iter=60)

    def wavelet(image: np.ndarray) -> np.ndarray:
        return restoration.denoise_wavelet(
            image, SIGMA, "db2", wavelet_levels=3, method="BayesShrink"
        )

    return [
        *(
            duel
            for shape in (plane, volume)
            for duel in (
                Duel(Gaussian(sigma=1), lambda p: ndimage.gaussian_filter(p, 1), shape, 1.7),
                Duel(Gaussian(sigma=3), lambda p: ndimage.gaussian_filter(p, 3), shape, 1.7),
                Duel(Median(size=3), lambda p: ndimage.median_filter(p, 3), shape, 1.7),
                Duel(Box(size=5), lambda p: ndimage.uniform_filter(p, 5), shape, 1.7),
            )
        ),
        Duel(Bilateral(**known), bilateral, plane, 3),
        Duel(NonLocalMeans(**as_peer), nl_means, plane),
        Duel(NonLocalMeans(**as_peer), nl_means, volume, 3),
        Duel(TotalVariation(**known), total_variation, plane),
        Duel(Wavelet(**known), wavelet, plane),
        Duel(Wiener(size=5, **known), lambda p: signal.wiener(p, 5, noise=SIGMA**2), plane),
        Duel(Butterworth(), lambda p: filters.butterworth(p, 0.15, high_pass=False), plane),
        *block_matching_duels(),
    ]


def block_matching_duels() -> list[Duel]:
    """Against the authors' packages, each where it is installed."""
    duels = []
    for ours, shape in ((BM3D, (512, 512)), (BM4D, (32, 64, 64))):
        name = ours.tag()
        if find_spec(name) is None:
            print(f"{name} is not installed: not compared")
            continue
        peer = getattr(import_module(name), name)
        duels.append(Duel(ours(noise_sigma=SIGMA), lambda p, peer=peer: peer(p, SIGMA), shape, 1))
    return duels


@dataclass
class Times:
    """Best wall time and best processor time of several runs, in seconds."""

    wall: float = np.inf
    processor: float = np.inf

    def measure(self, filter_image: Callable[[np.ndarray], np.ndarray], image: np.ndarray):
        start = time.perf_counter(), time.process_time()
        result = np.asarray(filter_image(image))
        self.wall = min(self.wall, time.perf_counter() - start[0])
        self.processor = min(self.processor, time.process_time() - start[1])
        return result


def fight(duel: Duel, n_rounds: int) -> None:
    clean = scene(duel.shape)
    noise = np.random.default_rng(0).normal(0, SIGMA, duel.shape)
    noisy = (clean + noise).astype(np.float32)
    ours, peers = Times(), Times()
    for _ in range(n_rounds):
        result = ours.measure(lambda image: run_ours(duel.ours, image), noisy)
        peer_result = peers.measure(duel.peer, noisy)
    ratio = peers.wall / ours.wall
    verdict = "" if duel.goal is None else ("met" if ratio >= duel.goal else f"goal {duel.goal}×")
    print(
        f"{name_of(duel.ours):20s}{'×'.join(map(str, duel.shape)):>12s}"
        f"{ours.wall:9.3f}{peers.wall:9.3f}{ratio:7.2f}×{peers.processor / ours.processor:9.2f}×"
        f"{psnr(clean, result, data_range=255):9.2f}{psnr(clean, peer_result, data_range=255):9.2f}"
        f"  {verdict}",
        flush=True,
    )


def name_of(denoiser: Denoiser) -> str:
    chosen = denoiser.model_dump(exclude_defaults=True, exclude={"noise_sigma"})
    return " ".join([denoiser.title, *map(str, chosen.values())])


def score(folder: Path) -> None:
    names = sorted(path.name for path in (folder / "noisy").glob("*.tif"))
    print(f"\nfmd_confocal, PSNR-255 in dB: {', '.join(names)}, mean; seconds per image")
    for kind in registry.FILTERS:
        for denoiser in (kind(), Stabilized(denoiser=kind())):
            start, values = time.perf_counter(), []
            for name in names:
                noisy, clean = (io.imread(folder / part / name) for part in ("noisy", "clean"))
                values.append(psnr(clean, run_ours(denoiser, noisy), data_range=255))
            seconds = (time.perf_counter() - start) / len(names)
            row = "".join(f"{value:8.2f}" for value in (*values, np.mean(values)))
            print(f"{denoiser.label:34s}{row}{seconds:8.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="volumes of 64×512×512")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="folder of the real images")
    parser.add_argument("--only", default="", help="title of one filter")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores; best of {options.rounds}; noise of sigma {SIGMA:g}")
    print(
        f"{'filter':20s}{'shape':>12s}{'ours s':>9s}{'peer s':>9s}{'ratio':>8s}"
        f"{'processor':>10s}{'ours dB':>9s}{'peer dB':>9s}"
    )
    for duel in duels(full=options.full):
        if options.only in duel.ours.title:
            fight(duel, options.rounds)
    if options.data:
        score(options.data / "fmd_confocal")


if __name__ == "__main__":
    main()
