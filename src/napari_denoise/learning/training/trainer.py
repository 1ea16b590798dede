"""The steps of a training, whatever the method: loss, gradient, averaging, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from math import isfinite

import numpy as np
import torch
from torch import Tensor

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.progress import Job, Notice
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.device import training_dtype
from napari_denoise.learning.losses.base import Loss
from napari_denoise.learning.losses.strategy import Start
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.models.checkpoint import Checkpoint, CheckpointInfo, TrainingPoint
from napari_denoise.learning.models.model import Model
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.training.batches import Batches
from napari_denoise.learning.training.grad_scaler import GradScaler
from napari_denoise.learning.training.optimizer import AdamW, flatten_weights
from napari_denoise.learning.training.progress import TrainingProgress
from napari_denoise.learning.training.schedule import Schedule

__all__ = ["Trainer"]

# Trade-off: longer averages are smoother, and lag behind what has just been learned.
_AVERAGED_SHARE = 8
"""The result averages the weights over the last eighth of the training."""

_MAX_ROLLBACKS = 5
"""Each halves the learning rate: after five it is a 32nd, and something else is wrong."""

_MAX_POINTS = 200
"""The history is thinned out where it has more."""


class Trainer:
    """A network being trained.

    Parameters
    ----------
    method : TrainingMethod
    start : Start
        The network with its first weights, and its normalisation.
    batches : Batches
        Whose validation batches stay the same, so that the curve means something.
    device : torch.device
    resumed : Model, optional
        The model that is trained further. If it has a checkpoint, that unfinished training
        goes on; else another one begins with its weights.
    """

    def __init__(
        self,
        method: TrainingMethod,
        start: Start,
        batches: Batches,
        device: torch.device,
        *,
        resumed: Model | None = None,
    ) -> None:
        self._method = method
        self.device = device
        self._loss: Loss = method.strategy().loss(start.normalization, device)
        self._network: Network = start.network.to(device)
        # What is validated, previewed and kept: single steps are noisy, their average is not.
        self._average = deepcopy(self._network).requires_grad_(requires_grad=False)
        self._optimizer = AdamW(
            # Flat vectors: one operation for all weights, in place of one for each tensor.
            flatten_weights(self._network),
            flatten_weights(self._average),
            n_averaged=max(1.0, method.n_steps / _AVERAGED_SHARE),
        )
        self._scaler = GradScaler(training_dtype(device, start.network.architecture.n_spatial))
        self._batches = batches
        self._validation: Sequence[Batch] = batches.validation()
        self._first_step = resumed.n_steps if resumed else 0
        self._history = list(resumed.history) if resumed else []
        self._recent_losses: list[float] = []
        self._n_rollbacks = 0
        self._is_half_done = False
        self.schedule = Schedule(method)
        if resumed and resumed.checkpoint:
            self._go_on_from(resumed.checkpoint)
        self._good = self._optimizer.snapshot()

    @property
    def is_done(self) -> bool:
        """Whether the training has come to its end."""
        return self.schedule.is_done

    @property
    def fraction(self) -> float:
        """Share of the training that is done."""
        return self.schedule.fraction

    @property
    def n_done(self) -> int:
        """Steps taken since the training began, before an interruption or after it."""
        return self._optimizer.n_steps

    @property
    def step(self) -> int:
        """Steps that the model has been trained for, in earlier trainings as well."""
        return self._first_step + self.n_done

    def take_step(self) -> TrainingProgress | Notice:
        """Learn from one batch; where that fails, go back to the last good weights.

        Raises
        ------
        DenoiseError
            If it has failed too often.
        """
        batch = self._batches.draw()
        parameters = list(self._network.parameters())
        loss, gradient = self._scaler.gradient(
            lambda: self._loss.loss(self._network, batch), parameters
        )
        if gradient is None:
            return self._roll_back()
        # Memory may run out amid the update, which then has changed some of the weights.
        self._is_half_done = True
        self._optimizer.step(gradient, self._learning_rate * self.schedule.pace)
        self._is_half_done = False
        self.schedule.advance(self.n_done)
        self._recent_losses.append(loss)
        validation_loss = None
        if self.schedule.validates_now():
            validation_loss = self._validate()
            if validation_loss is None:
                return self._roll_back()
        return self._report(loss, validation_loss)

    def shrink(self) -> Notice:
        """Go on with smaller batches, as memory has run out.

        Raises
        ------
        DeviceError
            If they cannot be smaller.
        """
        words = self._batches.shrink()
        self._validation = self._batches.validation()
        if self._is_half_done:
            self._go_back()
        return Notice(
            fraction=self.fraction,
            message=f"Memory ran out; going on from step {self.step:,} with {words} per batch.",
        )

    def finish(self) -> tuple[Network, CheckpointInfo]:
        """The averaged network, and how it came about.

        Raises
        ------
        DenoiseError
            If not a single step went well.
        """
        # Steps since the last measurement count only if they have led nowhere bad.
        if self._recent_losses and self._validate() is None:
            self._optimizer.restore(self._good)
        if not self._history:
            raise DenoiseError(
                "The training was stopped before it had learned anything, so there is no model. "
                "Start it again, with a lower learning_rate if it reported trouble."
            )
        return self._average, self._info()

    def average(self) -> Network:
        """A copy of the averaged network."""
        return deepcopy(self._average)

    def checkpoint(self) -> Checkpoint | None:
        """A copy of all else that is needed to go on; None if nothing good has been learned yet."""
        optimizer = self._optimizer
        # Their sums tell as well as each number would, and take less time and memory.
        total = optimizer.weights.sum() + optimizer.average.sum() + optimizer.square.sum()
        if not self._history or not bool(total.isfinite()):
            return None
        vectors = (optimizer.weights, optimizer.mean, optimizer.square)
        return Checkpoint(self._info(), *(vector.clone() for vector in vectors))

    def denoise(self, tile: FloatArray) -> Job[FloatArray]:
        """Clean a ``C(Z)YX`` tile with the averaged weights, in the image's units."""
        return self._loss.predict(self._average, tile)

    def saved_bytes(self, batch: Batch) -> int:
        """Bytes that a step on this batch keeps for the gradient."""
        found: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
            return tensor

        # By address, as several layers may keep the same memory.
        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            loss = self._loss.loss(self._network, batch)
        del loss
        return sum(found.values())

    @property
    def _learning_rate(self) -> float:
        return self._method.first_step_size() * 0.5**self._n_rollbacks

    def _info(self) -> CheckpointInfo:
        return CheckpointInfo(
            first_step=self._first_step,
            n_done=self.n_done,
            n_rollbacks=self._n_rollbacks,
            history=tuple(self._history),
            recent_losses=tuple(self._recent_losses),
            schedule=self.schedule.record(),
            random=self._batches.random_state,
            batch_size=self._batches.batch_size,
            patch_size=self._batches.patch_size,
        )

    def _report(self, loss: float, validation_loss: float | None) -> TrainingProgress:
        n_steps = self._first_step + self.schedule.n_steps
        is_guess = self._method.max_minutes is not None and not self.is_done
        return TrainingProgress(
            fraction=self.fraction,
            message=f"step {self.step:,} of {'about ' * is_guess}{n_steps:,}",
            step=self.step,
            n_steps=n_steps,
            loss=loss,
            validation_loss=validation_loss,
        )

    def _validate(self) -> float | None:
        """Measure the validation loss and keep the weights; None if they are no good."""
        # Always the same batches, so that the curve shows the network and not the luck of a draw.
        losses = [self._loss.loss(self._average, batch).item() for batch in self._validation]
        loss = float(np.mean(losses))
        if not isfinite(loss):
            return None
        mean_loss = float(np.mean(self._recent_losses))
        self._history.append(TrainingPoint(step=self.step, loss=mean_loss, validation_loss=loss))
        if len(self._history) > _MAX_POINTS:
            # The first and the last stay: what the curve shows is how far it has fallen.
            del self._history[1:-1:2]
        self.schedule.note_loss(loss)
        self._recent_losses.clear()
        self._good = self._optimizer.snapshot()
        return loss

    def _roll_back(self) -> Notice:
        # Counted over the whole training: one that diverges again and again will not end well.
        self._n_rollbacks += 1
        if self._n_rollbacks > _MAX_ROLLBACKS:
            raise DenoiseError(
                f"The training diverged {self._n_rollbacks} times. Lower the learning_rate, or "
                f"look for extreme values in the image."
            )
        self._go_back()
        return Notice(
            fraction=self.fraction,
            message=f"The training diverged; going on from step {self.step} with learning rate "
            f"{self._learning_rate:.2g}.",
        )

    def _go_back(self) -> None:
        """Return to the last good weights."""
        self._optimizer.restore(self._good)
        self.schedule.advance(self.n_done)
        self._recent_losses.clear()
        self._is_half_done = False

    def _go_on_from(self, checkpoint: Checkpoint) -> None:
        info = checkpoint.info
        self._optimizer.weights.copy_(checkpoint.weights)
        self._optimizer.mean.copy_(checkpoint.mean)
        self._optimizer.square.copy_(checkpoint.square)
        self._optimizer.n_steps = info.n_done
        self._first_step, self._n_rollbacks = info.first_step, info.n_rollbacks
        self._history = list(info.history)
        self._recent_losses = list(info.recent_losses)
        self.schedule = Schedule(self._method, info.schedule, n_done=info.n_done)
