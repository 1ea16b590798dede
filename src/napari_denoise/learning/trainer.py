"""The steps of a training, whatever the method: loss, gradient, averaging, and the way back."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from math import isfinite

import numpy as np
import torch
from torch import Tensor

from napari_denoise.errors import DenoiseError
from napari_denoise.learning.config import TrainingMethod
from napari_denoise.learning.examples import Example
from napari_denoise.learning.model import TrainingPoint
from napari_denoise.learning.networks import Network
from napari_denoise.learning.objectives import make_objective
from napari_denoise.learning.optimizer import AdamW, flatten, flatten_weights
from napari_denoise.learning.starting import Start
from napari_denoise.progress import Notice, Progress

__all__ = ["Trainer", "TrainingProgress"]

_N_POINTS = 50
"""How often, in a whole training, the validation loss is measured."""

_AVERAGED_SHARE = 8
"""The result averages the weights over the last eighth of the training."""

_MAX_ROLLBACKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress(Progress):
    """How a training is doing.

    Attributes
    ----------
    step, n_steps : int
        Steps done, and to be done.
    loss : float
        Of this step: mean square error over the pixels asked for, in units of the normalised
        image, or of the noise where a camera is known.
    validation_loss : float or None
        The same for the averaged weights on patches that stay the same; None between
        measurements.
    """

    step: int
    n_steps: int
    loss: float
    validation_loss: float | None = None


class Trainer:
    """A network being trained.

    Parameters
    ----------
    method : TrainingMethod
    start : Start
        The network with its first weights, and its normalisation.
    validation : Example
        Patches and hidden pixels that stay the same, so that the curve means something.
    device : torch.device
    """

    def __init__(
        self, method: TrainingMethod, start: Start, validation: Example, device: torch.device
    ) -> None:
        self._method = method
        self._objective = make_objective(method, start.normalization, device)
        self._network: Network = start.network.to(device)
        self._average = deepcopy(self._network).requires_grad_(requires_grad=False)
        self._optimizer = AdamW(
            flatten_weights(self._network),
            flatten_weights(self._average),
            n_averaged=max(1.0, method.n_steps / _AVERAGED_SHARE),
        )
        self._validation = validation
        self._history: list[TrainingPoint] = []
        self._recent_losses: list[float] = []
        self._good = self._optimizer.snapshot()
        self._n_rollbacks = 0

    @property
    def is_done(self) -> bool:
        """Whether all steps have been taken."""
        return self._optimizer.n_steps >= self._method.n_steps

    def take_step(self, example: Example) -> TrainingProgress | Notice:
        """Learn from one batch; where that fails, go back to the last good weights.

        Raises
        ------
        DenoiseError
            If it has failed too often.
        """
        parameters = list(self._network.parameters())
        loss = self._loss(self._network, example)
        loss_value = float(loss.detach())
        if not isfinite(loss_value):
            return self._roll_back()
        gradient = flatten(torch.autograd.grad(loss, parameters, materialize_grads=True))
        n_steps, n_done = self._method.n_steps, self._optimizer.n_steps
        self._optimizer.step(gradient, self._learning_rate * (1 - n_done / n_steps))
        self._recent_losses.append(loss_value)
        step, validation_loss = n_done + 1, None
        if step == 1 or step % max(1, n_steps // _N_POINTS) == 0 or self.is_done:
            validation_loss = self._mark()
            if validation_loss is None:
                return self._roll_back()
        return TrainingProgress(
            fraction=step / n_steps,
            message=f"step {step:,} of {n_steps:,}",
            step=step,
            n_steps=n_steps,
            loss=loss_value,
            validation_loss=validation_loss,
        )

    def finish(self) -> tuple[tuple[TrainingPoint, ...], Network]:
        """The history and the averaged network, on the CPU.

        Raises
        ------
        DenoiseError
            If not a single step went well.
        """
        if self._recent_losses and self._mark() is None:
            self._optimizer.restore(self._good)
        if not self._history:
            raise DenoiseError(
                "The training was stopped before it had learned anything, so there is no model. "
                "Start it again, with a lower learning_rate if it reported trouble."
            )
        return tuple(self._history), self._average.cpu()

    @property
    def _learning_rate(self) -> float:
        return self._method.first_step_size() * 0.5**self._n_rollbacks

    def _loss(self, network: Network, example: Example) -> Tensor:
        return self._objective.loss(network, example)

    def _mark(self) -> float | None:
        """Measure the validation loss and keep the weights; None if they are no good."""
        loss: float = self._loss(self._average, self._validation).item()
        if not isfinite(loss):
            return None
        mean_loss = float(np.mean(self._recent_losses))
        point = TrainingPoint(step=self._optimizer.n_steps, loss=mean_loss, validation_loss=loss)
        self._history.append(point)
        self._recent_losses.clear()
        self._good = self._optimizer.snapshot()
        return loss

    def _roll_back(self) -> Notice:
        self._n_rollbacks += 1
        if self._n_rollbacks > _MAX_ROLLBACKS:
            raise DenoiseError(
                f"The training diverged {self._n_rollbacks} times. Lower the learning_rate, or "
                f"look for extreme values in the image."
            )
        self._optimizer.restore(self._good)
        self._recent_losses.clear()
        step = self._optimizer.n_steps
        return Notice(
            fraction=step / self._method.n_steps,
            message=f"The training diverged; going on from step {step} with learning rate "
            f"{self._learning_rate:.2g}.",
        )
