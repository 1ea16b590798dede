"""What a training comes from, and the model that it makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_denoise.core.recipe import Recipe, software_version
from napari_denoise.learning.data.patches import TrainingImage
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.models.model import Model, ModelInfo
from napari_denoise.learning.networks.build import Network
from napari_denoise.learning.normalization import AnyNormalization
from napari_denoise.learning.training.checkpoint import TrainingRecord, TrainingState
from napari_denoise.learning.training.schedule import Schedule

__all__ = ["Origin"]


_N_NAMED = 50
"""Images of which the recipe tells the names."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Settings, images, seed, and the model that is trained further, if any."""

    method: TrainingMethod
    images: tuple[TrainingImage, ...]
    given_seed: int
    resumed: Model | None = None

    @property
    def seed(self) -> int:
        """Of all random numbers; an interrupted training keeps its own."""
        if self.resumed and self.resumed.state:
            return self.resumed.recipe.seed or 0
        return self.given_seed

    def generators(self) -> tuple[np.random.Generator, np.random.Generator]:
        """For the batches to learn from, and for those that stay the same."""
        rng, validation_rng = np.random.default_rng(self.seed).spawn(2)
        if self.resumed and not self.resumed.state:
            # Other batches than those it has seen already.
            rng = np.random.default_rng((self.seed, self.resumed.n_steps))
        return rng, validation_rng

    @property
    def source(self) -> str:
        """Names of the images and their targets."""
        names = [
            f"{image.name} → {image.target_name}" if image.target_name else image.name
            for image in self.images
        ]
        more = len(names) - _N_NAMED
        return ", ".join(names[:_N_NAMED]) + (f" and {more} more" if more > 0 else "")

    @property
    def fraction(self) -> float:
        """Share of the training that has been done before."""
        state: TrainingState | None = self.resumed.state if self.resumed else None
        if state is None:
            return 0.0
        record = state.record
        return Schedule(self.method, record.schedule, n_done=record.n_done).fraction

    def in_words(self) -> str:
        """What a user should know before an interrupted training goes on; empty if nothing."""
        before = self.resumed.recipe.source if self.resumed and self.resumed.state else self.source
        if before == self.source:
            return ""
        return f"The training began with {before}, and goes on with {self.source}."

    def model(
        self,
        normalization: AnyNormalization,
        network: Network,
        record: TrainingRecord,
        state: TrainingState | None = None,
    ) -> Model:
        """The model, on the CPU, with all that is known about it.

        Parameters
        ----------
        state : TrainingState, optional
            What an unfinished training goes on from.
        """
        info = ModelInfo(
            version=software_version(),
            method=self.method,
            architecture=network.architecture,
            normalization=normalization,
            spatial=self.images[0].layout.spatial,
            history=record.history,
            recipe=self._recipe(record),
        )
        return Model.of(info, network.cpu(), state.cpu() if state else None)

    def _recipe(self, record: TrainingRecord) -> Recipe:
        """How the training went, which may have been shorter or with less than asked for."""
        used: dict[str, Any] = {"n_steps": record.n_done, "batch_size": record.batch_size}
        if self.method.patch_size and record.patch_size != self.method.patch_size:
            used["patch_size"] = record.patch_size
        previous = None
        if self.resumed:
            is_same = self.resumed.state and self.resumed.recipe.source == self.source
            previous = self.resumed.recipe.previous if is_same else self.resumed.recipe
        return Recipe.of(
            "train",
            self.method.model_copy(update=used),
            self.images[0].layout,
            source=self.source,
            seed=self.seed,
            previous=previous,
        )
