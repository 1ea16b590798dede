"""What a trained model is: a network, and all that is needed to use it rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, SkipValidation, model_validator

from napari_denoise.core.recipe import Recipe
from napari_denoise.core.settings import Settings
from napari_denoise.learning.methods import AnyMethod, DecoNoising, ProbabilisticMethod
from napari_denoise.learning.networks.architecture import (
    AnyArchitecture,
    BlurredArchitecture,
    InstantArchitecture,
    LadderArchitecture,
)
from napari_denoise.learning.normalization import AnyNormalization
from napari_denoise.learning.normalization.camera import Camera
from napari_denoise.learning.normalization.light import Light
from napari_denoise.learning.normalization.noise_model import Detector

if TYPE_CHECKING:
    from napari_denoise.learning.networks.build import Network
    from napari_denoise.learning.training.checkpoint import TrainingState

__all__ = ["FORMAT", "Model", "ModelInfo", "TrainingPoint"]

FORMAT = 2
"""Version of the model file; raised whenever an older program would misread a file."""


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
        Of the averaged weights, on patches and hidden pixels that stay the same.
    """

    step: int
    loss: float
    validation_loss: float


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
    architecture : AnyArchitecture
    normalization : Normalization, Camera, Light or Detector
        How intensities become what the network sees: a camera goes with the instant denoiser's
        and with ladders, a detector with probabilistic methods.
    spatial : str
        The axes it takes as space: "YX", "ZYX" or "TYX".
    history : tuple of TrainingPoint
        The last one tells how long it was trained and how well it did.
    recipe : Recipe
        How to train it again.
    """

    format: int = FORMAT
    version: str
    method: AnyMethod
    architecture: AnyArchitecture
    normalization: AnyNormalization
    spatial: Literal["YX", "ZYX", "TYX"]
    history: tuple[TrainingPoint, ...] = Field(min_length=1)
    recipe: Recipe

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if len(self.spatial) != self.architecture.n_spatial:
            raise ValueError("spatial axes and pooling differ in number")
        has_camera = isinstance(self.normalization, Camera)
        if has_camera != isinstance(self.architecture, InstantArchitecture | LadderArchitecture):
            raise ValueError("network and normalization do not go together")
        is_blurred = isinstance(self.method, DecoNoising)
        if is_blurred != isinstance(self.normalization, Light):
            raise ValueError("method and normalization do not go together")
        if is_blurred != isinstance(self.architecture, BlurredArchitecture):
            raise ValueError("network and method do not go together")
        if isinstance(self.normalization, Detector) != isinstance(self.method, ProbabilisticMethod):
            raise ValueError("normalization and method do not go together")
        n_channels = len(getattr(self.normalization, "stds", (0,)))
        if n_channels != self.architecture.n_channels:
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
    network : UNet, BlurredNetwork or InstantNetwork
        On the CPU, float32, not to be trained further.
    state : TrainingState or None
        What the training needs to go on, if it was interrupted.
    """

    network: SkipValidation[Any] = Field(exclude=True, repr=False)
    state: SkipValidation[Any] = Field(None, exclude=True, repr=False)

    @classmethod
    def of(cls, info: ModelInfo, network: Network, state: TrainingState | None = None) -> Self:
        """Put a network and what is known about it together."""
        network = network.requires_grad_(requires_grad=False)
        return cls(**dict(info), network=network, state=state)
