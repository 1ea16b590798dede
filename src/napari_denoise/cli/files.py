"""Reading the input of a command and writing its result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from napari_denoise.cli.output import say
from napari_denoise.core.errors import FileError, SettingsError
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import Recipe
from napari_denoise.io.images import check_destination, image_being_written, read_image, write_image

__all__ = ["open_input", "result_being_written", "result_dtype", "save_result", "say_saved"]


def open_input(source: Path, axes: str | None, out: Path) -> Image:
    """Read the input, and find out now whether the result can be written later."""
    image = read_image(source, axes=axes)
    # By what they are, not by their names: links and ../ lead to the same file.
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


@contextmanager
def result_being_written(
    out: Path, source: Image, recipe: Recipe, *, dtype: np.dtype[Any], n_stacked: int
) -> Iterator[Any]:
    """Give pixels that are written to `out` as they are set; the file appears at the end.

    Several results of one source (`n_stacked`; 0 for a single one) lie along a leading axis S.
    """
    shape = (*(n_stacked,) * bool(n_stacked), *source.pixels.shape)
    # Says shape and dtype, and takes no memory.
    blank = np.broadcast_to(np.zeros((), dtype), shape)
    with image_being_written(out, source.with_pixels(blank, recipe=recipe)) as pixels:
        yield pixels


def save_result(out: Path, pixels: Any, source: Image, recipe: Recipe, n_clipped: int) -> None:
    """Write a result with everything its source says of space and channels, and name the file.

    Several results of one source lie along a leading axis S.
    """
    write_image(out, source.with_pixels(pixels, recipe=recipe))
    say_saved(out, pixels.dtype, n_clipped)


def say_saved(out: Path, dtype: np.dtype[Any], n_clipped: int) -> None:
    """Name the file that a result is in."""
    clipped = f" ({n_clipped} pixels clipped to {dtype})" if n_clipped else ""
    say(f"{out}{clipped}")
