"""Maps of a real camera's pixels, as its maker or a calibration leaves them in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from napari_denoise.core.errors import FileError, InputError
from napari_denoise.noise.simulation.base import Pixels

__all__ = ["read_pixel_map"]


def read_pixel_map(path: Path, shape: tuple[int, int], *, lowest: float = 0.0) -> Pixels:
    """One number per pixel, ``YX``.

    Parameters
    ----------
    path : Path
        A TIFF or NPY file with one plane.
    shape : (int, int)
        Of the planes the map is for.
    lowest : float
        No number may be smaller.

    Raises
    ------
    FileError
        If there is no such file, or it cannot be read.
    InputError
        If it is of another shape, or has numbers that no pixel can have.
    """
    try:
        pixels = np.load(path) if path.suffix.lower() == ".npy" else tifffile.imread(path)
    except (OSError, ValueError, tifffile.TiffFileError) as error:
        reason = "no such file" if not path.exists() else "it is no TIFF or NPY file with numbers"
        raise FileError(f"{path} cannot be read: {reason}. Choose another map.") from error
    # Programs save a single plane with axes of length one as often as without.
    found = np.squeeze(pixels)
    if found.shape != shape:
        raise InputError(
            f"The map {path.name} has shape {found.shape}, the image's planes have {shape}. Crop "
            "it to the part of the camera that was read out."
        )
    if found.dtype.kind not in "uif" or not np.isfinite(found).all() or found.min() < lowest:
        raise InputError(
            f"The map {path.name} has pixels that are NaN, infinite or negative. Replace them with "
            "numbers that a pixel can have."
        )
    return np.asarray(found, np.float64)
