"""The settings that all learned methods share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
from annotated_types import Ge, Le

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.lazy import imported
from napari_denoise.core.settings import PerAxis, Settings, per_axis, setting
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.pairs import Repeats, check_no_target
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.data.simulation import check_clean
from napari_denoise.learning.networks.architecture import (
    Architecture,
    UNetArchitecture,
    choose_pooling,
)
from napari_denoise.learning.normalization.base import Normalization
from napari_denoise.learning.normalization.linear import LinearNormalization
from napari_denoise.noise.simulation.base import Noise

__all__ = ["LEAN", "UNCERTAINTY", "TrainingMethod"]

UNCERTAINTY = "uncertainty"
"""The output that is no image: the standard deviation of what may be there, in its units."""

# On two confocal images Noise2Void with 16 maps and steps twice as large loses nothing against
# 32 (33.60 and 31.19 dB, before 33.56 and 31.26), at a third of the time, and predicts three times
# as fast: docs/benchmarks.md, "Noise2Void".
LEAN: Mapping[int, int] = MappingProxyType({2: 16, 3: 16})
"""Feature maps of methods that gain less from more of them than from more or larger steps."""

PatchWidth = Annotated[int, Ge(1), Le(1024)]


class TrainingMethod(Settings):
    """A way to learn: its settings, and all that the rest of the package has to know of it.

    A subclass adds a field ``name`` with a ``Literal`` tag and what is its own. What needs torch
    is in its :meth:`strategy`.
    """

    title: ClassVar[str]
    strategy_class: ClassVar[str] = "napari_denoise.learning.losses.strategy:Strategy"
    """Where its :meth:`strategy` is, a subclass of ``Strategy``: named here, imported when used."""
    kind: ClassVar[Literal["learned"]] = "learned"
    outputs: ClassVar[tuple[str, ...]] = ("image",)
    """The images that its models can give, the usual one first."""
    sees_channels_jointly: ClassVar[bool] = True
    """Whether its networks can look at several channels at once."""
    citation: ClassVar[str] = ""
    built_of: ClassVar[tuple[tuple[type[Architecture], type[Normalization]], ...]] = (
        (UNetArchitecture, LinearNormalization),
    )
    """The networks and normalisations that its models have, each pair that goes together."""
    takes_psf: ClassVar[bool] = False
    """Whether a measured PSF is of use to it."""
    margin: ClassVar[int] = 0
    """Pixels that its models look at beyond what their networks do."""
    period: ClassVar[tuple[int, int, int]] = (1, 1, 1)
    """Tiles start at multiples of this along Z, Y and X, so as to agree with each other."""
    may_be_turned: ClassVar[bool] = True
    """Whether an image on its side is as good to it: not where noise has an orientation."""
    # Volumes: 8 maps lose 0.8 dB on the volume of docs/benchmarks.md (32.88 and 33.71).
    default_features: ClassVar[Mapping[int, int]] = MappingProxyType({2: 32, 3: 16})
    """Feature maps of the first layer, with two and with three spatial axes.

    A volume costs three times the work per pixel, and has three times the neighbours.
    """
    # Half of what Noise2Void bears (see LEAN); with 0.002 a training of DivNoising has diverged.
    default_step_size: ClassVar[float] = 1e-3
    """Of the optimiser."""
    may_change: ClassVar[frozenset[str]] = frozenset(
        ("n_steps", "max_minutes", "patience", "batch_size", "patch_size", "learning_rate")
    )
    """Settings that may differ when a model is trained further; the others made it what it is."""

    # Noise2Void on five confocal images: 35.83 dB after 200 steps, 36.09 after 400, 36.41 after
    # 800.
    n_steps: int = setting(
        800, "Training steps; one step looks at one batch of patches.", ge=1, le=1_000_000, step=100
    )
    max_minutes: float | None = setting(
        None,
        "Time for the training, which ends when it is over even if steps are left; unset: no "
        "limit.",
        unit="min",
        unset="no limit",
        gt=0,
        le=100_000,
        step=1,
    )
    patience: int | None = setting(
        None,
        "Ends the training when the validation loss has not fallen for so many steps; unset: it "
        "goes on.",
        unit="steps",
        unset="off",
        ge=5,
        le=1_000_000,
        step=100,
        advanced=True,
    )
    # Trade-off: few patches make noisier steps, but more of them in the same time.
    batch_size: int = setting(2, "Patches per step.", ge=1, le=1024, advanced=True)
    # What suits depends on the number of axes and on the network: see `_default_patch_size`.
    patch_size: PerAxis[PatchWidth] | None = setting(
        None,
        "Size of the patches, one value or one per axis (Z, Y, X); unset: chosen from the image.",
        unit="pixels",
        step=8,
        advanced=True,
    )
    learning_rate: float | None = setting(
        None,
        "First step size of the optimiser; it falls to zero over the training; unset: what suits "
        "the method, from 0.0003 where it begins with the instant denoiser to 0.002.",
        gt=0,
        le=1,
        step=1e-4,
        advanced=True,
    )
    # Halved three times Noise2Void is no better (33.41 and 31.11 dB, before 33.51 and 31.12), and
    # takes half as long again.
    depth: int = setting(
        2,
        "How often the network halves the image; each one doubles how far it sees.",
        ge=1,
        le=5,
        advanced=True,
    )
    n_features: int | None = setting(
        None,
        "Feature maps in the network's first layer; unset: 16, or 32 for planes with methods that "
        "make use of so many.",
        ge=4,
        le=256,
        step=8,
        advanced=True,
    )

    def features_for(self, n_spatial: int) -> int:
        """The feature maps of a network with two or three spatial axes."""
        return self.n_features or self.default_features[n_spatial]

    @property
    def learns_from_pairs(self) -> bool:
        """Whether each image needs a second one of the same thing, which it has to give."""
        return False

    def paired_frames(self) -> Repeats | None:
        """Which frames of an image are pairs; None if pairs are images and their targets."""
        return None

    def targets_in_words(self) -> str:
        """What the targets are to be, for a form; empty if it takes none."""
        return ""

    def simulated_noise(self) -> Noise | None:
        """The noise that is added to clean images to learn from; None to learn from noisy ones."""
        return None

    def check_images(self, images: Sequence[TrainingImage]) -> None:
        """Refuse images that lack a second one, or have one in vain; no pixels are read.

        Raises
        ------
        InputError
            If a target is missing, is not asked for, or has another shape.
        AxesError
            If an axis is missing along which there are to be repeats, or noise happens.
        """
        noise = self.simulated_noise()
        # All images first: what is wrong with the noise is wrong whatever the pairs are.
        if noise is not None:
            check_clean(noise, images)
        for image in images:
            if noise is not None:
                check_no_target(image)
            else:
                self._check_target(image)

    def make_psf(
        self, images: Sequence[TrainingImage], patch_size: Sequence[int], measured: Any = None
    ) -> FloatArray | None:
        """The PSF to learn with, axes ``(Z)YX``, of odd sizes and a sum of one; None without blur.

        Parameters
        ----------
        images : sequence of TrainingImage
            Their pixel size turns the optics' numbers into pixels.
        patch_size : sequence of int
            Pixels per spatial axis.
        measured : array-like, ``(Z)YX``, optional
            A measured PSF, used instead of what the settings say.

        Raises
        ------
        InputError, FileError
            If a measured PSF cannot be read or used.
        SettingsError
            If the PSF is larger than the patches, or the images' pixel size is needed but
            unknown, or the method has no use for a PSF.
        """
        del images, patch_size
        if measured is not None:
            raise SettingsError(f"{self.title} has no use for a PSF. Choose DecoNoising.")
        return None

    def batch(self, sampler: PatchSampler, rng: np.random.Generator) -> Batch:
        """Draw patches, and turn them into what the network sees and is asked for.

        Parameters
        ----------
        sampler : PatchSampler
        rng : numpy.random.Generator
            The same numbers give the same batch.
        """
        return sampler.draw(self.batch_size, rng)

    def strategy(self) -> Any:
        """How networks begin, learn and predict; imports torch.

        Returns
        -------
        napari_denoise.learning.losses.strategy.Strategy
        """
        return imported(self.strategy_class)(self)

    def fits(self, architecture: Architecture, normalization: Normalization) -> bool:
        """Whether its models may have this network and this normalisation together.

        Parameters
        ----------
        architecture : Architecture
        normalization : Normalization
        """
        # Pair by pair: a network that began with the instant denoiser's goes with its camera alone.
        return any(
            isinstance(architecture, network) and isinstance(normalization, normalizing)
            for network, normalizing in self.built_of
        )

    def network(self, n_channels: int, patch_size: tuple[int, ...]) -> Architecture:
        """The shape of a fresh network.

        Parameters
        ----------
        n_channels : int
            That it sees together.
        patch_size : tuple of int
            Pixels per spatial axis.
        """
        return UNetArchitecture(
            n_channels=n_channels,
            n_features=self.features_for(len(patch_size)),
            pooling=choose_pooling(patch_size, self.depth),
        )

    def first_step_size(self) -> float:
        """Of the optimiser."""
        return self.learning_rate or self.default_step_size

    def patch_size_for(self, n_spatial: int) -> tuple[int, ...]:
        """The patch size with two or three spatial axes; SettingsError if it is for others."""
        wanted = self.patch_size or self._default_patch_size(n_spatial)
        return cast("tuple[int, ...]", per_axis(wanted, n_spatial, "patch_size"))

    def _check_target(self, image: TrainingImage) -> None:
        """Refuse an image whose target is missing or in vain; there is no noise to be added."""
        if image.target is not None:
            raise InputError(
                f"{self.title} learns from the noisy image alone, and {image.name} comes with a "
                f"target. Leave the target out, or choose a method for pairs."
            )

    def _default_patch_size(self, n_spatial: int) -> tuple[int, ...]:
        # As many pixels in both: a step takes as long, whatever the number of axes. Planes of a
        # volume lie further apart than pixels do, so it has fewer of them.
        return {2: (64, 64), 3: (8, 32, 32)}[n_spatial]
