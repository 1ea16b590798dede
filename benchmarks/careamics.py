"""Ours beside CAREamics 0.3.5: how good, after how much time, in turn and in one run.

    python benchmarks/careamics.py --data FOLDER --careamics PYTHON --json careamics.json

PYTHON is the interpreter of an environment in which CAREamics is installed. Three comparisons,
each on one thread:

n2v     Noise2Void on five confocal frames: CAREamics gets 100 epochs, ours ever more steps, each
        number a training of its own. How soon does it reach what CAREamics reaches in the end?
volume  Noise2Void on a volume, smoothed, taken for clean and recorded anew with 20 photons: as much
        processor time as ours took, and three and ten times that.
pairs   Noise2Noise from frames 1 to 3 of a field, measured on frame 4; CARE from the upper halves
        of frames 1 to 3 with the clean image, measured on the lower half of frame 4; and CARE from
        the other two fields. Again with as much time as ours took, and three and ten times that.

CAREamics runs with its defaults, on patches of 64 by 64 in batches of 16 (8 by 64 by 64 in batches
of 3 for the volume), as its examples do. Its time is that of the training alone, without imports
and setting up; ours is all from the image to the model. Processor time is what other programs on
the machine change least.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import permutations
from pathlib import Path

import numpy as np
import torch
from fmd import (
    CONFOCAL,
    FRAMES,
    GROUPS,
    LOWER,
    PLANE,
    UPPER,
    WHOLE,
    Group,
    Part,
    Timed,
    confocal,
    psnr_255,
    timed,
)
from scipy import ndimage
from skimage.io import imread

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.learning.methods import CARE, N2N, N2V, PairedMethod, TrainingMethod
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job
from napari_denoise.noise import CameraNoise, add_noise_job

RUNNER = Path(__file__).parent / "peers" / "careamics_training.py"
VOLUME_STEPS = (100, 300)
N2V_STEPS = (25, 50, 100, 200, 400, 800)
PAIRED_STEPS = (30, 100)
WHOLE_IMAGE = {"data_range": 255.0, "limits": (-np.inf, np.inf), "first_row": 0}

Row = dict[str, str | int | float]
Look = dict[str, float]


def train_ours(method: TrainingMethod, images: list[TrainingImage]) -> tuple[ModelDenoiser, Timed]:
    model, seconds = timed(lambda: run(train_job(method, images, device="cpu")))
    return ModelDenoiser.of(model, device="cpu"), seconds


def train_careamics(
    interpreter: Path, method: str, arrays: dict[str, np.ndarray | float], *options: str
) -> list[Look]:
    """What it said after some of its epochs, and at last of its own prediction."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.npz"
        np.savez(task, **{**WHOLE_IMAGE, **arrays})
        command = [interpreter, RUNNER, task, "--method", method, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"CAREamics failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def row(who: str, what: str, name: str, db: float, seconds: Timed | Look, **more: int) -> Row:
    taken = asdict(seconds) if isinstance(seconds, Timed) else seconds
    times = {key: round(taken[key], 2) for key in ("wall_s", "cpu_s")}
    return {"what": what, "image": name, "who": who, **more, "db": round(db, 2), **times}


def n2v_rows(chosen: argparse.Namespace) -> Iterator[Row]:
    for name in chosen.images:
        noisy, clean = confocal(chosen.data / "fmd_confocal", name)
        arrays = {"image": noisy, "noisy": noisy, "clean": clean}
        options = ("--axes", "YX", "--epochs", str(chosen.epochs), "--every", "2")
        for look in train_careamics(chosen.careamics, "n2v", arrays, *options):
            if "epoch" in look:
                epochs = int(look["epoch"])
                yield row("CAREamics", "n2v", name, look["db"], look, epochs=epochs)
        for n_steps in N2V_STEPS:
            denoiser, seconds = train_ours(
                N2V(n_steps=n_steps), [TrainingImage.of(noisy, PLANE, name)]
            )
            found = psnr_255(clean, run(denoise_job(denoiser, noisy, PLANE)).image.pixels)
            yield row("ours", "n2v", name, found, seconds, steps=n_steps)


def volume_rows(chosen: argparse.Namespace) -> Iterator[Row]:
    layout, name = Layout("ZYX", "ZYX"), "lightsheet_3d"
    recorded = imread(chosen.data / name / "signal.tif").astype(np.float32)
    smooth = ndimage.gaussian_filter(recorded, (0.7, 1.0, 1.0))
    camera = CameraNoise(photons=20, quantum_efficiency=1, gain=4, offset=100)
    noisy = run(add_noise_job(camera, smooth, rng=np.random.default_rng(0), axes="ZYX")).image
    clean = smooth / smooth.max() * 20 * 4 + 100
    data_range = float(np.ptp(clean))
    for n_steps in VOLUME_STEPS:
        images = [TrainingImage.of(noisy, layout, name)]
        denoiser, seconds = train_ours(N2V(n_steps=n_steps), images)
        error = np.mean((run(denoise_job(denoiser, noisy, layout)).image.pixels - clean) ** 2)
        found = float(10 * np.log10(data_range**2 / error))
        yield row("ours", "volume", name, found, seconds, steps=n_steps)
    arrays = {"image": noisy, "noisy": noisy, "clean": clean, "data_range": data_range}
    options = ("--axes", "ZYX", "--patch-size", "8", "64", "64", "--batch-size", "3")
    budget = ("--epochs", "100000", "--budget", str(max(chosen.shares) * seconds.cpu_s))
    looks = train_careamics(chosen.careamics, "n2v", arrays, *options, *budget)
    yield from shares("volume", name, looks, seconds, chosen.shares)


def pairs_rows(chosen: argparse.Namespace) -> Iterator[Row]:
    groups = [Group(chosen.data / "fmd_repeats" / name) for name in GROUPS]
    for task in (n2n_task, care_task, care_of_others_task):
        for group in groups:
            if group.name in chosen.groups:
                others = [other for other in groups if other is not group]
                yield from paired(chosen, task(group, others))


@dataclass(frozen=True)
class PairedTask:
    """What ours learns from, what CAREamics learns from, and where both are measured."""

    what: str
    group: Group
    method: Callable[..., PairedMethod]
    images: list[TrainingImage]
    shown: np.ndarray
    target: np.ndarray
    part: Part = WHOLE


def n2n_task(group: Group, others: list[Group]) -> PairedTask:
    del others
    frames = TrainingImage.of(group.noisy[:3], FRAMES, group.name)
    pairs = np.array(list(permutations(group.noisy[:3], 2)))
    method = partial(N2N, repeats="S")
    return PairedTask("N2N", group, method, [frames], pairs[:, 0], pairs[:, 1])


def care_task(group: Group, others: list[Group]) -> PairedTask:
    del others
    halves = group.pairs(slice(3), UPPER)
    target = np.asarray(halves.target)
    return PairedTask("CARE", group, CARE, [halves], halves.pixels, target, LOWER)


def care_of_others_task(group: Group, others: list[Group]) -> PairedTask:
    images = [other.pairs(slice(4), WHOLE) for other in others]
    shown, target = (np.concatenate([getattr(i, n) for i in images]) for n in ("pixels", "target"))
    return PairedTask("CARE, others", group, CARE, images, shown, target)


def paired(chosen: argparse.Namespace, task: PairedTask) -> Iterator[Row]:
    """Ours, then CAREamics with the time that our longest training took, and more."""
    name = task.group.name
    for n_steps in PAIRED_STEPS:
        method = task.method(n_steps=n_steps)
        denoiser, seconds = train_ours(method, task.images)
        found = task.group.psnr(denoiser, task.part)
        yield row("ours", task.what, name, found, seconds, steps=n_steps)
    arrays = {
        "image": task.shown,
        "target": task.target,
        "noisy": task.group.noisy[3],
        "clean": task.group.clean,
        "limits": (0, 255),
        "first_row": task.part[0].start or 0,
    }
    budget = ("--epochs", "100000", "--budget", str(max(chosen.shares) * seconds.cpu_s))
    looks = train_careamics(chosen.careamics, method.tag(), arrays, "--axes", "SYX", *budget)
    yield from shares(task.what, name, looks, seconds, chosen.shares)


def shares(
    what: str, name: str, looks: list[Look], seconds: Timed, every: Sequence[int]
) -> Iterator[Row]:
    """The last look within each share of the time, and the best, which takes the clean image."""
    looks = [look for look in looks if "epoch" in look]
    for times in every:
        within = [look for look in looks if look["cpu_s"] <= times * seconds.cpu_s] or looks[:1]
        last, best = within[-1], max(look["db"] for look in within)
        found = row("CAREamics", what, name, last["db"], last, times=times)
        yield found | {"epochs": int(last["epoch"]), "best_db": round(best, 2)}


PARTS = {"n2v": n2v_rows, "volume": volume_rows, "pairs": pairs_rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the real images")
    parser.add_argument("--careamics", type=Path, required=True, help="interpreter with CAREamics")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--images", nargs="+", default=CONFOCAL)
    parser.add_argument("--groups", nargs="+", default=GROUPS)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument(
        "--shares",
        type=int,
        nargs="+",
        default=(1, 3, 10),
        help="how many times the processor time of ours CAREamics gets",
    )
    parser.add_argument("--json", type=Path, help="file to write after each row")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    noise = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    train_ours(N2V(n_steps=2), [TrainingImage.of(noise, PLANE, "to load what is loaded once")])
    rows: list[Row] = []
    for part in chosen.parts:
        for found in PARTS[part](chosen):
            rows.append(found)
            print("  ".join(f"{key} {value}" for key, value in found.items()), flush=True)
            if chosen.json:
                chosen.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
