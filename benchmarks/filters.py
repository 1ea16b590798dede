"""How fast and how good the filters are, beside scipy, scikit-image and the bm3d package.

Run with ``python benchmarks/filters.py``; ``--full`` takes volumes of 64×512×512. Ours and the
peer run in turn, in one process, and the ratio of their best times is what counts. Beside it
stands the ratio of their processor times, which says more where other programs run. The peers
``bm3d`` and ``bm4d``, whose licence forbids commercial use, are compared where installed. With
``--data FOLDER``, the folder of the real images, each filter meets its peer on a plane of 512² and
on a volume of them too: seconds, memory, by how much they differ, and how long one call lasts, as
that is what *Cancel* waits for. Then each filter is scored on ``fmd_confocal``, as it is and inside
variance stabilisation with a blind calibration. ``OMP_NUM_THREADS=1`` and ``taskset -c 0`` give one
thread.
"""

from __future__ import annotations

import argparse
import os
import time
import tracemalloc
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
    AnisotropicDiffusion,
    Bilateral,
    Box,
    Butterworth,
    Gaussian,
    Median,
    NonLocalMeans,
    RichardsonLucy,
    TotalVariation,
    Wavelet,
    Wiener,
)
from napari_denoise.filters.base import noise_level_job
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.metrics import psnr
from napari_denoise.noise import CameraModel, calibrate_job

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
            Duel(Median(size=3), lambda p: ndimage.median_filter(p, 3), shape, 1.7)
            for shape in (plane, volume)
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


def real_duels(n_spatial: int, sigma: float) -> list[tuple[Denoiser, Callable | None]]:
    """Each filter with its default settings and what comes nearest to it elsewhere."""
    psf = gaussian_psf(n_spatial)
    wavelet = {"wavelet": "db2" if n_spatial == 2 else "haar", "wavelet_levels": 3}
    known = {"noise_sigma": sigma}
    duels = [
        (Gaussian(), lambda p: ndimage.gaussian_filter(p, 1)),
        (Median(), lambda p: ndimage.median_filter(p, 3)),
        (Box(), lambda p: ndimage.uniform_filter(p, 3)),
        (
            NonLocalMeans(**known),
            lambda p: restoration.denoise_nl_means(
                p, patch_size=7, patch_distance=3, h=0.8 * sigma, sigma=sigma
            ),
        ),
        # The peer's first iteration does not count: it begins with the image.
        (
            TotalVariation(**known),
            lambda p: restoration.denoise_tv_chambolle(p, 0.8 * sigma, eps=0, max_num_iter=61),
        ),
        (AnisotropicDiffusion(**known), None),
        (
            Wavelet(**known),
            lambda p: restoration.denoise_wavelet(p, sigma, method="BayesShrink", **wavelet),
        ),
        (Wiener(**known), lambda p: signal.wiener(p, 5, noise=sigma**2)),
        (Butterworth(), lambda p: filters.butterworth(p, 0.15, high_pass=False)),
        (
            RichardsonLucy(tv_weight=0),
            lambda p: restoration.richardson_lucy(p, psf, num_iter=10, clip=False),
        ),
        (RichardsonLucy(), None),
    ]
    if n_spatial == 2:
        window = {"win_size": 7, "sigma_spatial": 1.2, "mode": "symmetric"}
        duels += [
            (
                Bilateral(**known),
                lambda p: restoration.denoise_bilateral(p, sigma_color=4 * sigma, **window),
            ),
            (
                TotalVariation(solver="split_bregman", **known),
                lambda p: restoration.denoise_tv_bregman(
                    p, weight=1 / (0.8 * sigma), eps=1e-9, max_num_iter=60
                ),
            ),
        ]
    return duels


def gaussian_psf(n_spatial: int) -> np.ndarray:
    line = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    psf = line
    for _ in range(n_spatial - 1):
        psf = np.multiply.outer(psf, line)
    return psf / psf.sum()


def meet_on_real_images(folder: Path, only: str, n_rounds: int) -> None:
    images = {
        "plane": io.imread(folder / "fmd_confocal" / "noisy" / "fish.tif"),
        "volume": io.imread(folder / "lightsheet_3d" / "signal.tif")[:16],
    }
    print(
        f"\n{'filter':34s}{'shape':>12s}{'ours s':>8s}{'peer s':>8s}{'ratio':>7s}{'ours MB':>9s}"
        f"{'peer MB':>8s}{'wait s':>8s}{'differ':>9s}{'inside':>9s}"
    )
    for image in images.values():
        pixels = image.astype(np.float32)
        axes = "ZYX"[-pixels.ndim :]
        layout = Layout(axes, axes)
        sigma = run(noise_level_job(pixels, layout, list(layout.units(pixels.shape))))
        for denoiser, peer in real_duels(pixels.ndim, sigma):
            if only in denoiser.title:
                meet(denoiser, peer, pixels, n_rounds)


def meet(denoiser: Denoiser, peer: Callable | None, pixels: np.ndarray, n_rounds: int) -> None:
    """One row: both on one tile, so that neither reads, splits or threads."""
    best, longest = [np.inf, np.inf], 0.0
    for i in range(n_rounds):
        start = time.perf_counter()
        ours, wait = run_one_tile(denoiser, pixels)
        best[0] = min(best[0], time.perf_counter() - start)
        longest = wait if i == 0 else min(longest, wait)
        start = time.perf_counter()
        theirs = peer(pixels) if peer else ours
        best[1] = min(best[1], time.perf_counter() - start)
    held = [
        peak_megabytes(work)
        for work in (lambda: run_one_tile(denoiser, pixels), lambda: peer(pixels) if peer else None)
    ]
    off = np.abs(ours - theirs)
    inside = off[tuple(slice(min(20, n // 3), -min(20, n // 3)) for n in off.shape)]
    words = (
        f"{best[1]:8.3f}{best[1] / best[0]:7.2f}{held[0]:9.1f}{held[1]:8.1f}{longest:8.3f}"
        f"{off.max():9.2g}{inside.max():9.2g}"
        if peer
        else f"{'–':>8s}{'':7s}{held[0]:9.1f}{'':8s}{longest:8.3f}"
    )
    shape = "×".join(map(str, pixels.shape))
    print(f"{name_of(denoiser):34s}{shape:>12s}{best[0]:8.3f}{words}", flush=True)


def run_one_tile(denoiser: Denoiser, pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """The result, and the longest time between two looks at Cancel."""
    job, last, longest = denoiser.denoise_tile(pixels[np.newaxis]), time.perf_counter(), 0.0
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value[0], max(longest, time.perf_counter() - last)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()


def peak_megabytes(work: Callable[[], object]) -> float:
    """What numpy holds at the peak, in MB; what a library takes for itself is not seen."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


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


def score_wavelets(folder: Path) -> None:
    """scikit-image's wavelet denoising of the same images, plain and averaged over shifts."""
    settings = {"sigma": 1.0, "wavelet": "db2", "wavelet_levels": 3, "method": "BayesShrink"}
    peers = {
        "denoise_wavelet": lambda p: restoration.denoise_wavelet(p, **settings),
        "denoise_wavelet, 16 shifts": lambda p: restoration.cycle_spin(
            p, restoration.denoise_wavelet, 3, func_kw=settings, num_workers=1
        ),
    }
    names = sorted(path.name for path in (folder / "noisy").glob("*.tif"))
    for title, peer in peers.items():
        start, values = time.perf_counter(), []
        for name in names:
            noisy, clean = (io.imread(folder / part / name) for part in ("noisy", "clean"))
            camera = run(calibrate_job(noisy, "YX"))
            transform = CameraModel(
                gain=camera.gain, offset=camera.offset, read_noise=camera.read_noise
            )
            denoised = peer(transform.stabilize(noisy.astype(np.float32)))
            result = transform.invert(denoised.astype(np.float32))
            values.append(psnr(clean, result, data_range=255))
        seconds = (time.perf_counter() - start) / len(names)
        row = "".join(f"{value:8.2f}" for value in (*values, np.mean(values)))
        print(f"stabilized {title:34s}{row}{seconds:8.2f}", flush=True)


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
        meet_on_real_images(options.data, options.only, options.rounds)
        score(options.data / "fmd_confocal")
        score_wavelets(options.data / "fmd_confocal")


if __name__ == "__main__":
    main()
