"""What a napari layer means to the core, and how a result becomes a layer again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari.layers import Image
from pydantic import ValidationError

from napari_denoise._qt.run_bar import RunBar
from napari_denoise.assessment import Checked
from napari_denoise.axes import default_axes
from napari_denoise.errors import InputError
from napari_denoise.recipe import METADATA_KEY, Recipe

__all__ = [
    "Source",
    "axes_of",
    "clipped_in_words",
    "named_axes",
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


def result_layer(source: Source, pixels: Any, *, label: str, recipe: Recipe) -> Image:
    """A new layer for a result: where its source is, shown as its source is.

    Parameters
    ----------
    source : Source
        What the job read.
    pixels : array-like, shape of ``source.pixels``
        The result.
    label : str
        What was done, in a word or two.
    recipe : Recipe
        How to do it again; the source's own recipe is put before it.
    """
    state = source.layer.as_layer_data_tuple()[1]
    chained = recipe.model_copy(update={"source": source.name, "previous": source.recipe})
    layer = Image(
        pixels,
        name=f"{source.name} · {label}",
        rgb=False,
        metadata={METADATA_KEY: chained.model_dump(mode="json")},
        **source.geometry,
        **{key: state[key] for key in _DISPLAY},
    )
    layer.contrast_limits_range = source.layer.contrast_limits_range
    return layer


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
