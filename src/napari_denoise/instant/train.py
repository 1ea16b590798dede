"""Train the instant denoiser: ``python -m napari_denoise.instant.train --out FILE``.

It learns from synthetic scenes alone, in pieces: beside the weights lies a ``.state`` file from
which the next call goes on. The last piece is run with ``--finish``: the step size then falls
to zero. The weights written are those with the best quality on validation scenes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.progress import run
from napari_denoise.core.recipe import software_version
from napari_denoise.instant.curriculum import Curriculum, patches
from napari_denoise.instant.denoiser import Instant
from napari_denoise.instant.pretraining import Pretraining
from napari_denoise.io.images import read_image
from napari_denoise.learning.device import resolve_device
from napari_denoise.learning.networks.architecture import InstantArchitecture
from napari_denoise.learning.networks.shipped import load_network, save_network

__all__ = ["main"]


def report(weights: Path, folder: Path) -> dict[str, float]:
    """PSNR in dB (data range 255) of real 8-bit images, by name: to be looked at, never tuned on.

    Parameters
    ----------
    weights : Path
    folder : Path
        With ``noisy/NAME`` and ``clean/NAME``.
    """
    scores = {}
    for path in sorted((folder / "noisy").iterdir()):
        noisy, clean = (read_image(folder / kind / path.name) for kind in ("noisy", "clean"))
        job = denoise_job(Instant(weights=weights), noisy.pixels, Layout(noisy.axes))
        error = np.clip(run(job).image, 0, 255) - np.asarray(clean.pixels, np.float64)
        scores[path.stem] = round(float(10 * np.log10(255**2 / np.mean(error**2))), 2)
    return scores


def seconds(budget: str) -> float:
    """Read "90", "90s", "10m" or "2h".

    Raises
    ------
    argparse.ArgumentTypeError
        If it is none of these.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", budget)
    if not found:
        raise argparse.ArgumentTypeError(f"{budget!r} is no time. Write 90s, 10m or 2h.")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m napari_denoise.instant.train", description=__doc__
    )
    parser.add_argument("--out", type=Path, required=True, help="weights to write (.safetensors)")
    parser.add_argument("--budget", type=seconds, default=600.0, help="how long: 90s, 10m, 2h")
    parser.add_argument("--steps", type=int, help="how many steps at most in this piece")
    parser.add_argument("--device", default="auto", help="cuda, cpu, mps or auto")
    parser.add_argument("--threads", type=int, help="processor threads for the network")
    parser.add_argument("--workers", type=int, default=0, help="processes that make scenes")
    parser.add_argument("--planes", type=int, default=1, help="planes seen at once: 1 for 2D")
    parser.add_argument("--batch", type=int, default=4, help="patches per step")
    parser.add_argument("--reuse", type=int, default=4, help="patches per scene")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--start", type=Path, help="weights to begin with")
    parser.add_argument("--finish", action="store_true", help="let the step size fall to zero")
    parser.add_argument("--report", type=Path, help="folder of noisy/NAME and clean/NAME images")
    parser.add_argument("--validate-every", type=int, default=500, metavar="STEPS")
    return parser


def _begin(options: argparse.Namespace, state: Path) -> Pretraining:
    curriculum = Curriculum(
        seed=options.seed,
        n_planes=options.planes,
        batch_size=options.batch,
        reuse=options.reuse,
    )
    device = resolve_device(options.device)
    architecture = InstantArchitecture(n_planes=options.planes)
    training = Pretraining(curriculum, architecture, device, options.learning_rate)
    if state.exists():
        training.load_state(state)
    elif options.start:
        training.begin_with(load_network(options.start)[0])
    return training


def _say(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def _run(training: Pretraining, options: argparse.Namespace, mark: Callable[[], None]) -> None:
    start, first = time.monotonic(), training.n_steps
    losses: list[float] = []
    batches = patches(training.curriculum, first, n_workers=options.workers)
    done = 0.0
    while done < 1:
        pace = 1 - done if options.finish else 1.0
        losses.append(training.step(next(batches), pace))
        elapsed = time.monotonic() - start
        done = elapsed / options.budget
        if options.steps:
            done = max(done, (training.n_steps - first) / options.steps)
        if training.n_steps % 100 == 0:
            loss = float(np.mean(losses[-100:]))
            _say(step=training.n_steps, loss=round(loss, 5), seconds=round(elapsed, 1))
        if training.n_steps % options.validate_every == 0:
            mark()
    batches.close()  # type: ignore[attr-defined]
    mark()


def main(arguments: list[str] | None = None) -> int:
    """Run one piece of the training; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    state = options.out.with_suffix(".state")
    try:
        training = _begin(options, state)
    except DenoiseError as error:
        sys.stderr.write(f"{error}\n")
        return 2

    def mark() -> None:
        """Measure, keep the state, and the weights if they are the best so far."""
        quality = training.validate()
        _say(step=training.n_steps, validation_db=round(quality, 3))
        if quality > training.best_db:
            training.best_db = quality
            record = {
                **asdict(training.curriculum),
                "steps": training.n_steps,
                "learning_rate": training.learning_rate,
                "validation_db": round(quality, 3),
                "device": training.device.type,
                "date": datetime.now(UTC).date().isoformat(),
                "version": software_version(),
            }
            save_network(training.average, options.out, record)
        training.save_state(state)
        if options.report:
            _say(step=training.n_steps, report=report(options.out, options.report))

    _run(training, options, mark)
    return 0


if __name__ == "__main__":
    sys.exit(main())
