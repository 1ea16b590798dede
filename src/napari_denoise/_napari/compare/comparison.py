"""What is compared with what, and what can be guessed of that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from napari.layers import Image as ImageLayer

from napari_denoise._napari.shared.layers import read_layer, recipe_of, refusal
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.evaluation import Assessment, check_same_scene, max_minus_min_job, stack_of

__all__ = [
    "Comparison",
    "Measured",
    "data_range_job",
    "guess_noisy",
    "guess_reference",
    "is_map",
    "reason_against",
]

# How clean images are called in samples, in public data and by users; `gt` only as a word, as it
# stands in many others.
_CLEAN_NAMES = re.compile(r"clean|reference|ground.?truth|(^|\W|_)gt(\W|_|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The images of one comparison, as they were when it began.

    Attributes
    ----------
    clean, noisy : Image or None
        The reference, and what the others were made from.
    others : tuple of Image
        What is compared with them.
    data_range : float or None
        As PSNR and SSIM need it; None for the reference's maximum minus its minimum.
    layers : dict of Image to napari.layers.Image
        Where each image is from. A layer is read once, so that it is the same image wherever it
        takes part.
    """

    clean: Image | None
    noisy: Image | None
    others: tuple[Image, ...]
    data_range: float | None = None
    layers: dict[Image, ImageLayer] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        clean: ImageLayer | None,
        noisy: ImageLayer | None,
        others: Sequence[ImageLayer],
        data_range: float | None = None,
    ) -> Comparison:
        """Read the layers, but no pixel of them.

        Parameters
        ----------
        clean, noisy : napari.layers.Image or None
        others : sequence of napari.layers.Image
        data_range : float, optional

        Raises
        ------
        InputError
            If one cannot be worked on, such as an RGB picture.
        """
        # Once each: that a layer is not compared with itself is seen by its being the same image.
        images = {layer: read_layer(layer) for layer in (clean, noisy, *others) if layer}
        return cls(
            images[clean] if clean else None,
            images[noisy] if noisy else None,
            tuple(images[layer] for layer in others),
            data_range,
            {image: layer for layer, image in images.items()},
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of one layer: an assessment, or the reason why there is none."""

    name: str
    assessment: Assessment | None
    error: str = ""


def reason_against(layer: ImageLayer, companions: Sequence[ImageLayer | None]) -> str:
    """Why a layer cannot be compared with others, as a sentence; empty if it can.

    Parameters
    ----------
    layer : napari.layers.Image
    companions : sequence of napari.layers.Image or None
        Reference and noisy image. One that is itself unusable is passed over.
    """
    if reason := refusal(layer):
        return reason
    for companion in companions:
        # What is wrong with the companion itself is no reason against this layer.
        if companion is None or companion is layer or refusal(companion):
            continue
        try:
            check_same_scene(read_layer(layer), read_layer(companion))
        except InputError as error:
            return str(error)
    return ""


def is_map(layer: ImageLayer) -> bool:
    """Whether a layer shows how others differ, and so is none to compare."""
    recipe = recipe_of(layer.metadata)
    return recipe is not None and recipe.operation == "compare"


def guess_reference(layers: Sequence[ImageLayer]) -> ImageLayer | None:
    """The last layer that is called clean, or as clean images are called."""
    # A result is called after its source, and so may have "clean" in its name.
    named = [
        layer
        for layer in layers
        if _CLEAN_NAMES.search(layer.name) and not recipe_of(layer.metadata)
    ]
    return named[-1] if named else None


def guess_noisy(layers: Sequence[ImageLayer], results: Sequence[ImageLayer]) -> ImageLayer | None:
    """The layer that one of the results says it was denoised from, the latest first."""
    by_name = {layer.name: layer for layer in layers}
    # By name, which is all that a recipe knows of its source; the latest result is what the user is
    # looking at.
    for result in reversed(results):
        recipe = recipe_of(result.metadata)
        if recipe and recipe.operation == "denoise" and recipe.source in by_name:
            return by_name[recipe.source]
    return None


def data_range_job(comparison: Comparison) -> Job[Comparison]:
    """The comparison with a data range, measured on the reference where none is given.

    Raises
    ------
    InputError
        If the reference is constant, or a pixel is not finite.
    """
    if comparison.clean is None or comparison.data_range is not None:
        return comparison
    # Measured once for all layers, and told by the progress as what it is: it reads the whole
    # reference.
    job = max_minus_min_job(stack_of(comparison.clean).pixels)
    data_range = yield from nested(job, 0.0, 0.0, f"Measuring {comparison.clean.name}")
    return replace(comparison, data_range=data_range)
