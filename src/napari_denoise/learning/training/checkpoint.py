"""What a training needs to go on where it was interrupted, and which trainings may go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
from pydantic import Field, field_validator

from napari_denoise.core.errors import AxesError, SettingsError
from napari_denoise.core.settings import Settings
from napari_denoise.learning.data.patches import TrainingImage
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.models.model import ModelInfo, TrainingPoint
from napari_denoise.learning.training.schedule import ScheduleRecord

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TrainingRecord", "TrainingState", "method_to_go_on_with"]


class TrainingRecord(Settings):
    """Everything about an unfinished training but its tensors.

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
            np.random.PCG64().state = cast("Any", state)
        except (TypeError, KeyError, OverflowError) as error:
            raise ValueError("the state of the random numbers is damaged") from error
        return state


@dataclass(frozen=True, slots=True)
class TrainingState:
    """An unfinished training.

    Attributes
    ----------
    record : TrainingRecord
    weights, mean, square : Tensor
        Flat vectors, float32, of the network being trained and of its optimiser; the network
        in the model has the averaged weights.
    """

    record: TrainingRecord
    weights: Tensor
    mean: Tensor
    square: Tensor

    def cpu(self) -> TrainingState:
        """The same with its tensors on the CPU."""
        tensors = (self.weights, self.mean, self.square)
        return TrainingState(self.record, *(tensor.cpu() for tensor in tensors))


def method_to_go_on_with(
    method: TrainingMethod, images: Sequence[TrainingImage], model: ModelInfo
) -> TrainingMethod:
    """The settings to train a model further with: what is unset and made it what it is, is kept.

    Raises
    ------
    SettingsError
        If the method is another one, or a setting that made the model what it is.
    AxesError
        If the images have other spatial axes or channels.
    """
    if method.tag() != model.method.tag():
        raise SettingsError(
            f"The model was trained with {model.method.title}, and {method.title} cannot go on "
            f"with it. Choose {model.method.title}, or begin with a new network."
        )
    fixed = sorted(type(method).model_fields.keys() - method.may_change)
    kept_settings = {name: getattr(model.method, name) for name in fixed}
    for name, kept in kept_settings.items():
        given = getattr(method, name)
        if given not in (None, kept):
            raise SettingsError(
                f"The model was trained with {name} {kept}, and cannot go on with {given}. "
                f"Leave {name} as it was, or begin with a new network."
            )
    layout, n_channels = images[0].layout, images[0].unit_shape[0]
    if (layout.spatial, n_channels) != (model.spatial, model.n_channels):
        joint = "one channel" if n_channels == 1 else f"{n_channels} channels"
        raise AxesError(
            f"The model was trained on {model.in_words()}; {images[0].name} would give it "
            f"{layout.spatial} with {joint} at a time. Choose the axes as they were, or begin "
            f"with a new network."
        )
    return method.model_copy(update=kept_settings)
