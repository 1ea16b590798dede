"""The instant denoiser in training: its steps, its loss, how good it is, and how it is kept."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from napari_denoise.core.atomic_write import atomic_write
from napari_denoise.core.errors import SettingsError
from napari_denoise.instant.acquisition import Acquisition, simulate
from napari_denoise.instant.curriculum import Curriculum, patches
from napari_denoise.learning.device import mixed_precision, training_dtype
from napari_denoise.learning.networks.architecture import InstantArchitecture
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.networks.shipped import widened
from napari_denoise.learning.training.grad_scaler import GradScaler
from napari_denoise.learning.training.optimizer import AdamW, flatten_weights
from napari_denoise.noise.anscombe import inverse

__all__ = ["Pretraining"]

_WARM_UP = 300
"""Steps over which the step size rises: Adam's first estimates of the variance are poor."""
_N_AVERAGED = 800.0
"""Steps that the averaged weights reach back. Trade-off: more is steadier, but lags behind while
the network still learns fast."""
_VALIDATION_SEED = 2**31
"""Larger than seeds that people choose, so that no training sees the validation scenes."""
_N_VALIDATION = 16
"""Validation batches of 4 patches; fewer and the best weights are chosen by chance."""
_MAX_NORM = 1.0
"""Longer gradients are cut to this: one patch with a hot pixel must not undo many steps."""


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
        self._scaler = GradScaler(training_dtype(device, 2))
        self._validation = self._validation_batches()
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
        batch = self._acquire(clean, self.curriculum.seed, self.n_steps)
        parameters = list(self.network.parameters())
        loss, gradient = self._scaler.gradient(lambda: _loss(self.network, batch), parameters)
        if gradient is not None and bool(torch.isfinite(norm := gradient.norm())):
            gradient *= (_MAX_NORM / norm).clamp(max=1.0)
            warm = min(1.0, (self.n_steps + 1) / _WARM_UP)
            self._optimizer.step(gradient, self.learning_rate * warm * pace)
        else:  # the step counts all the same, as the next batch follows from its number
            self._optimizer.n_steps += 1
        return loss

    def validate(self) -> float:
        """Mean PSNR in dB of the averaged weights on the validation scenes."""
        scores = []
        with torch.no_grad():
            for batch in self._validation:
                cleaned, _ = _apply(self.average, batch)
                error = (cleaned - batch.clean).square().mean(dim=(1, 2))
                # Relative to each patch's own peak, or the brightest patches alone would count.
                peak = batch.clean.amax(dim=(1, 2)) + 1e-3
                scores.append(10 * torch.log10(peak**2 / error))
        return float(torch.cat(scores).mean())

    def save_state(self, path: Path) -> None:
        """Write all that :meth:`load_state` needs, whole or not at all."""
        steps, tensors = self._optimizer.n_steps, self._optimizer.snapshot().state
        names = ("weights", "average", "mean", "square")
        record = {"n_steps": steps, "best_db": self.best_db, **asdict(self.curriculum)}
        state = {n: t.cpu() for n, t in zip(names, tensors, strict=True)}
        with atomic_write(path) as part:
            save_file(state, part, metadata={"state": json.dumps(record)})

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

    def _acquire(self, clean: np.ndarray[Any, Any], seed: int, step: int) -> Acquisition:
        rng = torch.Generator(self.device).manual_seed(hash((seed, step)) % 2**63)
        return simulate(torch.from_numpy(clean).to(self.device), rng)

    def _validation_batches(self) -> list[Acquisition]:
        apart = replace(self.curriculum, seed=_VALIDATION_SEED, batch_size=4, reuse=1)
        batches = patches(apart, 0)
        return [self._acquire(next(batches), _VALIDATION_SEED, i) for i in range(_N_VALIDATION)]


def _apply(network: InstantNetwork, batch: Acquisition) -> tuple[Tensor, Tensor]:
    """Electrons without noise, and the logarithm of their variance over that of the noise."""
    with mixed_precision(batch.planes.device, 2):
        cleaned, log_variance = network.compute(batch.planes, batch.conditions)
    return inverse(cleaned + batch.level, batch.dark_variance), log_variance


def _loss(network: InstantNetwork, batch: Acquisition) -> Tensor:
    """Squared error in units of the noise, and the likelihood of its size.

    The error is one of intensities, not of stabilised values, so that the best prediction is the
    mean of all that may be there: what a sum over pixels must add up to. Weighing it by the
    prediction, and not by the truth, leaves that so. The weight lies halfway between the noise of
    the pixel and that of the patch: bright structure counts for more than its noise says, as it
    does for users.
    """
    cleaned, log_variance = _apply(network, batch)
    noise = cleaned.detach().clamp(min=0) + batch.dark_variance
    errors = (cleaned - batch.clean).square()
    weight = (noise * noise.mean(dim=(1, 2), keepdim=True)).rsqrt()
    # Bounded, as an exponential of what a network gives may overflow.
    log_variance = log_variance.clamp(-12, 6)
    nll = log_variance + errors.detach() / noise / log_variance.exp()
    # The uncertainty must not cost quality: errors are detached, and the weight is small.
    return (errors * weight).mean() + 0.01 * nll.mean()
