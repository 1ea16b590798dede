"""How fast a whole image is predicted: ours, the bare network, and CAREamics, in turn.

    python benchmarks/prediction_speed.py --shape 2048 2048
    python benchmarks/prediction_speed.py --shape 64 512 512 --careamics PYTHON

The bare network is ours in one forward pass, without tiles, slabs, normalisation and progress, on
a part of the image that fits into memory (`--bare`). PYTHON is the interpreter of an environment
with CAREamics; it predicts with the network of its Noise2Void configuration, in tiles as its
documentation has them, and in one piece. Its images may be smaller (`--peer-shape`): speeds are per
pixel. All run in turn, so that a busy machine slows all; on one thread, processor time is what
other programs change least, and what is compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.networks.execution import slabs
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job

RUNNER = Path(__file__).parent / "peers" / "careamics_prediction.py"
TILES = {
    2: {
        "tiles of 64, overlap 48": ((64, 64), (48, 48)),
        "of 256, overlap 48": ((256, 256), (48, 48)),
    },
    3: {
        "tiles of 16×64×64, overlap 8×48×48": ((16, 64, 64), (8, 48, 48)),
        "of 16×128×128, overlap 8×48×48": ((16, 128, 128), (8, 48, 48)),
    },
}
Predict = Callable[[], float]


def speed(n_pixels: int, work: Callable[[], object]) -> float:
    """Megapixels per second of processor time."""
    start = time.process_time()
    work()
    return n_pixels / (time.process_time() - start) / 1e6


def ours(shape: tuple[int, ...], bare: tuple[int, ...], gaps: list[float]) -> dict[str, Predict]:
    axes = "ZYX"[-len(shape) :]
    image = np.random.default_rng(0).normal(100, 20, size=shape).astype(np.float32)
    part = TrainingImage.of(image[tuple(slice(0, 96) for _ in shape)], Layout(axes, axes), "noise")
    model = run(train_job(N2V(n_steps=1), [part], device="cpu"))
    denoiser = ModelDenoiser.of(model, device="cpu")
    tile = torch.from_numpy(image[tuple(map(slice, bare))].copy())[None, None]

    def predict() -> None:
        last = time.perf_counter()
        for _ in denoise_job(denoiser, image, Layout(axes, axes)):
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    def forward() -> None:
        with patch.object(slabs, "WORK_PER_SLAB", float("inf")):  # each layer in one go
            model.network.compute(tile)

    return {
        "bare network": lambda: speed(tile.numel(), forward),
        "ours": lambda: speed(image.size, predict),
    }


@contextmanager
def careamics(
    interpreter: Path, shape: tuple[int, ...], n_threads: int, *, whole: str | None
) -> Iterator[dict[str, Predict]]:
    command = [interpreter, RUNNER, "--axes", "ZYX"[-len(shape) :], "--threads", str(n_threads)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as peer:

        def predict(tile: tuple[int, ...] | None, overlap: tuple[int, ...] | None) -> float:
            assert peer.stdin
            task = {"shape": shape, "tile": tile, "overlap": overlap}
            peer.stdin.write(json.dumps(task) + "\n")
            peer.stdin.flush()
            return prod(shape) / answer()["process_s"] / 1e6

        def answer() -> dict[str, float]:
            assert peer.stdout
            line = peer.stdout.readline()
            if not line:
                raise SystemExit("CAREamics has failed: run its program by hand to see why.")
            found: dict[str, float] = json.loads(line)
            return found

        answer()
        ways = {} if whole == "only" else dict(TILES[len(shape)])
        if whole:
            ways["in one piece"] = (None, None)
        yield {f"CAREamics, {name}": lambda way=way: predict(*way) for name, way in ways.items()}


def compare(contenders: dict[str, Predict], repeats: int) -> None:
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, predict in contenders.items():
            speeds[name].append(predict())
            print(f"{name:46s}{speeds[name][-1]:8.3f} Mpixel/s", flush=True)
    print("median ratio of ours to")
    for name in contenders:
        ratios = [a / b for a, b in zip(speeds["ours"], speeds[name], strict=True)]
        print(f"  {name:44s}{median(ratios):8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", type=int, nargs="+", default=[2048, 2048])
    parser.add_argument("--bare", type=int, nargs="+", help="of the bare network's part")
    parser.add_argument("--careamics", type=Path, help="interpreter of its environment")
    parser.add_argument("--peer-shape", type=int, nargs="+", help="of CAREamics' image")
    parser.add_argument("--whole", choices=("also", "only"), help="CAREamics without tiles")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    shape, gaps = tuple(chosen.shape), list[float]()
    bare = tuple(chosen.bare or [min(size, 1024 if len(shape) == 2 else 256) for size in shape])
    contenders = ours(shape, bare, gaps)
    if chosen.careamics:
        peer_shape = tuple(chosen.peer_shape or shape)
        peer = careamics(chosen.careamics, peer_shape, chosen.threads, whole=chosen.whole)
        with peer as others:
            compare(contenders | others, chosen.repeats)
    else:
        compare(contenders, chosen.repeats)
    print(f"longest time between two yields {max(gaps):.3f} s")


if __name__ == "__main__":
    main()
