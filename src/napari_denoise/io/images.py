"""Images in and out of files: read lazily with their calibration, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import imageio.v3 as iio
import numpy as np

from napari_denoise.core.atomic_write import atomic_write
from napari_denoise.core.errors import FileError
from napari_denoise.core.image import Image, as_image
from napari_denoise.io.contents import Contents
from napari_denoise.io.ome_tiff import reserve_ome_tiff, write_ome_tiff
from napari_denoise.io.ome_zarr import read_ome_zarr
from napari_denoise.io.tiff import read_tiff

__all__ = [
    "READABLE",
    "WRITABLE",
    "check_destination",
    "file_stem",
    "image_being_written",
    "read_image",
    "write_image",
]

# .btf and .tf8 are what Bio-Formats and others call a TIFF with 64-bit offsets.
_TIFF = (".tif", ".tiff", ".btf", ".tf8")
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
READABLE = (*_TIFF, *_PICTURES, ".zarr")
"""Endings of the files that :func:`read_image` takes."""
WRITABLE = (".tif", ".tiff", ".png")
"""Endings of the files that :func:`write_image` makes."""


def read_image(path: str | Path, *, axes: str | None = None) -> Image:
    """Open an image without loading it, with the axes and the scale its file states.

    TIFF, OME-TIFF and ImageJ TIFF (the first series, at full resolution), OME-Zarr up to
    version 0.5, and the pictures that imageio reads, such as PNG, which are loaded at once.

    Parameters
    ----------
    path : str or Path
        A file, or the folder of an OME-Zarr.
    axes : str, optional
        One letter out of ``STCZYX`` per axis, where the file names none or is wrong. Without
        it, an axis the file does not name is taken for what it usually is: a third axis for Z.

    Returns
    -------
    Image
        Its pixels are a dask array, in the machine's byte order. Single planes, channels and
        time points that another program wrote as axes of length one are left out.

    Raises
    ------
    FileError
        If the file is missing, of an unknown kind, damaged, or ends too early. A damage deep
        inside a file shows only when its pixels are used.
    AxesError
        If `axes` do not fit the image.
    InputError
        If the image is empty, or its pixels are no real numbers.
    """
    path = Path(path)
    return _reader(path)(path).to_image(file_stem(path), axes)


def _reader(path: Path) -> Callable[[Path], Contents]:
    if path.is_dir():  # first: an OME-Zarr may be called anything
        return read_ome_zarr
    if not path.exists():
        raise FileError(f"There is no file {path}. Check the folder and the name.")
    if path.suffix.lower() in _TIFF:
        return read_tiff
    if path.suffix.lower() in _PICTURES:
        return _read_picture
    raise FileError(
        f"{path} is of no kind that can be read. Choose a file that ends in {', '.join(READABLE)}."
    )


def _read_picture(path: Path) -> Contents:
    # Pillow alone: imageio's choice among its plugins depends on what else is installed.
    try:
        pixels = iio.imread(path.read_bytes(), plugin="pillow")
    except Exception as error:  # as many types as there are formats
        raise FileError(
            f"{path} is damaged, or no picture of its kind. Choose another, or export it again."
        ) from error
    # Grey and opacity, RGB, RGBA: a plane of two to four columns is not kept as a picture.
    coloured = pixels.ndim > 2 and pixels.shape[-1] in {2, 3, 4}
    axes = "?" * (pixels.ndim - 3) + "YXC" if coloured else "?" * pixels.ndim
    return Contents(pixels=da.from_array(pixels, chunks=-1, name=False), axes=axes)


def write_image(path: str | Path, image: Any, *, axes: str | None = None) -> None:
    """Write an image with its calibration, whole or not at all, replacing what was there.

    An OME-TIFF takes any axes and gives back all that the image says; a PNG takes one plane and
    keeps only its pixels. The same image gives the same bytes.

    Parameters
    ----------
    path : str or Path
        Ends in ``.tif`` or ``.tiff`` for OME-TIFF, or in ``.png``.
    image : Image or array-like
        Its pixels may be lazy; they are computed a block at a time. An OME-TIFF holds integers of
        up to 32 bit and floats, a PNG integers of 8 or 16 bit without sign.
    axes : str, optional
        One letter out of ``STCZYX`` per axis; needed for an array of more than two axes. OME has
        no samples: other programs see them as time points.

    Raises
    ------
    FileError
        If the folder is missing, the ending unknown, or the file cannot be written.
    AxesError, InputError
        If `axes` do not fit, or the format cannot hold the pixels.
    """
    path = Path(path)
    check_destination(path)
    image = as_image(image, axes)
    # Other array-likes, such as zarr's, cannot be transposed; dask makes lazy ones of them.
    pixels = image.pixels if isinstance(image.pixels, np.ndarray) else da.asarray(image.pixels)
    write = _write_png if path.suffix.lower() == ".png" else write_ome_tiff
    with atomic_write(path) as part:
        write(part, replace(image, pixels=pixels, name=file_stem(path)))


@contextmanager
def image_being_written(path: str | Path, image: Image) -> Iterator[Any]:
    """Give pixels that are written to a file as they are set; the file appears at the end.

    An OME-TIFF is written piece by piece, so that it may be larger than the memory. If what is
    done with the pixels fails, nothing is left of it, and what was there before stays.

    Parameters
    ----------
    path : str or Path
        As for :func:`write_image`.
    image : Image
        What is known beforehand; only the shape and dtype of its pixels are looked at.

    Yields
    ------
    writable array-like, in the image's axes

    Raises
    ------
    FileError, InputError
        As :func:`write_image` does.
    """
    path = Path(path)
    check_destination(path)
    with atomic_write(path) as part:
        if path.suffix.lower() == ".png":
            # A PNG is compressed as a whole, and never larger than a plane.
            pixels = np.empty(image.pixels.shape, image.pixels.dtype)
            yield pixels
            _write_png(part, replace(image, pixels=pixels))
        else:
            yield reserve_ome_tiff(part, replace(image, name=file_stem(path)))


def check_destination(path: str | Path) -> None:
    """Refuse a place that :func:`write_image` could not write to, before any work is done.

    Raises
    ------
    FileError
        If the folder is missing, or the ending unknown.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileError(f"There is no folder {path.parent}. Make it first, or choose another.")
    if path.suffix.lower() not in WRITABLE:
        raise FileError(
            f"{path.name} has an ending that cannot be written. End it in {', '.join(WRITABLE)}."
        )


def _write_png(path: Path, image: Image) -> None:
    if image.axes != "YX" or np.dtype(image.pixels.dtype).name not in {"uint8", "uint16"}:
        raise FileError(
            f"A PNG holds one plane (YX) of uint8 or uint16, this image is {image.axes} of "
            f"{image.pixels.dtype}. Save it as .ome.tif."
        )
    iio.imwrite(path, np.asarray(image.pixels), extension=".png")


def file_stem(path: Path) -> str:
    """The file's name without its ending, both parts of ``.ome.tif``."""
    return path.stem.removesuffix(".ome") or path.name
