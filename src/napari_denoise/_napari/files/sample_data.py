"""*File ▸ Open Sample*: noisy images with their truth, and real ones that others publish."""

from __future__ import annotations

from typing import Any

from napari_denoise._napari.files.opening import layers_of
from napari_denoise.data.public import fetch_public
from napari_denoise.data.samples import make_sample

__all__ = [
    "cells",
    "cells3d",
    "channels",
    "flywing",
    "kidney",
    "lily",
    "mitosis",
    "nuclear_envelope",
    "timelapse",
    "volume",
]

LayerData = tuple[Any, dict[str, Any], str]


# A function for each, and not one with an argument: the manifest can name nothing else.
def cells() -> list[LayerData]:
    """2D, made here."""
    return _procedural("cells")


def volume() -> list[LayerData]:
    """3D, made here."""
    return _procedural("volume")


def timelapse() -> list[LayerData]:
    """A film, made here."""
    return _procedural("timelapse")


def channels() -> list[LayerData]:
    """2D in two channels, made here."""
    return _procedural("channels")


def cells3d() -> list[LayerData]:
    """3D in two channels, downloaded once."""
    return _public("cells3d")


def kidney() -> list[LayerData]:
    """3D in three channels, downloaded once."""
    return _public("kidney")


def lily() -> list[LayerData]:
    """2D in four channels, downloaded once."""
    return _public("lily")


def mitosis() -> list[LayerData]:
    """2D, downloaded once."""
    return _public("mitosis")


def nuclear_envelope() -> list[LayerData]:
    """A film in two channels, downloaded once."""
    return _public("nuclear_envelope")


def flywing() -> list[LayerData]:
    """3D at low light, downloaded once."""
    return _public("flywing")


def _procedural(name: str) -> list[LayerData]:
    """The clean image below the noisy one, in the same contrast."""
    noisy, clean = (layers_of(image) for image in make_sample(name))
    for below, above in zip(clean, noisy, strict=True):
        # In one contrast, so that switching between them shows the noise and nothing else.
        below.contrast_limits_range = above.contrast_limits_range
        below.contrast_limits = above.contrast_limits
        below.visible = len(clean) == 1  # channels add up to one picture: show them once
    return [layer.as_layer_data_tuple() for layer in (*clean, *noisy)]


def _public(name: str) -> list[LayerData]:
    return [layer.as_layer_data_tuple() for layer in layers_of(fetch_public(name))]
