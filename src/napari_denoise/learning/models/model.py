"""What a trained model is: a network, and all that is needed to use it rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import (
    Field,
    SerializeAsAny,
    SkipValidation,
    ValidationInfo,
    field_validator,
    model_validator,
)

from napari_denoise.core.errors import SettingsError
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.settings import Settings
from napari_denoise.learning.methods import TrainingMethod, method_class
from napari_denoise.learning.models.checkpoint import TrainingPoint
from napari_denoise.learning.networks.architecture import Architecture
from napari_denoise.learning.normalization import Normalization

if TYPE_CHECKING:
    from napari_denoise.learning.models.checkpoint import Checkpoint
    from napari_denoise.learning.networks.base import Network

__all__ = ["FORMAT", "Model", "ModelInfo"]

FORMAT = 2
"""Version of the model file; raised whenever an older program would misread a file."""


class ModelInfo(Settings):
    """Everything about a model but its weights.

    Attributes
    ----------
    format : int
        Version of the file format.
    version : str
        Of napari-denoise that trained the model.
    method : TrainingMethod
        The settings it was trained with.
    architecture : Architecture
    normalization : Normalization
        How intensities become what the network sees. Which goes with which is the method's
        matter: see `built_of` there.
    spatial : str
        The axes it takes as space: "YX", "ZYX" or "TYX".
    history : tuple of TrainingPoint
        The last one tells how long it was trained and how well it did.
    recipe : Recipe
        How to train it again.
    """

    format: int = FORMAT
    version: str
    method: SerializeAsAny[TrainingMethod]
    architecture: SerializeAsAny[Architecture]
    normalization: SerializeAsAny[Normalization]
    spatial: Literal["YX", "ZYX", "TYX"]
    history: tuple[TrainingPoint, ...] = Field(min_length=1)
    recipe: Recipe

    @field_validator("method", mode="before")
    @classmethod
    def _read_method(cls, value: Any) -> Any:
        if isinstance(value, TrainingMethod):
            return value
        try:
            return method_class(value["name"]).model_validate(value)
        except (KeyError, SettingsError) as error:
            raise ValueError("there is no such method") from error

    @field_validator("architecture", "normalization", mode="before")
    @classmethod
    def _read_part(cls, value: Any, context: ValidationInfo) -> Any:
        """A part of a model, which is one of those that its method's models have."""
        if isinstance(value, Settings):
            return value
        place = ("architecture", "normalization").index(str(context.field_name))
        for pair in context.data["method"].built_of if "method" in context.data else ():
            # Files of the first format have no names: what has other fields is refused.
            if value.get("name", pair[place].tag()) == pair[place].tag():
                return pair[place].model_validate(value)
        raise ValueError("the method's models have no such part")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if len(self.spatial) != self.architecture.n_spatial:
            raise ValueError("spatial axes and pooling differ in number")
        # What goes together is the method's own matter.
        if not self.method.fits(self.architecture, self.normalization):
            raise ValueError("method, network and normalization do not go together")
        if self.normalization.n_channels != self.architecture.n_channels:
            raise ValueError("normalization and channels differ in number")
        return self

    @property
    def n_channels(self) -> int:
        """How many channels it looks at together; 1 for one at a time."""
        return self.architecture.n_channels

    @property
    def n_steps(self) -> int:
        """How many steps it was trained for; fewer than asked for if it was stopped."""
        return self.history[-1].step

    def in_words(self) -> str:
        """What the model is for: "3D volumes (ZYX), one channel at a time"."""
        what = "3D volumes" if len(self.spatial) == 3 else "2D images"
        several = f"{self.n_channels} channels together"
        channels = "one channel at a time" if self.n_channels == 1 else several
        return f"{what} ({self.spatial}), {channels}"


class Model(ModelInfo):
    """A trained model in memory.

    Attributes
    ----------
    network : Network
        On the CPU, float32, not to be trained further.
    checkpoint : Checkpoint or None
        What the training needs to go on, if it was interrupted.
    """

    # Not Network: pydantic would want to know the type, which is torch's.
    network: SkipValidation[Any] = Field(exclude=True, repr=False)
    checkpoint: SkipValidation[Any] = Field(None, exclude=True, repr=False)

    @classmethod
    def of(cls, info: ModelInfo, network: Network, checkpoint: Checkpoint | None = None) -> Self:
        """Put a network and what is known about it together.

        Parameters
        ----------
        info : ModelInfo
        network : Network
            Of the architecture that it names; on the CPU.
        checkpoint : Checkpoint, optional
            Of an unfinished training.
        """
        # Not to be trained further: without gradients layers are computed in slabs.
        network = network.requires_grad_(requires_grad=False)
        return cls(**dict(info), network=network, checkpoint=checkpoint)
