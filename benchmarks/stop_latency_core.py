"""How long Stop and Cancel take at worst: the time between two yields of a job.

python benchmarks/stop_latency_core.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Generator
from statistics import median
from typing import Any

import numpy as np
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job


def gaps_of(job: Generator[Any, Any, Any]) -> tuple[list[float], Any]:
    """Seconds between yields while the network computes, and the job's result."""
    gaps = []
    while True:
        start = time.perf_counter()
        try:
            event = next(job)
        except StopIteration as end:
            return gaps, end.value
        if not event.message.startswith(("reading", "measuring")):
            gaps.append(time.perf_counter() - start)


def show(name: str, gaps: list[float]) -> None:
    late = sorted(gaps)[int(0.95 * (len(gaps) - 1))]
    print(
        f"{name:14} median {median(gaps):.3f}  95 % {late:.3f}  first {gaps[0]:.3f}  "
        f"longest {max(gaps):.3f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=30)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    rng = np.random.default_rng(0)
    for name, shape, layout in (
        ("2D", (1024, 1024), Layout("YX")),
        ("3D", (40, 256, 256), Layout("ZYX", "ZYX")),
    ):
        image = rng.normal(100, 20, size=shape).astype(np.float32)
        training = [TrainingImage.of(image, layout, name)]
        gaps, model = gaps_of(train_job(N2V(n_steps=chosen.steps), training, device="cpu"))
        show(f"{name} training", gaps)
        gaps, _ = gaps_of(denoise_job(ModelDenoiser.of(model, device="cpu"), image, layout))
        show(f"{name} prediction", gaps)


if __name__ == "__main__":
    main()
