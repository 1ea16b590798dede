"""Every method and noise model there is, by name.

A new one is one class and one word here: forms, command line and reference page follow.
Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_denoise.core.denoiser import Denoiser
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.settings import class_named, describe, make_settings
from napari_denoise.filters import FILTERS, all_filters, filter_class
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.instant.denoiser import Instant
from napari_denoise.learning.methods import METHODS, TrainingMethod, method_class
from napari_denoise.learning.models.zoo import ZooDenoiser
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.noise import Noise
from napari_denoise.noise.simulation.composite import SINGLE_NOISES

__all__ = [
    "FILTERS",
    "METHODS",
    "NOISES",
    "denoiser_class",
    "denoiser_of",
    "denoisers",
    "describe_methods",
    "filter_class",
    "make_denoiser",
    "method_class",
    "noise_class",
]

_STORED: dict[str, type[Denoiser]] = {
    cls.tag(): cls for cls in (Stabilized, ModelDenoiser, ZooDenoiser)
}
"""Denoisers that recipes name and nobody chooses by name."""

NOISES: tuple[type[Noise], ...] = SINGLE_NOISES
"""Kinds of noise to simulate; a :class:`~napari_denoise.noise.Composite` adds several."""


def denoisers() -> tuple[type[Denoiser], ...]:
    """Denoisers that need nothing but their settings, the preferred one first."""
    return (Instant, *all_filters())


def denoiser_class(name: str) -> type[Denoiser]:
    """The denoiser called `name`; SettingsError if there is none."""
    if name in [cls.tag() for cls in METHODS]:
        raise SettingsError(f"{name} has to be trained first. Use train, then apply its model.")
    return class_named(denoisers(), name, "method")


def make_denoiser(
    method: str | Denoiser,
    settings: Mapping[str, Any] | None = None,
    *,
    stabilize: bool | None = None,
) -> Denoiser:
    """The denoiser that is meant, in the dock, in Python and on the command line.

    Parameters
    ----------
    method : str or Denoiser
        A name, or settings that are complete.
    settings : mapping, optional
        Values for the settings, where `method` is a name.
    stabilize : bool, optional
        Whether photon noise is evened out first (generalised Anscombe transform); what is not
        given is as the method needs it: on for filters that expect even noise.

    Raises
    ------
    SettingsError
        If there is no such method or setting, or a value is out of bounds.
    """
    if isinstance(method, Denoiser):
        if settings:
            raise SettingsError(
                f"Settings were given twice: in {type(method).__name__}, and as "
                f"{', '.join(settings)}. Give them once."
            )
        denoiser = method
    else:
        denoiser = make_settings(denoiser_class(method), settings or {})
    # Decided here alone, so that dock, notebook and command line agree to the byte.
    if denoiser.expects_even_noise if stabilize is None else stabilize:
        return Stabilized(denoiser=denoiser)
    return denoiser


def denoiser_of(recipe: Recipe | None) -> Denoiser | None:
    """The denoiser that a recipe names; None if there is none, or it cannot be had again."""
    if recipe is None or recipe.operation != "denoise":
        return None
    settings, name = recipe.settings, str(recipe.settings.get("name"))
    try:
        if name in _STORED:
            path = settings.get("path")
            # A model may have been moved, or never saved; a filter needs nothing but its settings.
            is_lost = name != "stabilized" and not (path and Path(str(path)).exists())
            return None if is_lost else make_settings(_STORED[name], settings)
        return make_settings(denoiser_class(name), settings)
    except SettingsError:
        return None


def noise_class(name: str) -> type[Noise]:
    """The noise model called `name`; SettingsError if there is none."""
    return class_named(NOISES, name, "noise model")


def describe_methods() -> list[dict[str, Any]]:
    """Every denoiser as plain JSON values: name, kind, title, citation and settings."""
    classes: tuple[type[Denoiser | TrainingMethod], ...] = (*denoisers(), *METHODS)
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
