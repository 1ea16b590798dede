"""What of a layer the viewer shows: its plane, or its volume in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image as ImageLayer

from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.evaluation import sliceable

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["displayed_axes", "shown_part", "sizes_and_unit"]


def shown_part(viewer: ViewerModel, layer: ImageLayer, image: Image) -> Image:
    """The plane of a layer that is shown; the volume in 3D.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    layer : napari.layers.Image
    image : Image
        The layer with its axes named.

    Returns
    -------
    Image
        Its axes are called by how they are shown, down and across the screen: Y and X, and Z
        before them in 3D. Lazy if the layer is.

    Raises
    ------
    InputError
        If the layer lacks an axis that is shown, or does not reach to the plane.
    """
    axes = displayed_axes(viewer, image)
    position = layer.world_to_data(viewer.dims.point[-len(image.shape) :])
    index: list[int | slice] = []
    for axis, size in enumerate(image.shape):
        # As napari rounds when it draws, so that what is measured is what is seen.
        place = round(float(position[axis]))
        if axis not in axes and not 0 <= place < size:
            raise InputError(f"{image.name} does not reach to the plane that is shown.")
        index.append(slice(None) if axis in axes else place)
    # Indexing drops the axes that are not shown and keeps the others in the layer's order.
    kept = sorted(axes)
    pixels = sliceable(image.pixels)[tuple(index)].transpose([kept.index(axis) for axis in axes])
    return Image(
        pixels,
        # Not the layer's own letters: a stack may be looked at from the side, and an image needs a
        # Y and an X.
        "ZYX"[-len(axes) :],
        scale=tuple(image.scale[axis] for axis in axes),
        units=tuple(image.units[axis] for axis in axes),
        name=image.name,
        recipe=image.recipe,
    )


def displayed_axes(viewer: ViewerModel, image: Image) -> list[int]:
    """Which of an image's axes are shown, in that order; napari aligns axes at the last.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    image : Image

    Returns
    -------
    list of int
        Places in ``image.axes``, two or three.

    Raises
    ------
    InputError
        If the image lacks one.
    """
    axes = [axis - viewer.dims.ndim + len(image.axes) for axis in viewer.dims.displayed]
    if min(axes) < 0:
        raise InputError(f"{image.name} lacks an axis that is shown. Show rows and columns.")
    return axes


def sizes_and_unit(image: Image) -> tuple[tuple[float, ...], str]:
    """Size of a pixel along each axis, in "µm"; one "pixel" where one of them is not known."""
    known = image.pixel_sizes_um(image.axes)
    return (known, "µm") if known else ((1.0,) * len(image.axes), "pixel")
