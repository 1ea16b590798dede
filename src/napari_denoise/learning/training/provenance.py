"""What a training comes from, and the model that it makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_denoise.core.errors import AxesError, SettingsError
from napari_denoise.core.recipe import Recipe, software_version
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.models.checkpoint import Checkpoint, CheckpointInfo
from napari_denoise.learning.models.model import Model, ModelInfo
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.normalization import Normalization
from napari_denoise.learning.training.schedule import Schedule

__all__ = ["Provenance", "method_to_go_on_with"]

# A folder may hold thousands, and the names go into every result's metadata.
_N_NAMED = 50
"""Images of which the recipe tells the names."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Settings, images, seed, and the model that is trained further, if any."""

    method: TrainingMethod
    images: tuple[TrainingImage, ...]
    given_seed: int
    resumed: Model | None = None

    @property
    def seed(self) -> int:
        """Of all random numbers; an interrupted training keeps its own."""
        if self.resumed and self.resumed.checkpoint:
            return self.resumed.recipe.seed or 0
        return self.given_seed

    def generators(self) -> tuple[np.random.Generator, np.random.Generator]:
        """For the batches to learn from, and for those that stay the same."""
        # Two streams: what is validated on must not change with the batch size.
        rng, validation_rng = np.random.default_rng(self.seed).spawn(2)
        if self.resumed and not self.resumed.checkpoint:
            # Other batches than those it has seen already.
            # Depends on the steps done: a third training draws others than the second.
            rng = np.random.default_rng((self.seed, self.resumed.n_steps))
        return rng, validation_rng

    @property
    def source(self) -> str:
        """Names of the images and their targets."""
        names = [
            f"{image.name} → {image.target.name}"
            if image.target and image.target.name
            else image.name
            for image in self.images
        ]
        more = len(names) - _N_NAMED
        return ", ".join(names[:_N_NAMED]) + (f" and {more} more" if more > 0 else "")

    @property
    def fraction(self) -> float:
        """Share of the training that has been done before."""
        checkpoint: Checkpoint | None = self.resumed.checkpoint if self.resumed else None
        if checkpoint is None:
            return 0.0
        info = checkpoint.info
        return Schedule(self.method, info.schedule, n_done=info.n_done).fraction

    def in_words(self) -> str:
        """What a user should know before an interrupted training goes on; empty if nothing."""
        before = (
            self.resumed.recipe.source if self.resumed and self.resumed.checkpoint else self.source
        )
        if before == self.source:
            return ""
        return f"The training began with {before}, and goes on with {self.source}."

    def model(
        self,
        normalization: Normalization,
        network: Network,
        done: CheckpointInfo,
        checkpoint: Checkpoint | None = None,
    ) -> Model:
        """The model, on the CPU, with all that is known about it.

        Parameters
        ----------
        checkpoint : Checkpoint, optional
            What an unfinished training goes on from.
        """
        info = ModelInfo(
            version=software_version(),
            method=self.method,
            architecture=network.architecture,
            normalization=normalization,
            spatial=self.images[0].layout.spatial,
            history=done.history,
            recipe=self._recipe(done),
        )
        return Model.of(info, network.cpu(), checkpoint.cpu() if checkpoint else None)

    def _recipe(self, done: CheckpointInfo) -> Recipe:
        """How the training went, which may have been shorter or with less than asked for."""
        used: dict[str, Any] = {"n_steps": done.n_done, "batch_size": done.batch_size}
        if self.method.patch_size and done.patch_size != self.method.patch_size:
            used["patch_size"] = done.patch_size
        previous = None
        if self.resumed:
            # The same training, gone on with, is one step of the recipe, and not two.
            is_same = self.resumed.checkpoint and self.resumed.recipe.source == self.source
            previous = self.resumed.recipe.previous if is_same else self.resumed.recipe
        return Recipe.of(
            "train",
            self.method.model_copy(update=used),
            self.images[0].layout,
            source=self.source,
            seed=self.seed,
            previous=previous,
        )


def method_to_go_on_with(
    method: TrainingMethod, images: Sequence[TrainingImage], model: ModelInfo
) -> TrainingMethod:
    """The settings to train a model further with: what is unset and made it what it is, is kept.

    Parameters
    ----------
    method : TrainingMethod
        As it is asked for now.
    images : sequence of TrainingImage
        To go on with.
    model : ModelInfo

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
    # Settings that made the network what it is: with others its weights would not fit.
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
