"""How good and how fast the instant denoiser is, on images it has never seen.

    python benchmarks/instant.py --data ../shared/data            quality, each image blind
    python benchmarks/instant.py --data ../shared/data --full-mix FOLDER
    python benchmarks/instant.py --speed                          time and memory

Quality is PSNR with a data range of 255 of the float32 result against the mean of many frames
(FMD data set, doi:10.7274/r0-ed2r-4052), and scale-invariant PSNR on w2s, whose images were
stretched each on its own. Beside it stand the noisy image, stabilised BM3D and non-local means
with blind calibration, and a Gaussian blur whose sigma was chosen by looking at the clean image.
No parameter is set per image. ``--full-mix`` takes a folder of ``GROUP/noisy_*.png`` and
``GROUP/clean.png``, such as all twelve groups of the FMD test mix.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage import io

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, denoise_job
from napari_denoise.core.progress import run
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.filters import BM3D, NonLocalMeans
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.instant.denoiser import Instant
from napari_denoise.metrics import psnr, si_psnr
from napari_denoise.noise import CameraNoise, add_noise_job

CONFOCAL = ("BPAE_B", "BPAE_G", "BPAE_R", "fish", "mice")
SHIFTS = np.arange(-0.8, 0.81, 0.2)
SIGMAS = np.arange(0.4, 4.01, 0.1)

Score = Callable[[np.ndarray, np.ndarray], float]
Method = Callable[[np.ndarray], np.ndarray]


def psnr_255(clean: np.ndarray, image: np.ndarray) -> float:
    return psnr(clean, image, data_range=255)


def cleaned(denoiser: Denoiser, image: np.ndarray, axes: str = "YX", spatial: str = "YX"):
    return run(denoise_job(denoiser, image, Layout(axes, spatial))).image.pixels


def best_blur(clean: np.ndarray, noisy: np.ndarray, score: Score) -> float:
    pixels = noisy.astype(np.float32)
    return max(score(clean, ndimage.gaussian_filter(pixels, sigma)) for sigma in SIGMAS)


def registered(clean: np.ndarray, image: np.ndarray, score: Score) -> float:
    """The score after the image has been moved by up to 0.8 pixel, to where the clean one lies.

    The mean of 50 frames is of a specimen that drifted: that costs every method, the best most.
    """
    place = [0.0, 0.0]
    for axis in (0, 1, 0):
        places = [[*place[:axis], by, *place[axis + 1 :]] for by in SHIFTS]
        place = max(places, key=lambda p: score(clean, ndimage.shift(image, p, mode="nearest")))
    return score(clean, ndimage.shift(image, place, mode="nearest"))


def methods(chosen: argparse.Namespace) -> dict[str, Method]:
    instant = Instant(device=chosen.device, weights=chosen.weights)
    every: dict[str, Method] = {"instant": partial(cleaned, instant)}
    if not chosen.only_instant:
        for name, inner in (("BM3D", BM3D()), ("NL-means", NonLocalMeans())):
            every[name] = partial(cleaned, Stabilized(denoiser=inner))
    return every


def pairs(folder: Path) -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Clean and noisy images by group, of ``GROUP/noisy_*.png`` with ``GROUP/clean.png``."""
    return {
        group.name: [
            (io.imread(group / "clean.png"), io.imread(path))
            for path in sorted(group.glob("noisy_*.png"))
        ]
        for group in sorted(path for path in folder.iterdir() if path.is_dir())
    }


def report(
    title: str,
    groups: dict[str, list[tuple[np.ndarray, np.ndarray]]],
    every: dict[str, Method],
    score: Score = psnr_255,
) -> dict[str, dict[str, float]]:
    """Print a row per group; returns the figures."""
    print(f"\n{title}\n{'':22s}{'noisy':>8s}{'blur*':>8s}{'instant':>10s}{'moved**':>10s}", end="")
    print("".join(f"{name:>10s}" for name in every if name != "instant"))
    rows = {}
    for group, images in groups.items():
        row = {
            "noisy": np.mean([score(clean, noisy) for clean, noisy in images]),
            "blur*": np.mean([best_blur(clean, noisy, score) for clean, noisy in images]),
        }
        for name, method in every.items():
            results = [(clean, method(noisy)) for clean, noisy in images]
            row[name] = np.mean([score(*pair) for pair in results])
            if name == "instant":
                row["moved**"] = np.mean([registered(*pair, score) for pair in results])
        rows[group] = {name: round(float(value), 3) for name, value in row.items()}
        show(group, rows[group])
    mean = {name: np.mean([row[name] for row in rows.values()]) for name in row}
    show("mean", mean)
    return {**rows, "mean": {name: round(float(value), 3) for name, value in mean.items()}}


def show(name: str, row: dict[str, float]) -> None:
    values = list(row.values())
    print(f"{name:22s}" + "".join(f"{v:8.2f}" for v in values[:2]), end="")
    print("".join(f"{v:10.2f}" for v in values[2:]), flush=True)


def quality(chosen: argparse.Namespace) -> dict[str, object]:
    data, every = chosen.data, methods(chosen)
    confocal = {
        name: [tuple(io.imread(data / "fmd_confocal" / kind / f"{name}.tif") for kind in KINDS)]
        for name in CONFOCAL
    }
    w2s = {
        path.stem: [tuple(io.imread(data / "w2s" / kind / path.name) for kind in KINDS)]
        for path in sorted((data / "w2s" / "noisy").iterdir())
    }
    return {
        "fmd_confocal": report("fmd_confocal, PSNR-255 (dB)", confocal, every),
        "fmd_repeats": report("fmd_repeats, PSNR-255 (dB)", pairs(data / "fmd_repeats"), every),
        "w2s": report("w2s, SI-PSNR (dB)", w2s, every, si_psnr),
        "lightsheet": volumes(data / "lightsheet_3d" / "signal.tif", chosen),
    }


KINDS = ("clean", "noisy")


def volumes(path: Path, chosen: argparse.Namespace) -> dict[str, float]:
    """A real volume, smoothed and taken for clean, recorded anew with few photons."""
    clean = ndimage.gaussian_filter(io.imread(path).astype(np.float32), (0.7, 1.0, 1.0))
    print("\nlightsheet_3d, simulated, PSNR of the peak (dB)\nphotons   noisy  by plane  in 3D")
    rows = {}
    for photons in (5, 20, 80):
        camera = CameraNoise(photons=photons, quantum_efficiency=1, gain=4, offset=100)
        noisy = run(add_noise_job(camera, clean, rng=np.random.default_rng(0), axes="ZYX")).image
        truth = clean / clean.max() * photons * 4 + 100
        instant = Instant(device=chosen.device, weights=chosen.weights)
        images = (noisy, *(cleaned(instant, noisy, "ZYX", spatial) for spatial in ("YX", "ZYX")))
        row = [psnr(truth, image, data_range=float(np.ptp(truth))) for image in images]
        print(f"{photons:7d}" + "".join(f"{value:8.2f}" for value in row), flush=True)
        rows |= {f"{photons} photons, by plane": row[1], f"{photons} photons, in 3D": row[2]}
    return {name: round(value, 3) for name, value in rows.items()}


def speed(chosen: argparse.Namespace) -> dict[str, float]:
    """Seconds of whole runs, calibration included, and memory beyond torch."""
    import torch  # noqa: PLC0415

    cleaned(Instant(device=chosen.device), photons((64, 64)))  # load what is loaded once
    torch.zeros(1)
    before, rows = peak_memory(), {}
    cases = (("YX", (512, 512), 5), ("YX", (2048, 2048), 2), ("ZYX", (64, 512, 512), 1))
    for axes, shape, n_rounds in cases:
        image = photons(shape)
        times = []
        for _ in range(n_rounds):
            start = time.perf_counter()
            cleaned(Instant(device=chosen.device), image, axes, axes)
            times.append(time.perf_counter() - start)
        name = " × ".join(map(str, shape))
        rows[name] = round(float(np.median(times)), 3)
        taken = (peak_memory() - before - 6 * image.size) / 1e6
        print(f"{name:16s}{np.median(times):8.2f} s   {taken:6.0f} MB beside image and result")
        rows[f"{name} MB"] = round(taken)
    return rows


def photons(shape: tuple[int, ...]) -> np.ndarray:
    """A scene as uint16, repeated to fill the shape."""
    rng = np.random.default_rng(0)
    clean = np.resize(scene((512, 512), rng=rng, kind="filaments"), (1, 512, 512))
    repeats = [-(-size // 512) for size in shape[-2:]]
    plane = np.tile(clean[0], repeats)[: shape[-2], : shape[-1]]
    expected = np.broadcast_to(20 + 200 * plane, shape)
    return (rng.poisson(expected) * 4).astype(np.uint16)


def peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the real images")
    parser.add_argument("--full-mix", type=Path, help="folder of groups of noisy and clean PNGs")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--only-instant", action="store_true", help="leave the peers out")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--weights", type=Path, help="in place of those that are shipped")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    chosen = parser.parse_args()
    figures: dict[str, object] = {}
    if chosen.data:
        figures |= quality(chosen)
    if chosen.full_mix:
        figures["full_mix"] = report("FMD, PSNR-255 (dB)", pairs(chosen.full_mix), methods(chosen))
    if chosen.speed:
        figures["speed"] = speed(chosen)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2))
    print("\n* sigma chosen by looking at the clean image: no method a user has")
    print("** instant, moved by the fraction of a pixel by which the specimen had drifted")


if __name__ == "__main__":
    main()
