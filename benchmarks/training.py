"""What the training loop's own choices cost or gain: warm-up, bfloat16, and an end on a plateau.

    python benchmarks/training.py --data ../shared/data/fmd_confocal

Noise2Void with its default settings, but for what the row names, on noisy confocal images against
the mean of 50 frames; PSNR with a data range of 255, in dB, the mean of the seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from fmd import PLANE, confocal, psnr_255, timed

from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.learning import device
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training import schedule
from napari_denoise.learning.training.job import TrainingImage, train_job


@contextmanager
def without_warm_up() -> Iterator[None]:
    with patch.object(schedule, "_WARM_UP_SHARE", 0.0):
        yield


@contextmanager
def in_dtype(dtype: torch.dtype) -> Iterator[None]:
    with patch.object(device, "training_dtype", lambda _place, _n_spatial: dtype):
        yield


@contextmanager
def as_shipped() -> Iterator[None]:
    yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with noisy/ and clean/")
    parser.add_argument("--images", nargs="+", default=("BPAE_G", "fish"))
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--patience", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    plain = N2V(n_steps=chosen.steps)
    patient = N2V(n_steps=10 * chosen.steps, patience=chosen.patience)
    rows = {
        "as shipped": (plain, as_shipped),
        "no warm-up": (plain, without_warm_up),
        "float32": (plain, lambda: in_dtype(torch.float32)),
        "bfloat16": (plain, lambda: in_dtype(torch.bfloat16)),
        f"until {chosen.patience} steps bring nothing": (patient, as_shipped),
        f"{10 * chosen.steps} steps": (N2V(n_steps=10 * chosen.steps), as_shipped),
    }
    for title, (method, change) in rows.items():
        for name in chosen.images:
            with change():
                found = [measure(chosen.data, name, method, seed) for seed in range(chosen.seeds)]
            scores, steps, seconds = np.transpose(found)
            print(
                f"{title:32} {name:8} {scores.mean():7.3f} dB  "
                f"{steps.mean():6.0f} steps {seconds.mean():6.1f} s",
                flush=True,
            )


def measure(folder: Path, name: str, method: N2V, seed: int) -> tuple[float, int, float]:
    """PSNR of the denoised image, steps of the training and its seconds."""
    noisy, clean = confocal(folder, name)
    image = TrainingImage.of(noisy, PLANE, name)
    model, time = timed(lambda: run(train_job(method, [image], seed=seed, device="cpu")))
    denoised = run(denoise_job(ModelDenoiser.of(model, device="cpu"), noisy, PLANE)).image.pixels
    return psnr_255(clean, denoised), model.n_steps, time.wall_s


if __name__ == "__main__":
    main()
