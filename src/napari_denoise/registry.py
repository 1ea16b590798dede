"""Every method and noise model there is, by name.

A new one is one class and one word here: forms, command line and reference page follow.
Importing this module does not import torch.
"""

from __future__ import annotations

from typing import Any

from napari_denoise.core.denoiser import Denoiser
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.settings import class_named, describe
from napari_denoise.filters import FILTERS, filter_class
from napari_denoise.instant.denoiser import Instant
from napari_denoise.learning.methods import (
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
from napari_denoise.noise.simulation.composite import SINGLE_NOISES

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


def denoiser_class(name: str) -> type[Denoiser]:
    """The denoiser called `name`; SettingsError if there is none."""
    trained = [cls.tag() for cls in METHODS]
    if name in trained:
        raise SettingsError(f"{name} has to be trained first. Use train, then apply its model.")
    return class_named(DENOISERS, name, "method")


def method_class(name: str) -> type[TrainingMethod]:
    """The training method called `name`; SettingsError if there is none."""
    return class_named(METHODS, name, "learned method")


def noise_class(name: str) -> type[NoiseModel]:
    """The noise model called `name`; SettingsError if there is none."""
    return class_named(NOISES, name, "noise model")


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
