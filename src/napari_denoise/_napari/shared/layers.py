"""What a napari layer means to the core: its pixels, axes, scale, recipe and camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari.layers import Image as ImageLayer
from pydantic import ValidationError

from napari_denoise.core.axes import AXIS_WORDS, default_axes
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import METADATA_KEY, Recipe
from napari_denoise.core.units import PIXEL
from napari_denoise.noise import Calibration

__all__ = [
    "axes_of",
    "calibration_of",
    "image_of_data",
    "keep_calibrations",
    "named_axes",
    "read_layer",
    "recipe_of",
    "refusal",
]

_CALIBRATION_KEY = f"{METADATA_KEY} calibration"

_MORE_SPELLINGS = {
    "S": ("scene", "scenes", "position", "positions", "p", "series", "stage"),
    "T": ("times", "timepoint", "timepoints", "frame", "frames"),
    "C": ("ch", "wavelength", "wavelengths", "lambda"),
    "Z": ("slice", "slices"),
    "X": ("col", "cols"),
}
"""What programs that write axis labels call axes, beyond our own words."""

_LETTER_OF = {
    spelling: letter
    for letter, words in AXIS_WORDS.items()
    for spelling in (
        letter.lower(),
        words.axis,
        words.one,
        words.many,
        *_MORE_SPELLINGS.get(letter, ()),
    )
}


def read_layer(layer: ImageLayer, axes: str = "") -> Image:
    """A layer as an image, without reading a pixel; removing the layer does it no harm.

    Parameters
    ----------
    layer : napari.layers.Image
        Of a multiscale layer the finest level is taken.
    axes : str, optional
        One letter per axis; :func:`axes_of` the layer if empty.

    Returns
    -------
    Image
        With the layer's own array, lazy if the layer is, and its scale, units, name and recipe.

    Raises
    ------
    InputError
        If the layer is an RGB picture, is empty, or has too many or too few axes.
    """
    # Its last axis is colour, which napari does not count among the layer's axes.
    if layer.rgb:
        raise InputError(
            f"{layer.name} is an RGB picture. Split it into channels first: right-click the layer, "
            f"Split RGB."
        )
    pixels, attributes, _ = layer.as_layer_data_tuple()
    return image_of_data(pixels, attributes, axes)


def image_of_data(data: Any, attributes: Mapping[str, Any], axes: str = "") -> Image:
    """What napari hands on for a layer, as an image; no pixel is read.

    Parameters
    ----------
    data : array-like, or a sequence of them for a multiscale layer
    attributes : mapping
        Of the layer; those that are missing are as napari has them for a new one.
    axes : str, optional
        One letter per axis; as the axis labels say if empty.

    Returns
    -------
    Image
        The colours of an RGB picture become its channels.

    Raises
    ------
    InputError, AxesError
        If the pixels are no image, or have too many or too few axes.
    """
    # The finest level; the others are for looking at.
    pixels = data[0] if attributes.get("multiscale") else data
    is_rgb = bool(attributes.get("rgb"))
    n_axes = len(pixels.shape) - is_rgb
    named = axes or named_axes(attributes.get("axis_labels", ())) or default_axes(n_axes)

    def of_axes(key: str, default: Any) -> tuple[Any, ...]:
        # The axis of colours has no place in the world, and gets what an axis without one has.
        return (*attributes.get(key, (default,) * n_axes), *(default,) * is_rgb)

    return Image(
        pixels,
        named + "C" * is_rgb,
        # A layer may be mirrored by a negative scale, which the size of a pixel is not.
        scale=tuple(abs(float(step)) or 1.0 for step in of_axes("scale", 1.0)),
        units=tuple(str(unit) for unit in of_axes("units", PIXEL)),
        origin=of_axes("translate", 0.0),
        name=attributes.get("name", ""),
        recipe=recipe_of(attributes.get("metadata", {})),
    )


def refusal(layer: ImageLayer) -> str:
    """Why a layer cannot be worked on, as a sentence; empty if it can."""
    try:
        read_layer(layer)
    except InputError as error:
        return str(error)
    return ""


def axes_of(layer: ImageLayer) -> str:
    """The axes a layer's labels name; the usual ones for its number of axes if they do not.

    Raises
    ------
    AxesError
        If the layer has fewer than two or more than six axes.
    """
    return named_axes(layer.axis_labels) or default_axes(layer.ndim)


def named_axes(labels: Sequence[str]) -> str:
    """Letters for labels such as "z" or "Time"; empty unless all are known and differ."""
    # All or nothing: a guess for one axis beside names for the others would be wrong unseen.
    letters = [_LETTER_OF.get(label.strip().lower(), "") for label in labels]
    is_complete = all(letters) and len(set(letters)) == len(letters) and {"Y", "X"} <= set(letters)
    return "".join(letters) if is_complete else ""


def recipe_of(metadata: dict[str, Any]) -> Recipe | None:
    """The recipe a layer's metadata hold, if they hold one that can be read."""
    stored = metadata.get(METADATA_KEY)
    try:
        return Recipe.model_validate(stored) if stored else None
    # Written by a later version, or by somebody else: the pixels are none the worse for it.
    except ValidationError:
        return None


def keep_calibrations(layer: ImageLayer, calibrations: Sequence[Calibration]) -> None:
    """Keep in a layer's metadata what was found of its detector, channel by channel."""
    # As plain values, which others can read and a copy of the layer keeps.
    layer.metadata[_CALIBRATION_KEY] = [found.model_dump(mode="json") for found in calibrations]


def calibration_of(layer: ImageLayer, channel: int | None = None) -> Calibration | None:
    """What was found of a layer's detector, if it was looked for.

    Parameters
    ----------
    layer : napari.layers.Image
    channel : int, optional
        Which of its channels; none for a layer without.
    """
    try:
        stored = layer.metadata[_CALIBRATION_KEY][channel or 0]
        # Metadata are anybody's to write: whatever does not read as a calibration is none.
        return Calibration.model_validate(stored)
    except (KeyError, IndexError, TypeError, ValidationError):
        return None
