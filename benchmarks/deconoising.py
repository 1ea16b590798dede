"""DecoNoising beside Noise2Void at equal steps, on five real confocal images, over several blurs.

    python benchmarks/deconoising.py --data ../shared/data/fmd_confocal

PSNR is taken with a data range of 255, of the float32 result against the mean of 50 frames (FMD
data set, doi:10.7274/r0-ed2r-4052). The J-invariant loss needs no clean image: it is that of
pixels which the model was not shown, the same for all models of an image.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import tifffile
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.core.settings import make_settings
from napari_denoise.evaluation.self_supervision import estimate_error_of_job
from napari_denoise.learning.methods import N2V, DecoNoising, TrainingMethod
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job
from napari_denoise.metrics import psnr

IMAGES = ("BPAE_B", "BPAE_G", "BPAE_R", "fish", "mice")
LAYOUT = Layout("YX")


def measure(folder: Path, name: str, method: TrainingMethod, seed: int) -> dict[str, float]:
    noisy = tifffile.imread(folder / "noisy" / f"{name}.tif")
    clean = tifffile.imread(folder / "clean" / f"{name}.tif")
    start = time.process_time()
    model = run(train_job(method, [TrainingImage.of(noisy, LAYOUT, name)], seed=seed, device="cpu"))
    seconds = time.process_time() - start
    denoiser = ModelDenoiser.of(model, device="cpu")
    denoised = run(denoise_job(denoiser, noisy, LAYOUT)).image.pixels
    loss = run(estimate_error_of_job(denoiser, noisy, LAYOUT)).loss
    return {
        "psnr_db": psnr(clean, denoised, data_range=255),
        "j_invariant_loss": loss,
        "mean_ratio": float(denoised.mean() / noisy.mean()),
        "processor_s": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with noisy/ and clean/")
    parser.add_argument("--images", nargs="+", default=IMAGES)
    parser.add_argument("--sigmas", nargs="*", default=["0.5", "1.0", "1.5"])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--preset", default="")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-n2v", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    given = dict(pair.split("=", 1) for pair in chosen.set)
    methods: dict[str, TrainingMethod] = {}
    for sigma in chosen.sigmas:
        values = {**given, "psf_sigma": sigma}
        methods[f"sigma {sigma}"] = make_settings(DecoNoising, values, preset=chosen.preset)
    if not chosen.without_n2v:
        shared = {name: value for name, value in given.items() if name in N2V.model_fields}
        methods = {"n2v": make_settings(N2V, shared), **methods}
    for label, method in methods.items():
        rows = []
        for name in chosen.images:
            rows.append(measure(chosen.data, name, method, chosen.seed))
            print(json.dumps({"model": label, "image": name, **rows[-1]}), flush=True)
        mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        print(json.dumps({"model": label, "image": "mean", **mean}), flush=True)


if __name__ == "__main__":
    main()
