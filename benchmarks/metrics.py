"""How fast images are measured, beside scikit-image, and how much memory that takes.

Run with ``python benchmarks/metrics.py``. Ours gives all eight scores, the peer PSNR, SSIM (with
the same window, plane by plane) and NRMSE; they run in turn, and the ratio of their best times
is what counts. ``--gigabytes N`` then measures two stacks of that size on disk, and tells by how
much the process grew.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import dask.array as da
import numpy as np
import psutil
from skimage import metrics

from napari_denoise.metrics import compare
from napari_denoise.progress import run

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


def duel(shape: tuple[int, ...], n_rounds: int) -> None:
    clean, image = pair(shape)
    best = {"ours": np.inf, "peer": np.inf}
    for _ in range(n_rounds):
        start = time.perf_counter()
        ours = run(compare(clean, image, data_range=DATA_RANGE))
        middle = time.perf_counter()
        theirs = peer(clean, image)
        best["ours"] = min(best["ours"], middle - start)
        best["peer"] = min(best["peer"], time.perf_counter() - middle)
    difference = max(np.abs(np.subtract((ours.psnr, ours.ssim, ours.nrmse), theirs)))
    print(
        f"{'×'.join(map(str, shape)):12} ours {best['ours']:.2f} s (8 scores), "
        f"scikit-image {best['peer']:.2f} s (3 of them), ratio {best['peer'] / best['ours']:.2f}; "
        f"values differ by at most {difference:.0e}",
        flush=True,
    )


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
        run(compare(*stacks, data_range=DATA_RANGE))
        is_over.set()
        thread.join()
    print(f"2 × {gigabytes:g} GB from disk: {(peak[0] - before) / 2**20:.0f} MB more memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=0.0)
    chosen = parser.parse_args()
    for shape in ((512, 512), (2048, 2048), (64, 512, 512)):
        duel(shape, chosen.rounds)
    if chosen.gigabytes:
        memory(chosen.gigabytes)


if __name__ == "__main__":
    main()
