"""Writing OME-TIFF, one plane at a time, and the same bytes for the same image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import tifffile

from napari_denoise.core.image import Image
from napari_denoise.io.ome_xml import build_ome_xml, stored_axes, stored_dtype

__all__ = ["StoredPixels", "reserve_ome_tiff", "write_ome_tiff"]

_CLASSIC_LIMIT_BYTES = 2**32 - 2**25
"""A TIFF with 32-bit offsets ends here, with room left for its tables."""
_BLOCK_LIMIT_BYTES = 512 * 2**20
"""A block of a lazy image up to this size is computed at once. Larger ones are taken plane by
plane, which bounds memory but computes a chunk as often as it has planes."""


class StoredPixels:
    """Pixels in a file, read and written a piece at a time as those of an array.

    The file is mapped into memory for each piece alone: what the system keeps of it in its cache
    does not count as this process's memory.
    """

    def __init__(
        self, path: Path, offset: int, image: Image, dtype: np.dtype[Any], order: list[int]
    ) -> None:
        self.shape, self.dtype = image.shape, image.dtype
        self.ndim = len(self.shape)
        self._path, self._offset, self._stored = path, offset, dtype
        self._stored_shape = tuple(self.shape[axis] for axis in order)
        # The inverse of a permutation.
        self._back = list(np.argsort(order))

    def __getitem__(self, index: Any) -> npt.NDArray[Any]:
        return np.array(self._map("r")[index], self.dtype)

    def __setitem__(self, index: Any, pixels: npt.ArrayLike) -> None:
        self._map("r+")[index] = pixels

    def _map(self, mode: str) -> Any:
        # mypy's numpy does not know that a shape may be a tuple of any length.
        shape: Any = self._stored_shape
        stored = np.memmap(self._path, self._stored, mode, self._offset, shape)  # type: ignore[call-overload]
        return stored.transpose(self._back)


def reserve_ome_tiff(path: Path, image: Image) -> StoredPixels:
    """Write an OME-TIFF without its pixels, and give these to be filled in.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    image : Image
        Only the shape and dtype of its pixels are looked at.

    Returns
    -------
    StoredPixels
        Zeros, in the axes and the dtype of `image`.

    Raises
    ------
    InputError
        If OME-TIFF has no type for the pixels.
    OSError
        If there is not enough space.
    """
    dtype = stored_dtype(image.dtype)
    order = [image.axes.index(letter) for letter in stored_axes(image.axes)]
    shape = [image.pixels.shape[axis] for axis in order]
    n_planes = int(np.prod(shape[:-2], dtype=np.int64))
    with _writer(path, n_planes * shape[-2] * shape[-1] * dtype.itemsize) as writer:
        offset, _ = writer.write(
            None,
            shape=(n_planes, *shape[-2:]),
            dtype=dtype,
            returnoffset=True,
            **_tags(image),
        )
    _reserve(path)
    return StoredPixels(path, offset, image, dtype, order)


def _reserve(path: Path) -> None:
    """Take the space a file will need, or fail now.

    tifffile leaves a hole where the pixels will be. To fill one through a memory map on a full disk
    ends in SIGBUS, which no Python code can catch.
    """
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def write_ome_tiff(path: Path, image: Image) -> None:
    """Write an image uncompressed, so that every program reads it and none waits for it.

    Parameters
    ----------
    path : Path
        Replaced if it exists.
    image : Image
        A numpy or dask array as pixels; of a lazy one no more than a block is held.

    Raises
    ------
    InputError
        If OME-TIFF has no type for its pixels.
    """
    dtype = stored_dtype(np.dtype(image.pixels.dtype))
    order = [image.axes.index(letter) for letter in stored_axes(image.axes)]
    # A view, also of a lazy image: planes are put in order as they are written.
    pixels = image.pixels.transpose(order)
    n_planes = int(np.prod(pixels.shape[:-2], dtype=np.int64))
    n_bytes = n_planes * int(np.prod(pixels.shape[-2:])) * dtype.itemsize
    with _writer(path, n_bytes) as writer:
        writer.write(
            (np.ascontiguousarray(plane, dtype) for plane in _planes(pixels)),
            shape=(n_planes, *pixels.shape[-2:]),
            dtype=dtype,
            **_tags(image),
        )


def _writer(path: Path, n_bytes: int) -> tifffile.TiffWriter:
    # ome=False: tifffile's own OME-XML has no place for our annotation.
    return tifffile.TiffWriter(path, bigtiff=n_bytes > _CLASSIC_LIMIT_BYTES, ome=False)


def _tags(image: Image) -> dict[str, Any]:
    # metadata=None: else tifffile describes the shape a second time, in JSON of its own.
    return {
        "photometric": "minisblack",
        "description": build_ome_xml(image),
        "software": "napari-denoise",
        "metadata": None,
    }


def _planes(pixels: Any) -> Iterator[npt.NDArray[Any]]:
    """Each YX plane in order; of a lazy image, no more than one block is computed at a time."""
    if pixels.ndim == 2:
        yield np.asarray(pixels)
    elif isinstance(pixels, np.ndarray):
        yield from (pixels[place] for place in np.ndindex(pixels.shape[:-2]))
    else:
        for block in _blocks(pixels):
            small = block.nbytes <= _BLOCK_LIMIT_BYTES
            for part in [np.asarray(block)] if small else block:
                yield from _planes(part)


def _blocks(pixels: da.Array) -> Iterator[da.Array]:
    """Pieces along the first axis, cut where the chunks are, so that none is computed twice."""
    start = 0
    for length in pixels.chunks[0]:
        yield pixels[start : start + length]
        start += length
