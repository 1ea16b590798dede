"""Pixels that stay in their file until they are used, whatever the format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np

from napari_denoise.core.errors import DenoiseError, FileError

__all__ = ["explaining", "to_dask"]

_CHUNK_LIMIT_BYTES = 64 * 2**20
"""A plane of up to 5792² 16-bit pixels is one chunk. Trade-off: smaller chunks cost dask more
tasks, larger ones more memory for each that is being read."""


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn what the libraries and decoders raise on a damaged file into one sentence.

    They raise nearly every type there is, so nearly every type is caught.

    Raises
    ------
    FileError
        In place of any error that is not yet one of ours.
    """
    try:
        yield
    except DenoiseError:
        raise
    except Exception as error:
        # Decoders quote bytes over many lines; the first says what went wrong.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise FileError(
            f"{path} is damaged, or of a kind that cannot be read ({reason}). "
            f"Export it again, best as an uncompressed OME-TIFF."
        ) from error


def to_dask(pixels: Any, stored_chunks: tuple[int, ...], n_plane_axes: int = 2) -> da.Array:
    """Cut pixels into chunks of a whole plane, or of whole stored chunks where that is too much.

    Parameters
    ----------
    pixels : array-like
        Read one chunk at a time.
    stored_chunks : tuple of int
        Size of the pieces the file is stored in; none is ever decoded for two chunks.
    n_plane_axes : int
        How many of the last axes make up a plane.

    Returns
    -------
    dask array
        Of the same shape and dtype; nothing has been read yet.
    """
    # What is stored in one piece along Z or T stays together, or it would be decoded repeatedly.
    leading = stored_chunks[:-n_plane_axes]
    plane = tuple(pixels.shape[-n_plane_axes:])
    n_bytes = int(np.prod([*leading, *plane])) * np.dtype(pixels.dtype).itemsize
    chunks = da.core.normalize_chunks(
        (*leading, *(plane if n_bytes <= _CHUNK_LIMIT_BYTES else ("auto",) * n_plane_axes)),
        shape=pixels.shape,
        limit=_CHUNK_LIMIT_BYTES,
        dtype=pixels.dtype,
        previous_chunks=stored_chunks,
    )
    # name=False: else dask would read all pixels to make a name of their hash.
    return da.from_array(pixels, chunks=chunks, name=False)
