"""What a training needs to go on where it was interrupted; importing this does not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
from pydantic import Field, field_validator

from napari_denoise.core.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Checkpoint", "CheckpointInfo", "ScheduleRecord", "TrainingPoint"]


class TrainingPoint(Settings):
    """The losses at one moment of the training.

    Attributes
    ----------
    step : int
        Steps done, from 1.
    loss : float
        Mean over the steps since the last point; mean square error in units of the normalised
        image, or of the noise where a camera is known.
    validation_loss : float
        Of the averaged weights, on patches and masked pixels that stay the same.
    """

    step: int
    loss: float
    validation_loss: float


class ScheduleRecord(Settings):
    """How far a schedule has come, as a file keeps it.

    Attributes
    ----------
    seconds : float
        Time spent.
    best_loss : float or None
        Least validation loss so far.
    best_step : int
        The step it was measured at.
    cooling_from : (int, float) or None
        Step and share of the budget at which the loss had stopped falling.
    """

    seconds: float = 0.0
    best_loss: float | None = None
    best_step: int = 0
    cooling_from: tuple[int, float] | None = None


class CheckpointInfo(Settings):
    """Everything about a checkpoint but its tensors; free of torch.

    Attributes
    ----------
    first_step : int
        Steps the model had been trained for before this training began.
    n_done : int
        Steps since then.
    n_rollbacks : int
        How often it has diverged.
    history : tuple of TrainingPoint
    recent_losses : tuple of float
        Of the steps since the last point.
    schedule : ScheduleRecord
    random : dict
        State of the numpy bit generator that draws the patches.
    patch_size : tuple of int
        Per spatial axis, in pixels; with `batch_size` less than asked for if memory was short.
    """

    first_step: int = Field(ge=0)
    n_done: int = Field(ge=0)
    n_rollbacks: int = Field(ge=0)
    history: tuple[TrainingPoint, ...]
    recent_losses: tuple[float, ...]
    schedule: ScheduleRecord
    random: dict[str, Any]
    batch_size: int = Field(ge=1)
    patch_size: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=2, max_length=3)

    @field_validator("random")
    @classmethod
    def _is_state(cls, state: dict[str, Any]) -> dict[str, Any]:
        try:
            # numpy itself knows best what a state is.
            np.random.PCG64().state = cast("Any", state)
        except (TypeError, KeyError, OverflowError) as error:
            raise ValueError("the state of the random numbers is damaged") from error
        return state


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What an unfinished training goes on from.

    Attributes
    ----------
    info : CheckpointInfo
    weights, mean, square : Tensor
        Flat vectors, float32, of the network being trained and of its optimiser; the network
        in the model has the averaged weights.
    """

    info: CheckpointInfo
    weights: Tensor
    mean: Tensor
    square: Tensor

    def cpu(self) -> Checkpoint:
        """The same with its tensors on the CPU."""
        # A file is written from there, and a GPU's memory is for the training.
        tensors = (self.weights, self.mean, self.square)
        return Checkpoint(self.info, *(tensor.cpu() for tensor in tensors))
