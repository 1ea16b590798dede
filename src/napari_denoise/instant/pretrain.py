"""Train the instant denoiser: ``python -m napari_denoise.instant.pretrain --out FILE``.

It learns from made-up scenes alone, in pieces: beside the weights lies a ``.state`` file from
which the next call goes on. The last piece is run with ``--finish``: the step size then falls
to zero. The weights written are those with the best quality on made-up scenes kept apart.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from napari_denoise.axes import Layout
from napari_denoise.denoiser import denoise
from napari_denoise.errors import DenoiseError, SettingsError
from napari_denoise.instant.curriculum import Curriculum, patches
from napari_denoise.instant.exposures import Exposures, expose
from napari_denoise.instant.model import Instant
from napari_denoise.io.images import read_image
from napari_denoise.learning.architecture import InstantArchitecture
from napari_denoise.learning.device import mixed_precision, resolve_device
from napari_denoise.learning.instant_network import InstantNetwork
from napari_denoise.learning.optimizer import AdamW, flatten, flatten_weights
from napari_denoise.learning.pretrained import load_network, save_network, widened
from napari_denoise.learning.stabilization import from_stabilized
from napari_denoise.progress import run
from napari_denoise.recipe import software_version

__all__ = ["Pretraining", "main"]

_WARM_UP = 300
_N_AVERAGED = 800.0
_VALIDATION_SEED = 2**31
_N_VALIDATION = 16
"""Batches kept apart."""

_MAX_NORM = 1.0


class Pretraining:
    """A network on its way, and all that is needed to go on later.

    Parameters
    ----------
    curriculum : Curriculum
    architecture : InstantArchitecture
    device : torch.device
    learning_rate : float
        Step size after the warm-up.
    """

    def __init__(
        self,
        curriculum: Curriculum,
        architecture: InstantArchitecture,
        device: torch.device,
        learning_rate: float = 1e-3,
    ) -> None:
        self.curriculum, self.device, self.learning_rate = curriculum, device, learning_rate
        rng = torch.Generator().manual_seed(curriculum.seed)
        self.network = InstantNetwork(architecture, rng).to(device)
        self.average = InstantNetwork(architecture).to(device).requires_grad_(requires_grad=False)
        self.average.load_state_dict(self.network.state_dict())
        self._optimizer = AdamW(
            flatten_weights(self.network), flatten_weights(self.average), n_averaged=_N_AVERAGED
        )
        self._validation = self._keep_apart()
        self.best_db = -np.inf

    @property
    def n_steps(self) -> int:
        """Steps taken so far."""
        return self._optimizer.n_steps

    def step(self, clean: np.ndarray[Any, Any], pace: float = 1.0) -> float:
        """Learn from one batch; returns the loss.

        Parameters
        ----------
        clean : array, axes NZYX
        pace : float
            Share of the full step size.
        """
        examples = self._expose(clean, self.curriculum.seed, self.n_steps)
        loss = _loss(self.network, examples)
        parameters = list(self.network.parameters())
        gradient = flatten(torch.autograd.grad(loss, parameters))
        norm = gradient.norm()
        if bool(torch.isfinite(norm)):
            gradient *= (_MAX_NORM / norm).clamp(max=1.0)
            warm = min(1.0, (self.n_steps + 1) / _WARM_UP)
            self._optimizer.step(gradient, self.learning_rate * warm * pace)
        else:
            self._optimizer.n_steps += 1
        return float(loss.detach())

    def validate(self) -> float:
        """Mean PSNR in dB of the averaged weights on the scenes kept apart."""
        scores = []
        with torch.no_grad():
            for examples in self._validation:
                cleaned, _ = _apply(self.average, examples)
                error = (cleaned - examples.clean).square().mean(dim=(1, 2))
                peak = examples.clean.amax(dim=(1, 2)) + 1e-3
                scores.append(10 * torch.log10(peak**2 / error))
        return float(torch.cat(scores).mean())

    def save_state(self, path: Path) -> None:
        """Write all that :meth:`load_state` needs, whole or not at all."""
        steps, tensors = self._optimizer.n_steps, self._optimizer.snapshot().state
        names = ("weights", "average", "mean", "square")
        record = {"n_steps": steps, "best_db": self.best_db, **asdict(self.curriculum)}
        unfinished = path.with_suffix(".unfinished")
        state = {n: t.cpu() for n, t in zip(names, tensors, strict=True)}
        save_file(state, unfinished, metadata={"state": json.dumps(record)})
        unfinished.replace(path)

    def load_state(self, path: Path) -> None:
        """Go on from a state of the same curriculum.

        Raises
        ------
        SettingsError
            If it belongs to another one.
        """
        with safe_open(path, framework="pt", device=str(self.device)) as file:
            record = json.loads(file.metadata()["state"])
            tensors = [file.get_tensor(n) for n in ("weights", "average", "mean", "square")]
        self._optimizer.n_steps = record.pop("n_steps")
        self.best_db = record.pop("best_db")
        if record != asdict(self.curriculum):
            raise SettingsError(
                f"The state in {path} is of another training ({record}). "
                f"Give the same options, or another --out."
            )
        snapshot = self._optimizer.snapshot()
        self._optimizer.restore(replace(snapshot, state=tuple(tensors)))

    def begin_with(self, network: InstantNetwork) -> None:
        """Take over weights; further planes start out unseen."""
        given = widened(network, self.curriculum.n_planes).state_dict()
        self.network.load_state_dict(given)
        self.average.load_state_dict(given)

    def _expose(self, clean: np.ndarray[Any, Any], seed: int, step: int) -> Exposures:
        rng = torch.Generator(self.device).manual_seed(hash((seed, step)) % 2**63)
        return expose(torch.from_numpy(clean).to(self.device), rng)

    def _keep_apart(self) -> list[Exposures]:
        apart = replace(self.curriculum, seed=_VALIDATION_SEED, batch_size=4, reuse=1)
        batches = patches(apart, 0)
        return [self._expose(next(batches), _VALIDATION_SEED, i) for i in range(_N_VALIDATION)]


def _apply(network: InstantNetwork, examples: Exposures) -> tuple[Tensor, Tensor]:
    """Electrons without noise, and the logarithm of their variance over that of the noise."""
    with mixed_precision(examples.planes.device, 2):
        cleaned, log_variance = network(examples.planes, examples.conditions)
    return from_stabilized(cleaned + examples.level, examples.dark_variance), log_variance


def _loss(network: InstantNetwork, examples: Exposures) -> Tensor:
    """Squared error in units of the noise, and how well its size was foretold.

    The error is one of intensities, not of stabilised values, so that the best guess is the mean
    of all that may be there: what a sum over pixels must add up to. Weighing it by the guess, and
    not by the truth, leaves that so.
    """
    cleaned, log_variance = _apply(network, examples)
    noise = cleaned.detach().clamp(min=0) + examples.dark_variance
    squares = (cleaned - examples.clean).square() / noise
    expected = log_variance.clamp(-12, 6)
    surprise = expected + squares.detach() / expected.exp()
    return squares.mean() + 0.01 * surprise.mean()


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
        job = denoise(Instant(weights=weights), noisy.pixels, Layout(noisy.axes))
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
        prog="python -m napari_denoise.instant.pretrain", description=__doc__
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
