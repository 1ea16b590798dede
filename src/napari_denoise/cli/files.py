"""Reading the input of a command and writing its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_denoise.cli.output import say
from napari_denoise.errors import FileError, SettingsError
from napari_denoise.io.images import Image, check_destination, read_image, write_image
from napari_denoise.io.units import PIXEL
from napari_denoise.recipe import Recipe

__all__ = ["open_input", "result_dtype", "save_result"]


def open_input(source: Path, axes: str | None, out: Path) -> Image:
    """Read the input, and find out now whether the result can be written later."""
    image = read_image(source, axes=axes)
    if out.exists() and source.exists() and out.samefile(source):
        raise FileError(f"{out} is the input itself. Choose another name for the result.")
    check_destination(out)
    return image


def result_dtype(name: str, image: Image) -> np.dtype[Any]:
    """The dtype a user named; ``"same"`` is the image's own.

    Raises
    ------
    SettingsError
        If there is no such dtype for images.
    """
    try:
        dtype = image.pixels.dtype if name == "same" else np.dtype(name)
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in "uif":
        raise SettingsError(f"There is no dtype {name!r}. Use same, float32, uint8, uint16, ….")
    return dtype


def save_result(out: Path, pixels: Any, source: Image, recipe: Recipe, n_clipped: int) -> None:
    """Write a result with everything its source says of space and channels, and name the file.

    Several results of one source lie along a leading axis S.
    """
    n_more = pixels.ndim - len(source.axes)
    write_image(
        out,
        pixels,
        axes="S" * n_more + source.axes,
        scale=(1.0,) * n_more + source.scale,
        units=(PIXEL,) * n_more + source.units,
        channel_names=source.channel_names,
        recipe=recipe,
    )
    clipped = f" ({n_clipped} pixels clipped to {pixels.dtype})" if n_clipped else ""
    say(f"{out}{clipped}")
