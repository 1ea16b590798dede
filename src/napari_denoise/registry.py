"""Every method and noise model there is, by name.

A new one is one class and one word here: forms, command line and reference page follow.
Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from napari_denoise.denoiser import Denoiser
from napari_denoise.errors import SettingsError
from napari_denoise.filters import (
    BM3D,
    BM4D,
    AnisotropicDiffusion,
    Bilateral,
    Box,
    Butterworth,
    Gaussian,
    Median,
    NonLocalMeans,
    RichardsonLucy,
    TotalVariation,
    Wavelet,
    Wiener,
)
from napari_denoise.instant.model import Instant
from napari_denoise.learning.config import (
    CARE,
    IDR,
    N2N,
    N2V,
    N2V2,
    PN2V,
    Autoencoder,
    DecoNoising,
    DivNoising,
    Noise2Fast,
    StructN2V,
    TrainingMethod,
)
from napari_denoise.noise import NoiseModel
from napari_denoise.noise.composite import SINGLE_NOISES
from napari_denoise.settings import Settings, describe

__all__ = [
    "DENOISERS",
    "FILTERS",
    "METHODS",
    "NOISES",
    "denoiser_class",
    "describe_methods",
    "filter_class",
    "method_class",
    "noise_class",
]

FILTERS: tuple[type[Denoiser], ...] = (
    Gaussian,
    Median,
    Box,
    Bilateral,
    NonLocalMeans,
    TotalVariation,
    AnisotropicDiffusion,
    Wavelet,
    Wiener,
    Butterworth,
    BM3D,
    BM4D,
    RichardsonLucy,
)
"""Classical filters."""

DENOISERS: tuple[type[Denoiser], ...] = (Instant, *FILTERS)
"""Denoisers that need nothing but their settings, the preferred one first."""

METHODS: tuple[type[TrainingMethod], ...] = (
    N2V,
    N2V2,
    StructN2V,
    Noise2Fast,
    PN2V,
    IDR,
    DivNoising,
    DecoNoising,
    N2N,
    CARE,
    Autoencoder,
)
"""Ways to train a model, which then is a denoiser."""

NOISES: tuple[type[NoiseModel], ...] = SINGLE_NOISES
"""Kinds of noise to simulate; a :class:`~napari_denoise.noise.Composite` adds several."""


C = TypeVar("C", bound=Settings)


def denoiser_class(name: str) -> type[Denoiser]:
    """The denoiser called `name`; SettingsError if there is none."""
    trained = [cls.tag() for cls in METHODS]
    if name in trained:
        raise SettingsError(f"{name} has to be trained first. Use train, then apply its model.")
    return _find(DENOISERS, name, "method")


def filter_class(name: str) -> type[Denoiser]:
    """The classical filter called `name`; SettingsError if there is none."""
    return _find(FILTERS, name, "filter")


def method_class(name: str) -> type[TrainingMethod]:
    """The training method called `name`; SettingsError if there is none."""
    return _find(METHODS, name, "learned method")


def noise_class(name: str) -> type[NoiseModel]:
    """The noise model called `name`; SettingsError if there is none."""
    return _find(NOISES, name, "noise model")


def describe_methods() -> list[dict[str, Any]]:
    """Every denoiser as plain JSON values: name, kind, title, citation and settings."""
    classes: tuple[type[Denoiser | TrainingMethod], ...] = (*DENOISERS, *METHODS)
    return [
        {
            "name": cls.tag(),
            "kind": cls.kind,
            "title": cls.title,
            "summary": (cls.__doc__ or "").strip().splitlines()[0],
            "citation": cls.citation,
            "settings": [field.to_json() for field in describe(cls)],
            "presets": {name: dict(values) for name, values in cls.presets.items()},
            **({"outputs": list(cls.outputs)} if issubclass(cls, TrainingMethod) else {}),
        }
        for cls in classes
    ]


def _find(classes: Sequence[type[C]], name: str, what: str) -> type[C]:
    by_name = {cls.tag(): cls for cls in classes}
    if name not in by_name:
        raise SettingsError(f"There is no {what} {name!r}. Choose from: {', '.join(by_name)}.")
    return by_name[name]
