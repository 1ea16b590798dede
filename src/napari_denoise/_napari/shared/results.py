"""How a result becomes a layer beside its source, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from napari.layers import Image as ImageLayer

from napari_denoise._napari.shared.layers import named_axes
from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import METADATA_KEY
from napari_denoise.evaluation import Checked

__all__ = [
    "clipped_in_words",
    "geometry_of",
    "is_preview",
    "live_layer",
    "plane_of_image",
    "plane_translate",
    "preview_layer",
    "result_layer",
    "tell_intensities",
]

# All that napari has to place pixels in the world. One left out, and a result of a rotated layer
# lies beside it.
_GEOMETRY = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
# A result is shown as its source is, so that the eye compares pixels and nothing else.
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

# In the metadata, by which choosers know what is not to be worked on, whatever it is called.
_PREVIEW_KEY = f"{METADATA_KEY} preview"


def result_layer(
    layer: ImageLayer, result: Image, *, label: str, is_image: bool = True
) -> ImageLayer:
    """A new layer for a result: where its source is, shown as its source is.

    Parameters
    ----------
    layer : napari.layers.Image
        The source. It is asked for its name, its place and its colours only now: they may have
        changed while the job ran.
    result : Image
        In the source's axes; several along a leading axis S get a slider. Its recipe goes with
        the layer.
    label : str
        What was done, in a word or two.
    is_image : bool
        Whether it is a cleaned image; what is only about the image, such as its uncertainty, gets
        contrast limits of its own.
    """
    recipe = result.recipe
    made = _layer_like(
        layer,
        result.pixels,
        name=f"{layer.name} · {label}",
        metadata={METADATA_KEY: recipe.model_dump(mode="json")} if recipe else {},
        **_geometry(layer, result),
    )
    if not is_image:
        # An uncertainty is far below the intensities: in their contrast it would be black.
        made.reset_contrast_limits_range()
        made.reset_contrast_limits()
    return made


def preview_layer(
    layer: ImageLayer, image: Image, plane: Any, place: Mapping[str, int]
) -> ImageLayer:
    """A layer for one plane of a result that is only tried: shown where its source has the plane.

    Parameters
    ----------
    layer, image
        The source, as for :func:`result_layer`.
    plane : array, YX
    place : mapping of str to int
        Index of the plane along each other axis of the image.
    """
    return _layer_like(
        layer,
        plane_of_image(image, plane),
        name=f"{layer.name} · preview",
        metadata={_PREVIEW_KEY: True},
        # Over its source, which it replaces for the eye; added up, both would show.
        blending="translucent",
        **{**_geometry(layer, image), "translate": plane_translate(layer, image, place)},
    )


def live_layer(layer: ImageLayer, result: Image) -> ImageLayer:
    """A layer for a result that is still being written, shown over its source."""
    return _layer_like(
        layer,
        result.pixels,
        name=f"{layer.name} · under way",
        metadata={_PREVIEW_KEY: True},
        blending="translucent",
        **_geometry(layer, result),
    )


def _layer_like(layer: ImageLayer, pixels: Any, **attributes: Any) -> ImageLayer:
    """A layer with these attributes, and the colours of another."""
    state = layer.as_layer_data_tuple()[1]
    display = {key: state[key] for key in _DISPLAY}
    # Said, as napari takes a last axis of three or four pixels for colours.
    made = ImageLayer(pixels, rgb=False, **{**display, **attributes})
    made.contrast_limits_range = layer.contrast_limits_range
    return made


def geometry_of(layer: ImageLayer) -> dict[str, Any]:
    """What places a layer's pixels in the world, as arguments for another one."""
    state = layer.as_layer_data_tuple()[1]
    return {key: state[key] for key in _GEOMETRY}


def _geometry(layer: ImageLayer, result: Image) -> dict[str, Any]:
    """What places a result where its source is."""
    if layer.ndim == len(result.axes):
        return geometry_of(layer)
    if layer.ndim == len(result.axes) - 1 and result.axes.startswith("S"):
        return _stacked(geometry_of(layer), result.axes[1:])
    # The layer was given other data while the job ran: what it was like then has to do.
    return {
        "scale": result.scale,
        "translate": result.origin,
        "units": result.units,
        "axis_labels": tuple(result.axes.lower()),
    }


def _stacked(geometry: dict[str, Any], axes: str) -> dict[str, Any]:
    """A geometry with a leading axis, along which several results lie."""
    stacked, n = dict(geometry), len(axes)
    # napari hands both on as matrices; the new axis is neither turned nor moved.
    for key, size in (("rotate", n), ("affine", n + 1)):
        matrix = np.eye(size + 1)
        matrix[1:, 1:] = geometry[key]
        stacked[key] = matrix
    shear = np.asarray(geometry["shear"])
    # A vector holds what is above the diagonal, row by row; of the new row that is nothing.
    stacked["shear"] = np.pad(shear, (n, 0) if shear.ndim == 1 else ((1, 0), (1, 0)))
    stacked["scale"] = (1.0, *geometry["scale"])
    stacked["translate"] = (0.0, *geometry["translate"])
    stacked["units"] = ("pixel", *geometry["units"])
    labels = geometry["axis_labels"]
    stacked["axis_labels"] = ("sample", *(labels if named_axes(labels) else axes.lower()))
    return stacked


def plane_of_image(image: Image, plane: Any) -> Any:
    """A plane with an image's axes; those that are neither Y nor X have length one.

    Parameters
    ----------
    image : Image
    plane : array, YX

    Returns
    -------
    array in the image's axes
    """
    sizes = dict(zip("YX", plane.shape, strict=True))
    # A layer whose columns come before its rows is shown transposed.
    in_order = plane if image.axes.index("Y") < image.axes.index("X") else plane.T
    return in_order.reshape([sizes.get(letter, 1) for letter in image.axes])


def plane_translate(layer: ImageLayer, image: Image, place: Mapping[str, int]) -> Any:
    """The ``translate`` of a layer that holds only this plane of an image.

    Parameters
    ----------
    layer : napari.layers.Image
    image : Image
        What was read of the layer.
    place : mapping of str to int
        Index of the plane along each axis; 0 along those that are not named.

    Returns
    -------
    array, (n_axes,)
        In the world's units.
    """
    first = np.zeros(len(image.axes))
    # A difference of two places in the world, and so free of the layer's own translation.
    index = np.array([place.get(letter, 0) for letter in image.axes], float)
    moved = np.subtract(layer.data_to_world(index), layer.data_to_world(first))
    # What the layer's affine does to it, it will do to the preview as well.
    return layer.translate + np.linalg.solve(layer.affine.linear_matrix, moved)


def is_preview(layer: Any) -> bool:
    """Whether a layer is one of :func:`preview_layer`: nothing a user would work on."""
    return bool(layer.metadata.get(_PREVIEW_KEY))


def clipped_in_words(n_clipped: int, dtype: Any) -> str:
    """What a cast to an integer type cost, as a sentence; empty if nothing.

    Parameters
    ----------
    n_clipped : int
        Pixels that were set to an end of the range.
    dtype : dtype or str
    """
    if not n_clipped:
        return ""
    pixels = "pixel was" if n_clipped == 1 else "pixels were"
    return f"{n_clipped:,} {pixels} beyond the range of {dtype} and set to its end."


def tell_intensities(bar: RunBar, result: Checked) -> None:
    """Say below a run bar whether intensities may be measured on a result, and why not.

    Parameters
    ----------
    bar : RunBar
        Has just run the job.
    result : Checked
        What the job returned.
    """
    denoised, photometry = result.denoised, result.photometry
    if clipped := clipped_in_words(denoised.n_clipped, denoised.image.dtype):
        bar.showNotice(clipped)
    if photometry and photometry.is_safe:
        bar.setMessage(f"{bar.message()} {photometry.reason}")
    elif photometry:
        bar.showNotice(photometry.reason)
