"""How fast Noise2Noise and CARE get how good, from the instant denoiser and from scratch.

    python benchmarks/pairs_fmd.py --data ../shared/data/fmd_repeats --json pairs.json

On three groups of the FMD test mix (doi:10.7274/r0-ed2r-4052), four raw frames of one field
each. Noise2Noise learns from pairs of frames 1 to 3 and is measured on frame 4. CARE learns from
the upper halves of frames 1 to 3 with the clean image and is measured on the lower half of frame 4;
in "CARE, others" it learns from the two other groups, which are from other microscopes. Every
number of steps is a training of its own, as the step size falls to zero over it. PSNR in dB with a
data range of 255 against the mean of 50 frames, of the result clipped to 0 to 255.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from fmd import FRAMES, GROUPS, LOWER, PLANE, UPPER, WHOLE, Group

from napari_denoise.core.progress import run
from napari_denoise.instant.denoiser import Instant
from napari_denoise.learning.methods import CARE, N2N, N2V, TrainingMethod
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, TrainingProgress, train_job

STEPS = {"instant": (30, 100), "scratch": (300, 1000)}
STEPS_OTHERS = {"instant": (30,), "scratch": (300,)}

Row = dict[str, str | int | float]


def train_timed(
    method: TrainingMethod, images: list[TrainingImage], seed: int
) -> tuple[ModelDenoiser, float]:
    """A model, and the seconds that one of its steps took: the median."""
    moments: list[float] = []

    def note(event: object) -> None:
        if isinstance(event, TrainingProgress):
            moments.append(time.perf_counter())

    model = run(train_job(method, images, seed=seed, device="cpu"), note)
    seconds = float(np.median(np.diff(moments))) if len(moments) > 1 else float("nan")
    return ModelDenoiser.of(model, device="cpu"), round(seconds, 4)


def rows_of(
    group: Group, others: list[Group], steps: dict[str, tuple[int, ...]], seed: int
) -> Iterator[Row]:
    """All that is measured on one group."""
    for part, where in ((WHOLE, "frame"), (LOWER, "lower half")):
        instant = group.psnr(Instant(device="cpu"), part)
        yield {"what": f"instant, {where}", "group": group.name, "db": instant}
    image = TrainingImage.of(group.noisy[3], PLANE, group.name)
    denoiser, seconds = train_timed(N2V(), [image], seed)
    yield {"what": "N2V", "group": group.name, "db": group.psnr(denoiser), "step_s": seconds}
    repeats = TrainingImage.of(group.noisy[:3], FRAMES, group.name)
    tasks: dict[str, tuple[Callable[..., TrainingMethod], list[TrainingImage], tuple]] = {
        "N2N": (N2N, [repeats], WHOLE),
        "CARE": (CARE, [group.pairs(slice(3), UPPER)], LOWER),
        "CARE, others": (CARE, [other.pairs(slice(4), WHOLE) for other in others], WHOLE),
    }
    for what, (method, images, part) in tasks.items():
        more = {"repeats": "S"} if what == "N2N" else {}
        for start, counts in (STEPS_OTHERS if what.endswith("others") else steps).items():
            for n_steps in counts:
                chosen = method(start=start, n_steps=n_steps, **more)
                denoiser, seconds = train_timed(chosen, images, seed)
                found = {"db": group.psnr(denoiser, part), "step_s": seconds}
                yield {
                    "what": what,
                    "group": group.name,
                    "start": start,
                    "steps": n_steps,
                    **found,
                }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the three groups")
    parser.add_argument("--groups", nargs="+", default=GROUPS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--instant-steps", type=int, nargs="*", default=STEPS["instant"])
    parser.add_argument("--scratch-steps", type=int, nargs="*", default=STEPS["scratch"])
    parser.add_argument("--json", type=Path, help="file to write after each row")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    groups = [Group(chosen.data / name) for name in GROUPS]
    steps = {"instant": tuple(chosen.instant_steps), "scratch": tuple(chosen.scratch_steps)}
    rows: list[Row] = []
    for group in groups:
        if group.name not in chosen.groups:
            continue
        others = [other for other in groups if other is not group]
        for row in rows_of(group, others, steps, chosen.seed):
            rows.append(row)
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            if chosen.json:
                chosen.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
