"""How much memory a training holds whose images are a folder larger than that, and how fast it is.

    python benchmarks/training_memory.py --gigabytes 0.25 1 2
    python benchmarks/training_memory.py --gigabytes 1 --compression zlib --spatial ZYX

Stacks of simulated planes (uint16, 16 × 1024 × 1024, TIFF) are written to a temporary folder, then
Noise2Void is trained on all of them. Up to 512 MiB are read into memory, more are not. The figure
is the peak of the whole resident memory, looked up every 5 ms, above what the process held with
everything imported and a small training done.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import tifffile
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.progress import run
from napari_denoise.io.folder import find_images, open_images_job
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.training.job import TrainingProgress, train_job

SHAPE = (16, 1024, 1024)
MB = 2**20


def write_folder(folder: Path, n_bytes: float, compression: str | None) -> int:
    """Fill a folder with stacks; returns how many."""
    rng = np.random.default_rng(0)
    noisy = rng.poisson(rng.uniform(20, 400, (1, 1, 1024)), SHAPE).astype(np.uint16)
    n_files = max(round(n_bytes / noisy.nbytes), 1)
    for i in range(n_files):
        stack = np.roll(noisy, 7 * i, axis=1)
        path = folder / f"{i:04}.tif"
        tifffile.imwrite(path, stack, photometric="minisblack", compression=compression)
    return n_files


@contextmanager
def watched() -> Iterator[list[int]]:
    """The peak of the resident memory in bytes, once left."""
    process, peak, is_over = psutil.Process(), [0], threading.Event()

    def look() -> None:
        while not is_over.is_set():
            peak[0] = max(peak[0], process.memory_info().rss)
            time.sleep(0.005)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        is_over.set()
        thread.join()


def train_on(folder: Path, spatial: str, n_steps: int) -> tuple[float, float]:
    """Train, and return the seconds before the first step and those of a step."""
    files = run(open_images_job(find_images([folder])))
    layout = Layout("ZYX", spatial)
    images = [TrainingImage.of(file.image.pixels, layout, file.path.name) for file in files]
    times = [time.perf_counter()]

    def note(event: object) -> None:
        if isinstance(event, TrainingProgress):
            times.append(time.perf_counter())

    run(train_job(N2V(n_steps=n_steps), images, device="cpu"), note)
    return times[1] - times[0], (times[-1] - times[1]) / (n_steps - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[0.25, 1, 2])
    parser.add_argument("--compression", choices=["zlib", "lzw", "zstd"])
    parser.add_argument("--spatial", choices=["YX", "ZYX"], default="YX")
    parser.add_argument("--steps", type=int, default=200)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        write_folder(Path(name), 1, given.compression)
        train_on(Path(name), given.spatial, 20)
    print("GB of files, files, MB above a small training, s before the first step, ms per step")
    for gigabytes in given.gigabytes:
        with tempfile.TemporaryDirectory() as name:
            n_files = write_folder(Path(name), gigabytes * 2**30, given.compression)
            before = psutil.Process().memory_info().rss
            with watched() as peak:
                start, step = train_on(Path(name), given.spatial, given.steps)
            held = (peak[0] - before) / MB
            print(f"{gigabytes:g}, {n_files}, {held:.0f}, {start:.1f}, {1000 * step:.0f}")


if __name__ == "__main__":
    main()
