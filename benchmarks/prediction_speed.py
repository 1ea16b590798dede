"""How much of the bare network's speed is left when a whole image is denoised tile by tile.

    python benchmarks/prediction_speed.py

Both are run in turn, so that a busy machine slows both: the bare network on one large tile that
already lies in memory, and denoise() with tiles, overlap, normalisation, progress and casting.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from unittest.mock import patch

import numpy as np
import torch

from napari_denoise.axes import Layout
from napari_denoise.denoiser import denoise
from napari_denoise.learning import networks
from napari_denoise.learning.config import N2V
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training import TrainingImage, train
from napari_denoise.progress import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048, help="of the image, in pixels")
    parser.add_argument("--tile", type=int, default=1024, help="of the bare network's tile")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    rng = np.random.default_rng(0)
    image = rng.normal(100, 20, size=(chosen.size, chosen.size)).astype(np.float32)
    layout = Layout("YX")
    part = TrainingImage(image[:256, :256], layout, "noise")
    model = run(train(N2V(n_steps=1), [part], device="cpu"))
    denoiser = ModelDenoiser.of(model, device="cpu")
    tile = torch.from_numpy(image[: chosen.tile, : chosen.tile].copy())[None, None]
    speeds, longest_s = [], 0.0
    for _ in range(chosen.repeats + 1):
        with patch.object(networks, "_WORK_PER_SLAB", float("inf")):  # each layer in one go
            start = time.perf_counter()
            model.network(tile)
            bare = tile.numel() / (time.perf_counter() - start) / 1e6
        start = last = time.perf_counter()
        gaps = []
        for _ in denoise(denoiser, image, layout):
            now = time.perf_counter()
            gaps.append(now - last)
            last = now
        tiled = image.size / (time.perf_counter() - start) / 1e6
        speeds.append((bare, tiled, tiled / bare))
        longest_s = max(gaps)
        print(f"bare {bare:.3f}  tiled {tiled:.3f} Mpixel/s  ratio {tiled / bare:.2f}", flush=True)
    bare, tiled, ratio = (median(values) for values in zip(*speeds[1:], strict=True))
    print(f"median of {chosen.repeats}: bare {bare:.3f}, tiled {tiled:.3f} Mpixel/s")
    print(f"median ratio {ratio:.2f}; longest time between two yields {longest_s:.3f} s")


if __name__ == "__main__":
    main()
