"""Saving layers as OME-TIFF with what the built-in writer drops: scale, axes, names, recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_denoise._napari.files.opening import image_of
from napari_denoise.core.errors import DenoiseError
from napari_denoise.io.images import write_image

__all__ = ["write_image_layer", "write_image_layers"]


def write_image_layer(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write one image layer.

    Parameters
    ----------
    path : str
        File that ends in ``.ome.tif``.
    data : array-like, or a sequence of them for a multiscale layer
    attributes : dict
        As napari hands them to a writer.

    Returns
    -------
    list of str
        The file that was written.

    Raises
    ------
    DenoiseError
        If OME-TIFF cannot hold the pixels, or the file cannot be written.
    """
    return write_image_layers(path, [(data, attributes, "image")])


def write_image_layers(path: str, layers: list[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write image layers as the channels of one image, named as the layers are.

    Parameters
    ----------
    path : str
        File that ends in ``.ome.tif``.
    layers : list of (pixels, attributes, kind)
        As napari hands them to a writer.

    Returns
    -------
    list of str
        The file that was written.

    Raises
    ------
    DenoiseError
        If they differ in shape, OME-TIFF cannot hold the pixels, or the file cannot be written.
    """
    try:
        image = image_of([(data, attributes) for data, attributes, _ in layers], Path(path).stem)
        write_image(path, image)
    except ValueError as error:
        # napari takes any ValueError for "this writer does not fit", and tells the user no more.
        raise DenoiseError(str(error)) from error
    return [path]
