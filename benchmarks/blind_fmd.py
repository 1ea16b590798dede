"""How well and how fast a method without clean images does on five real confocal images.

    python benchmarks/blind_fmd.py --data ../shared/data/fmd_confocal --method n2v2

PSNR is taken with a data range of 255, of the float32 result against the mean of 50 frames
(FMD data set, doi:10.7274/r0-ed2r-4052). Seconds are wall time of the whole training, reading
and first use of the device included, without the import of torch.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from fmd import CONFOCAL, PLANE, confocal, psnr_255

from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.core.settings import make_settings
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job
from napari_denoise.registry import method_class


def measure(
    folder: Path, name: str, method: TrainingMethod, seed: int, **settings: object
) -> dict[str, float]:
    noisy, clean = confocal(folder, name)
    start, cpu_start = time.perf_counter(), time.process_time()
    model = run(train_job(method, [TrainingImage.of(noisy, PLANE, name)], seed=seed, device="cpu"))
    trained = time.perf_counter()
    denoised = run(
        denoise_job(ModelDenoiser.of(model, device="cpu", **settings), noisy, PLANE)
    ).image.pixels
    return {
        "noisy_db": psnr_255(clean, noisy),
        "denoised_db": psnr_255(clean, denoised),
        "training_s": trained - start,
        "prediction_s": time.perf_counter() - trained,
        "cpu_s": time.process_time() - cpu_start,
        "mean_kept": float(denoised.mean() / noisy.mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with noisy/ and clean/")
    parser.add_argument("--method", default="n2v")
    parser.add_argument("--images", nargs="+", default=CONFOCAL)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--output", default="image")
    parser.add_argument("--average-flips", action="store_true")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    method = make_settings(
        method_class(chosen.method), dict(pair.split("=", 1) for pair in chosen.set)
    )
    applied = {"output": chosen.output, "average_flips": chosen.average_flips}
    rows = {}
    if not chosen.json:
        print(
            f"{'image':10} {'noisy dB':>9} {'result dB':>9} {'training s':>11} "
            f"{'prediction s':>13} {'cpu s':>9} {'mean kept':>10}"
        )
    for name in chosen.images:
        rows[name] = measure(chosen.data, name, method, chosen.seed, **applied)
        if not chosen.json:
            print_row(name, rows[name])
    mean = {key: float(np.mean([row[key] for row in rows.values()])) for key in rows[name]}
    if chosen.json:
        print(json.dumps({**rows, "mean": mean}))
    else:
        print_row("mean", mean)


def print_row(name: str, row: dict[str, float]) -> None:
    print(
        f"{name:10} {row['noisy_db']:9.2f} {row['denoised_db']:9.2f} {row['training_s']:11.1f} "
        f"{row['prediction_s']:13.2f} {row['cpu_s']:9.1f} {row['mean_kept']:10.4f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
