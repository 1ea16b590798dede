"""OME-Zarr (OME-NGFF up to 0.5): opened without loading it, at full resolution."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import zarr
from zarr.errors import NodeNotFoundError

from napari_denoise.core.errors import FileError
from napari_denoise.core.recipe import METADATA_KEY
from napari_denoise.core.units import unit_name
from napari_denoise.io.contents import Contents
from napari_denoise.io.lazy import explaining, to_dask
from napari_denoise.io.ome_xml import parse_recipe

__all__ = ["read_ome_zarr"]

_UNNAMED_AXES = "TCZYX"
"""What version 0.1 and 0.2 mean, which name no axes."""


class _ZarrPixels:
    """A zarr array whose damaged chunks are reported by the path they lie in."""

    def __init__(self, path: Path, array: zarr.Array) -> None:
        self.path = path
        self.array = array
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[Any] = array.dtype
        self.ndim: int = array.ndim

    def __getitem__(self, index: Any) -> npt.NDArray[Any]:
        with explaining(self.path):
            pixels: npt.NDArray[Any] = np.asarray(self.array[index])
        return pixels


def read_ome_zarr(path: Path) -> Contents:
    """Open the first image of an OME-Zarr, or a bare array, in Zarr format 2 or 3.

    Raises
    ------
    FileError
        If the folder is no OME-Zarr, holds a plate, or its metadata are damaged.
    """
    # Metadata are JSON by hand in many files, so whatever they lack is told like a damage.
    with explaining(path):
        node = _open(path)
        if isinstance(node, zarr.Array):
            return Contents(pixels=_pixels(path, node), axes="?" * node.ndim)
        group, said = _find_image(path, node)
        return _read_image(path, group, said)


def _open(path: Path) -> zarr.Array | zarr.Group:
    try:
        return zarr.open(path, mode="r")
    except (FileNotFoundError, NodeNotFoundError) as error:
        raise FileError(
            f"{path} is a folder, but no OME-Zarr. Choose an image file, or a folder that ends "
            f"in .zarr."
        ) from error


def _find_image(path: Path, group: zarr.Group) -> tuple[zarr.Group, Mapping[str, Any]]:
    """The group that holds an image, and its OME metadata wherever the version puts them."""
    # Version 0.5 moved everything below "ome".
    said = {**group.attrs, **group.attrs.get("ome", {})}
    if "multiscales" in said:
        return group, said
    # Bio-Formats puts each image of a file into a group of its own, and the first one into "0".
    if "bioformats2raw.layout" in said and "0" in group:
        return _find_image(path, group["0"])
    if "plate" in said or "well" in said:
        raise FileError(
            f"{path} is a plate of many images. Choose one field of view in it, such as "
            f"{path / 'A' / '1' / '0'}."
        )
    raise FileError(
        f"{path} is a zarr group without OME metadata. Choose the array or image inside it."
    )


def _read_image(path: Path, group: zarr.Group, said: Mapping[str, Any]) -> Contents:
    image = said["multiscales"][0]
    level = image["datasets"][0]  # the specification puts full resolution first
    pixels = _pixels(path, group[level["path"]])
    # The earliest versions name no axes and always mean the last of five.
    axes = [_axis(each) for each in image.get("axes", _UNNAMED_AXES[-pixels.ndim :])]
    # The level's own scale, times one that holds for all levels.
    scale = np.ones(pixels.ndim)
    for holder in (level, image):
        scale *= _scale(holder)
    channels = said.get("omero", {}).get("channels", [])
    names = tuple(str(channel.get("label") or "") for channel in channels)
    return Contents(
        pixels=pixels,
        axes="".join(letter for letter, _ in axes),
        scale=dict(zip((letter for letter, _ in axes), map(float, scale), strict=True)),
        units=dict(axes),
        channel_names=names if all(names) else (),
        recipe=parse_recipe(said.get(METADATA_KEY)),
    )


def _pixels(path: Path, array: zarr.Array) -> da.Array:
    return to_dask(_ZarrPixels(path, array), array.chunks)


def _axis(said: Any) -> tuple[str, str]:
    """Letter and unit of an axis; version 0.3 gives only its name."""
    if isinstance(said, str):
        return said[:1].upper(), unit_name("")
    return said["name"][:1].upper(), unit_name(said.get("unit") or "")


def _scale(said: Mapping[str, Any]) -> Any:
    """What one level of the metadata multiplies the scale with."""
    steps = said.get("coordinateTransformations", [])
    return next((np.asarray(step["scale"]) for step in steps if step["type"] == "scale"), 1.0)
