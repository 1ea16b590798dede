"""Several kinds of noise, one after the other, as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import MinLen
from pydantic import Field

from napari_denoise.core.errors import SettingsError
from napari_denoise.noise.simulation.base import Noise, Pixels, Recording
from napari_denoise.noise.simulation.detectors import CameraNoise, ScmosNoise
from napari_denoise.noise.simulation.kinds import (
    Bleaching,
    CorrelatedNoise,
    GaussianNoise,
    PoissonNoise,
    SaltAndPepperNoise,
    SpeckleNoise,
    StripeNoise,
)

__all__ = ["SINGLE_NOISES", "AnyNoise", "Composite", "SingleNoise"]

SINGLE_NOISES: tuple[type[Noise], ...] = (
    PoissonNoise,
    GaussianNoise,
    CameraNoise,
    ScmosNoise,
    CorrelatedNoise,
    StripeNoise,
    SaltAndPepperNoise,
    SpeckleNoise,
    Bleaching,
)
"""All there are."""

SingleNoise = Annotated[
    PoissonNoise
    | GaussianNoise
    | CameraNoise
    | ScmosNoise
    | CorrelatedNoise
    | StripeNoise
    | SaltAndPepperNoise
    | SpeckleNoise
    | Bleaching,
    Field(discriminator="name"),
]


class Composite(Noise):
    """Noises that are added in their order, such as bleaching, shot noise, stripes.

    What depends on the range of intensities (photons in the brightest pixel) goes by the clean
    image's, whatever was added before.
    """

    title: ClassVar[str] = "Several in order"

    name: Literal["composite"] = "composite"
    noises: Annotated[tuple[SingleNoise, ...], MinLen(1)]

    @classmethod
    def of(cls, noises: Sequence[Noise]) -> Noise:
        """These noises as one; a single one as it is.

        Raises
        ------
        SettingsError
            If there is none.
        """
        if not noises:
            raise SettingsError("There is no noise to add. Add at least one kind.")
        parts = [part for noise in noises for part in getattr(noise, "noises", (noise,))]
        return parts[0] if len(parts) == 1 else cls(noises=tuple(parts))

    @property
    def label(self) -> str:
        return " + ".join(noise.label for noise in self.noises)

    @property
    def needs_range(self) -> bool:
        return any(noise.needs_range for noise in self.noises)

    @property
    def needs_time(self) -> bool:
        return any(noise.needs_time for noise in self.noises)

    @property
    def needs_whole_planes(self) -> bool:
        return any(noise.needs_whole_planes for noise in self.noises)

    @property
    def has_own_units(self) -> bool:
        return any(noise.has_own_units for noise in self.noises)

    def check(self, plane_shape: tuple[int, int]) -> None:
        for noise in self.noises:
            noise.check(plane_shape)

    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        noisy = clean
        for noise in self.noises:
            noisy = noise.sample(noisy, recording, rng)
        return noisy


AnyNoise = Annotated[SingleNoise | Composite, Field(discriminator="name")]
"""One kind of noise, or several: what settings may hold."""
