"""What is compared with what: layers as the core's images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from napari.layers import Image as ImageLayer

from napari_denoise._napari.shared.layers import Source, read_layer, recipe_of, refusal
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.evaluation import check_same_scene

__all__ = ["Subjects", "as_image", "guess_noisy", "guess_reference", "is_map", "reason_against"]

_CLEAN_NAMES = re.compile(r"clean|reference|ground.?truth|(^|\W|_)gt(\W|_|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subjects:
    """The layers of one comparison, as they were when it began.

    Attributes
    ----------
    clean, noisy : Source or None
        The reference, and what the others were made from.
    others : tuple of Source
        What is compared with them.
    data_range : float or None
        As PSNR and SSIM need it; None for the reference's maximum minus its minimum.
    """

    clean: Source | None
    noisy: Source | None
    others: tuple[Source, ...]
    data_range: float | None = None


def as_image(source: Source) -> Image:
    """The layer with its axes, the size of its pixels and its recipe; no pixel is read."""
    return Image(
        source.pixels,
        source.axes,
        scale=tuple(abs(float(step)) or 1.0 for step in source.geometry["scale"]),
        units=tuple(str(unit) for unit in source.geometry["units"]),
        name=source.name,
        recipe=source.recipe,
    )


def reason_against(layer: ImageLayer, companions: Sequence[ImageLayer | None]) -> str:
    """Why a layer cannot be compared with these; empty if it can."""
    if reason := refusal(layer):
        return reason
    for companion in companions:
        if companion is None or companion is layer or refusal(companion):
            continue
        try:
            check_same_scene(as_image(read_layer(layer)), as_image(read_layer(companion)))
        except InputError as error:
            return str(error)
    return ""


def is_map(layer: ImageLayer) -> bool:
    """Whether a layer shows how others differ, and so is none to compare."""
    recipe = recipe_of(layer.metadata)
    return recipe is not None and recipe.operation == "compare"


def guess_reference(layers: Sequence[ImageLayer]) -> ImageLayer | None:
    """The last layer that is called clean, or as clean images are called."""
    named = [
        layer
        for layer in layers
        if _CLEAN_NAMES.search(layer.name) and not recipe_of(layer.metadata)
    ]
    return named[-1] if named else None


def guess_noisy(layers: Sequence[ImageLayer], results: Sequence[ImageLayer]) -> ImageLayer | None:
    """The layer that one of the results says it was denoised from, the latest first."""
    by_name = {layer.name: layer for layer in layers}
    for result in reversed(results):
        recipe = recipe_of(result.metadata)
        if recipe and recipe.operation == "denoise" and recipe.source in by_name:
            return by_name[recipe.source]
    return None
