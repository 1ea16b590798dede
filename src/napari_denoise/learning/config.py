"""What a user chooses about training: one settings class per method, free of torch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, cast

from annotated_types import Ge, Le
from pydantic import Field

from napari_denoise.learning.architecture import N_PLANES
from napari_denoise.settings import PerAxis, Settings, per_axis, setting

__all__ = ["CARE", "N2N", "N2V", "AnyMethod", "PairedMethod", "TrainingMethod"]

PatchWidth = Annotated[int, Ge(1), Le(1024)]


class TrainingMethod(Settings):
    """Settings every learned method has: how long, on what, with which network.

    A subclass adds a field ``name`` with a ``Literal`` tag and what is its own.
    """

    title: ClassVar[str]
    kind: ClassVar[Literal["learned"]] = "learned"
    outputs: ClassVar[tuple[str, ...]] = ("image",)
    """The images that its models can give, the usual one first."""
    citation: ClassVar[str] = ""

    n_steps: int = setting(
        800, "Training steps; one step looks at one batch of patches.", ge=1, le=1_000_000, step=100
    )
    batch_size: int = setting(2, "Patches per step.", ge=1, le=1024, advanced=True)
    patch_size: PerAxis[PatchWidth] | None = setting(
        None,
        "Size of the patches, one value or one per axis (Z, Y, X); unset: chosen from the image.",
        unit="pixels",
        step=8,
        advanced=True,
    )
    learning_rate: float | None = setting(
        None,
        "First step size of the optimiser; it falls to zero over the training; unset: 0.001, or "
        "0.0003 where it begins with the instant denoiser.",
        gt=0,
        le=1,
        step=1e-4,
        advanced=True,
    )
    depth: int = setting(
        2,
        "How often the network halves the image; each one doubles how far it sees.",
        ge=1,
        le=5,
        advanced=True,
    )
    n_features: int | None = setting(
        None,
        "Feature maps in the network's first layer; unset: 32 for planes, 16 for volumes.",
        ge=4,
        le=256,
        step=8,
        advanced=True,
    )

    def features_for(self, n_spatial: int) -> int:
        """The feature maps of a network with two or three spatial axes."""
        # A volume costs three times the work per pixel, and has three times the neighbours.
        return self.n_features or {2: 32, 3: 16}[n_spatial]

    def first_step_size(self) -> float:
        """Of the optimiser."""
        return self.learning_rate or 1e-3

    def patch_size_for(self, n_spatial: int) -> tuple[int, ...]:
        """The patch size with two or three spatial axes; SettingsError if it is for others."""
        wanted = self.patch_size or self._default_patch_size(n_spatial)
        return cast("tuple[int, ...]", per_axis(wanted, n_spatial, "patch_size"))

    def _default_patch_size(self, n_spatial: int) -> tuple[int, ...]:
        return {2: (64, 64), 3: (8, 32, 32)}[n_spatial]


class N2V(TrainingMethod):
    """Noise2Void: learns from the noisy image alone, by guessing pixels it may not see."""

    title: ClassVar[str] = "Noise2Void"
    citation: ClassVar[str] = "Krull, Buchholz & Jug 2019, doi:10.1109/CVPR.2019.00223"

    name: Literal["n2v"] = "n2v"
    masked_pixel_percentage: float = setting(
        8.0,
        "Share of a patch's pixels that are hidden and have to be guessed.",
        unit="%",
        gt=0,
        le=50,
        step=0.5,
        advanced=True,
    )
    replacement: Literal["mean", "median", "uniform"] = setting(
        "mean",
        "What stands in for a hidden pixel: the mean or median of its neighbours without itself, "
        "or one neighbour drawn at random (the original method).",
        advanced=True,
    )


class PairedMethod(TrainingMethod):
    """A method that is shown what to give: each image has a second one of the same thing."""

    n_steps: int = setting(
        300,
        "Training steps; one step looks at one batch of patches. From scratch take some thousand.",
        ge=1,
        le=1_000_000,
        step=100,
    )
    start: Literal["instant", "scratch"] = setting(
        "instant",
        "Begin with the instant denoiser, which knows much already, or with a fresh network.",
    )
    depth: int = setting(
        2,
        "From scratch only: how often the network halves the image; each one doubles how far it "
        "sees.",
        ge=1,
        le=5,
        advanced=True,
    )
    n_features: int | None = setting(
        None,
        "From scratch only: feature maps in the network's first layer; unset: 32 for planes, 16 "
        "for volumes.",
        ge=4,
        le=256,
        step=8,
        advanced=True,
    )

    def first_step_size(self) -> float:
        return self.learning_rate or {"instant": 3e-4, "scratch": 1e-3}[self.start]

    def _default_patch_size(self, n_spatial: int) -> tuple[int, ...]:
        if self.start == "scratch":
            return super()._default_patch_size(n_spatial)
        # It sees farther, and looks at a few planes to clean the middle one.
        return (*(N_PLANES[3],) * (n_spatial - 2), 96, 96)


class N2N(PairedMethod):
    """Noise2Noise: learns from two noisy images of the same thing, one to see, one to guess."""

    title: ClassVar[str] = "Noise2Noise"
    citation: ClassVar[str] = "Lehtinen et al. 2018, arXiv:1803.04189"

    name: Literal["n2n"] = "n2n"
    repeats: Literal["T", "S"] | None = setting(
        None,
        "Axis along which the same thing was recorded again and again, with new noise: any two "
        "frames are a pair. Unset: each image has a second one.",
    )


class CARE(PairedMethod):
    """CARE: learns from pairs of a noisy and a clean image, such as a short and a long exposure."""

    title: ClassVar[str] = "CARE"
    citation: ClassVar[str] = "Weigert et al. 2018, doi:10.1038/s41592-018-0216-7"

    name: Literal["care"] = "care"


AnyMethod = Annotated[N2V | N2N | CARE, Field(discriminator="name")]
"""What a model file may name."""
