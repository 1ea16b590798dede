"""How fast images are measured, beside scikit-image, and how much memory that takes.

Run with ``python benchmarks/metrics.py``. Ours gives PSNR, SI-PSNR, SNR, NRMSE and SSIM, the peer
PSNR, NRMSE and SSIM with the same window, plane by plane; they run in turn, and the ratio of
their best times is what counts. With ``--data FOLDER``, the folder of the real images, each metric
meets its peer alone: by how much they differ, the ratio of times, and how long the peer's one call
lasts, which is what *Cancel* would wait for; and errors of the filters are estimated without the
clean image, as J-invariance has it, with both replacements of masked pixels. ``--gigabytes N`` then
measures two such stacks on disk, and tells by how much the process grew.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import dask.array as da
import numpy as np
import psutil
from skimage import data, io, metrics

from napari_denoise.core.progress import run
from napari_denoise.filters import BM4D, FILTERS, RichardsonLucy
from napari_denoise.metrics import compare_job, j_invariant_error_job, nrmse, psnr, ssim
from napari_denoise.metrics.masking import Masker

DATA_RANGE = 4095.0


def pair(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 4096, shape).astype(np.uint16)
    return clean, clean + rng.normal(0, 50, shape).astype(np.float32)


def peer(clean: np.ndarray, image: np.ndarray) -> tuple[float, float, float]:
    clean, image = clean.astype(np.float64), image.astype(np.float64)
    planes = zip(*(p.reshape(-1, *p.shape[-2:]) for p in (clean, image)), strict=True)
    options = {"gaussian_weights": True, "use_sample_covariance": False}
    ssim = [
        metrics.structural_similarity(*both, data_range=DATA_RANGE, **options) for both in planes
    ]
    return (
        metrics.peak_signal_noise_ratio(clean, image, data_range=DATA_RANGE),
        float(np.mean(ssim)),
        metrics.normalized_root_mse(clean, image),
    )


def timed(work: Callable[[], Any], best: tuple[float, float]) -> tuple[Any, tuple[float, float]]:
    """The result of `work`, and the best wall and processor times so far, in seconds."""
    start = time.perf_counter(), time.process_time()
    result = work()
    wall, processor = time.perf_counter() - start[0], time.process_time() - start[1]
    return result, (min(best[0], wall), min(best[1], processor))


def duel(shape: tuple[int, ...], n_rounds: int) -> None:
    clean, image = pair(shape)
    ours_best = peer_best = (np.inf, np.inf)
    for _ in range(n_rounds):
        ours, ours_best = timed(
            lambda: run(compare_job(clean, image, data_range=DATA_RANGE, is_extended=False)),
            ours_best,
        )
        theirs, peer_best = timed(lambda: peer(clean, image), peer_best)
    difference = max(np.abs(np.subtract((ours.psnr, ours.ssim, ours.nrmse), theirs)))
    wall, processor = (b / a for a, b in zip(ours_best, peer_best, strict=True))
    print(
        f"{'×'.join(map(str, shape)):12} ours {ours_best[0]:.2f} s, scikit-image "
        f"{peer_best[0]:.2f} s, ratio {wall:.2f}, of processor time {processor:.2f}; "
        f"values differ by at most {difference:.0e}",
        flush=True,
    )


def meet_on_real_images(folder: Path, n_rounds: int) -> None:
    """PSNR, NRMSE and SSIM of a noisy plane and of a volume of 16 noisy planes."""
    parts = ("clean", "noisy")
    plane = [io.imread(folder / "fmd_confocal" / part / "fish.tif") for part in parts]
    volume = [np.broadcast_to(image[:256, :256], (16, 256, 256)) for image in plane]
    window = {"gaussian_weights": True, "use_sample_covariance": False, "data_range": 255}
    for clean, noisy in (plane, volume):

        def peer_ssim(a: np.ndarray, b: np.ndarray) -> float:
            planes = zip(*(p.reshape(-1, *p.shape[-2:]) for p in (a, b)), strict=True)
            return np.mean([metrics.structural_similarity(*both, **window) for both in planes])

        for name, ours, theirs in (
            (
                "PSNR",
                lambda a, b: psnr(a, b, data_range=255),
                lambda a, b: metrics.peak_signal_noise_ratio(a, b, data_range=255),
            ),
            ("NRMSE", nrmse, metrics.normalized_root_mse),
            ("SSIM", lambda a, b: ssim(a, b, data_range=255), peer_ssim),
        ):
            best = [(np.inf, np.inf)] * 2
            for _ in range(n_rounds):
                own, best[0] = timed(lambda: ours(clean, noisy), best[0])  # noqa: B023
                other, best[1] = timed(lambda: theirs(clean, noisy), best[1])  # noqa: B023
            print(
                f"{name:12}{'×'.join(map(str, noisy.shape)):>12} ours {own:.6g}, scikit-image "
                f"{other:.6g}, differ by {abs(own - other):.0e}; {best[0][0]:.4f} and "
                f"{best[1][0]:.4f} s, ratio {best[1][0] / best[0][0]:.2f}",
                flush=True,
            )


def estimate_errors(folder: Path) -> None:
    """Estimated over true squared error of each filter, with white noise on two clean images."""
    camera = data.camera()[100:356, 100:356]
    mice = io.imread(folder / "fmd_confocal" / "clean" / "mice.tif")[:256, :256]
    for clean, sigma in ((camera, 15.0), (mice, 8.0), (mice, 3.0)):
        noise = np.random.default_rng(1).normal(0, sigma, clean.shape)
        noisy = (clean + noise).astype(np.float32)[np.newaxis]
        ratios: list[list[float]] = []
        for kind in FILTERS:
            if kind is BM4D or kind is RichardsonLucy:  # for volumes; for another scene
                continue
            known = {"noise_sigma": sigma} if "noise_sigma" in kind.model_fields else {}
            denoise = kind(**known).denoise_tile
            true = np.square(run(denoise(noisy))[0] - clean).mean()
            ratios.append([])
            for keeps_noise in (False, True):
                masker = Masker(keeps_noise=keeps_noise)
                with mock.patch("napari_denoise.metrics.j_invariance.Masker", return_value=masker):
                    job = j_invariant_error_job(denoise, noisy, noise_variance=sigma**2, n_passes=8)
                    ratios[-1].append(run(job).mse / true)
        plain, strong = np.exp(np.log(ratios).mean(axis=0))
        print(f"noise of {sigma:g}: estimates {plain:.2f} (mean), {strong:.2f} (as noisy) of true")


def memory(gigabytes: float) -> None:
    """Measure two stacks on disk, a plane per block, and watch the process grow."""
    n_planes = int(gigabytes * 2**30 / (1024 * 1024 * 2))
    shape = (n_planes, 1024, 1024)
    process, peak, is_over = psutil.Process(), [0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            peak[0] = max(peak[0], process.memory_info().rss)

    with tempfile.TemporaryDirectory() as folder:
        stacks = []
        for i in range(2):
            planes = da.random.default_rng(i).integers(0, 4096, shape, chunks=(1, 1024, 1024))
            path = str(Path(folder) / f"{i}.zarr")
            planes.astype(np.uint16).to_zarr(path)
            stacks.append(da.from_zarr(path))
        before = process.memory_info().rss
        thread = threading.Thread(target=watch)
        thread.start()
        run(compare_job(*stacks, data_range=DATA_RANGE))
        is_over.set()
        thread.join()
    print(f"2 × {gigabytes:g} GB from disk: {(peak[0] - before) / 2**20:.0f} MB more memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=0.0)
    parser.add_argument("--data", type=Path, help="folder of the real images")
    chosen = parser.parse_args()
    if chosen.data:
        meet_on_real_images(chosen.data, chosen.rounds)
        estimate_errors(chosen.data)
    for shape in ((512, 512), (2048, 2048), (64, 512, 512)):
        duel(shape, chosen.rounds)
    if chosen.gigabytes:
        memory(chosen.gigabytes)


if __name__ == "__main__":
    main()
