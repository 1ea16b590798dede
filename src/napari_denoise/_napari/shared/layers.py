"""What a napari layer means to the core, and how a result becomes a layer again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Image
from pydantic import ValidationError

from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.axes import default_axes
from napari_denoise.core.errors import InputError
from napari_denoise.core.recipe import METADATA_KEY, Recipe
from napari_denoise.evaluation import Checked
from napari_denoise.noise import Calibration

__all__ = [
    "Source",
    "axes_of",
    "calibration_of",
    "clipped_in_words",
    "growing_layer",
    "is_preview",
    "keep_calibrations",
    "named_axes",
    "plane_of_source",
    "plane_translate",
    "preview_layer",
    "read_layer",
    "recipe_of",
    "refusal",
    "result_layer",
    "tell_intensities",
]

_GEOMETRY = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
_DISPLAY = (
    "colormap",
    "gamma",
    "blending",
    "opacity",
    "contrast_limits",
    "interpolation2d",
    "interpolation3d",
    "rendering",
    "projection_mode",
)
"""A result is shown as its source is, so that the eye compares pixels and nothing else."""

_PREVIEW_KEY = f"{METADATA_KEY} preview"

_CALIBRATION_KEY = f"{METADATA_KEY} calibration"

_LETTER_OF = {
    word: letter
    for letter, words in {
        "S": "s sample samples scene scenes position positions p series stage",
        "T": "t time times frame frames timepoint timepoints",
        "C": "c ch channel channels wavelength wavelengths lambda",
        "Z": "z depth plane planes slice slices",
        "Y": "y row rows height",
        "X": "x column columns col cols width",
    }.items()
    for word in words.split()
}


@dataclass(frozen=True, slots=True)
class Source:
    """An image layer as it was when a job began; removing the layer does it no harm.

    Attributes
    ----------
    name : str
    pixels : array-like
        The layer's own array, lazy if the layer is; the finest level of a multiscale layer.
    axes : str
        One letter per axis of `pixels`.
    recipe : Recipe or None
        How the layer was made, if it is one of our results.
    layer : napari.layers.Image
        Asked for its colours once the result is there: they may change while a job runs.
    geometry : dict
        What places the pixels in the world.
    """

    name: str
    pixels: Any
    axes: str
    recipe: Recipe | None
    layer: Image
    geometry: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return tuple(int(size) for size in self.pixels.shape)


def read_layer(layer: Image, axes: str = "") -> Source:
    """Take from a layer what a job needs, without reading a pixel.

    Parameters
    ----------
    layer : napari.layers.Image
    axes : str, optional
        One letter per axis; :func:`axes_of` the layer if empty.

    Raises
    ------
    InputError
        If the layer is an RGB picture, or has too many or too few axes.
    """
    if layer.rgb:
        raise InputError(
            f"{layer.name} is an RGB picture. Split it into channels first: right-click the layer, "
            f"Split RGB."
        )
    state = layer.as_layer_data_tuple()[1]
    return Source(
        name=layer.name,
        pixels=layer.data[0] if layer.multiscale else layer.data,
        axes=axes or axes_of(layer),
        recipe=recipe_of(layer.metadata),
        layer=layer,
        geometry={key: state[key] for key in _GEOMETRY},
    )


def refusal(layer: Image) -> str:
    """Why a layer cannot be worked on, as a sentence; empty if it can."""
    try:
        read_layer(layer)
    except InputError as error:
        return str(error)
    return ""


def axes_of(layer: Image) -> str:
    """The axes a layer's labels name; the usual ones for its number of axes if they do not.

    Raises
    ------
    AxesError
        If the layer has fewer than two or more than six axes.
    """
    return named_axes(layer.axis_labels) or default_axes(layer.ndim)


def named_axes(labels: Sequence[str]) -> str:
    """Letters for labels such as "z" or "Time"; empty unless all are known and differ."""
    letters = [_LETTER_OF.get(label.strip().lower(), "") for label in labels]
    is_complete = all(letters) and len(set(letters)) == len(letters) and {"Y", "X"} <= set(letters)
    return "".join(letters) if is_complete else ""


def recipe_of(metadata: dict[str, Any]) -> Recipe | None:
    """The recipe a layer's metadata hold, if they hold one that can be read."""
    stored = metadata.get(METADATA_KEY)
    try:
        return Recipe.model_validate(stored) if stored else None
    except ValidationError:
        return None


def keep_calibrations(layer: Image, calibrations: Sequence[Calibration]) -> None:
    """Keep in a layer's metadata what was found of its detector, channel by channel."""
    layer.metadata[_CALIBRATION_KEY] = [found.model_dump(mode="json") for found in calibrations]


def calibration_of(layer: Image, channel: int | None = None) -> Calibration | None:
    """What was found of a layer's detector, if it was looked for.

    Parameters
    ----------
    layer : napari.layers.Image
    channel : int, optional
        Which of its channels; none for a layer without.
    """
    try:
        stored = layer.metadata[_CALIBRATION_KEY][channel or 0]
        return Calibration.model_validate(stored)
    except (KeyError, IndexError, TypeError, ValidationError):
        return None


def result_layer(
    source: Source, pixels: Any, *, label: str, recipe: Recipe, is_image: bool = True
) -> Image:
    """A new layer for a result: where its source is, shown as its source is.

    Parameters
    ----------
    source : Source
        What the job read.
    pixels : array-like
        The result, in the shape of ``source.pixels``; several along a leading axis get a slider.
    label : str
        What was done, in a word or two.
    recipe : Recipe
        How to do it again; the source's own recipe is put before it.
    is_image : bool
        Whether it is a cleaned image; what is only about the image, such as its uncertainty, gets
        contrast limits of its own.
    """
    state = source.layer.as_layer_data_tuple()[1]
    chained = recipe.model_copy(update={"source": source.name, "previous": source.recipe})
    layer = Image(
        pixels,
        name=f"{source.name} · {label}",
        rgb=False,
        metadata={METADATA_KEY: chained.model_dump(mode="json")},
        **(_stacked(source) if pixels.ndim > len(source.axes) else source.geometry),
        **{key: state[key] for key in _DISPLAY},
    )
    layer.contrast_limits_range = source.layer.contrast_limits_range
    if not is_image:
        layer.reset_contrast_limits_range()
        layer.reset_contrast_limits()
    return layer


def _stacked(source: Source) -> dict[str, Any]:
    """A source's geometry with a leading axis, along which several results lie."""
    geometry, n = dict(source.geometry), len(source.axes)
    for key, size in (("rotate", n), ("affine", n + 1)):
        matrix = np.eye(size + 1)
        matrix[1:, 1:] = geometry[key]
        geometry[key] = matrix
    shear = np.asarray(geometry["shear"])
    # A vector holds what is above the diagonal, row by row; of the new row that is nothing.
    geometry["shear"] = np.pad(shear, (n, 0) if shear.ndim == 1 else ((1, 0), (1, 0)))
    geometry["scale"] = (1.0, *geometry["scale"])
    geometry["translate"] = (0.0, *geometry["translate"])
    geometry["units"] = ("pixel", *geometry["units"])
    labels = geometry["axis_labels"]
    geometry["axis_labels"] = ("sample", *(labels if named_axes(labels) else source.axes.lower()))
    return geometry


def preview_layer(source: Source, plane: Any, place: Mapping[str, int]) -> Image:
    """A layer for one plane of a result that is only tried: shown where its source has the plane.

    Parameters
    ----------
    source : Source
    plane : array, YX
    place : mapping of str to int
        Index of the plane along each other axis of the source.
    """
    state = source.layer.as_layer_data_tuple()[1]
    layer = Image(
        plane_of_source(source, plane),
        name=f"{source.name} · preview",
        rgb=False,
        metadata={_PREVIEW_KEY: True},
        **{**source.geometry, "translate": plane_translate(source, place)},
        **{**{key: state[key] for key in _DISPLAY}, "blending": "translucent"},
    )
    layer.contrast_limits_range = source.layer.contrast_limits_range
    return layer


def growing_layer(source: Source, pixels: Any) -> Image:
    """A layer for a result that is still being written, shown over its source."""
    state = source.layer.as_layer_data_tuple()[1]
    layer = Image(
        pixels,
        name=f"{source.name} · under way",
        rgb=False,
        metadata={_PREVIEW_KEY: True},
        **source.geometry,
        **{**{key: state[key] for key in _DISPLAY}, "blending": "translucent"},
    )
    layer.contrast_limits_range = source.layer.contrast_limits_range
    return layer


def plane_of_source(source: Source, plane: Any) -> Any:
    """A plane, YX, with the source's axes; those that are neither Y nor X have length one."""
    sizes = dict(zip("YX", plane.shape, strict=True))
    in_order = plane if source.axes.index("Y") < source.axes.index("X") else plane.T
    return in_order.reshape([sizes.get(letter, 1) for letter in source.axes])


def plane_translate(source: Source, place: Mapping[str, int]) -> Any:
    """The ``translate`` of a layer that holds only this plane of a source."""
    layer, first = source.layer, np.zeros(len(source.axes))
    index = np.array([place.get(letter, 0) for letter in source.axes], float)
    moved = np.subtract(layer.data_to_world(index), layer.data_to_world(first))
    # What the layer's affine does to it, it will do to the preview as well.
    return source.geometry["translate"] + np.linalg.solve(layer.affine.linear_matrix, moved)


def is_preview(layer: Any) -> bool:
    """Whether a layer is one of :func:`preview_layer`: nothing a user would work on."""
    return bool(layer.metadata.get(_PREVIEW_KEY))


def clipped_in_words(n_clipped: int, dtype: Any) -> str:
    """What a cast to an integer type cost, as a sentence; empty if nothing."""
    if not n_clipped:
        return ""
    pixels = "pixel was" if n_clipped == 1 else "pixels were"
    return f"{n_clipped:,} {pixels} beyond the range of {dtype} and set to its end."


def tell_intensities(bar: RunBar, result: Checked) -> None:
    """Say below a run bar whether intensities may be measured on a result, and why not."""
    denoised, photometry = result.denoised, result.photometry
    if clipped := clipped_in_words(denoised.n_clipped, denoised.image.dtype):
        bar.showNotice(clipped)
    if photometry and photometry.is_safe:
        bar.setMessage(f"{bar.message()} {photometry.reason}")
    elif photometry:
        bar.showNotice(photometry.reason)
