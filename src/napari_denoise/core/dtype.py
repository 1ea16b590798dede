"""What may happen to intensities: nothing, unless it is asked for and said.

Work is done in float32; a cast back to an integer type rounds and saturates, never wraps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.errors import InputError

__all__ = ["FloatArray", "as_float32", "cast_saturating", "check_pixels", "dtype_range"]

FloatArray = npt.NDArray[np.float32]


def check_pixels(image: Any, name: str = "The image") -> None:
    """Refuse an array that no method can work on, without reading its pixels.

    Raises
    ------
    InputError
        If the array is empty or its dtype is not a real number.
    """
    if 0 in image.shape:
        raise InputError(
            f"{name} is empty (shape {tuple(image.shape)}). "
            f"Choose an image with at least one pixel."
        )
    if np.dtype(image.dtype).kind not in "buif":
        raise InputError(
            f"{name} has dtype {image.dtype}; real numbers are needed. "
            f"Convert it to integers or floats."
        )


def as_float32(image: npt.ArrayLike, name: str = "The image") -> FloatArray:
    """The pixels as float32, in the same units.

    Raises
    ------
    InputError
        If a pixel is NaN or infinite, or beyond the range of float32.
    """
    pixels = np.asarray(image)
    # What is beyond the range of float32 becomes infinite, and is told of below in words.
    with np.errstate(over="ignore"):
        result: FloatArray = pixels.astype(np.float32, copy=False)
    # Integers are always finite, and looking at each pixel costs as much as converting it.
    if pixels.dtype.kind == "f" and not np.isfinite(result).all():
        n_bad = int(np.count_nonzero(~np.isfinite(result)))
        raise InputError(
            f"{name} has {n_bad} pixels that are NaN or infinite. Replace them with numbers first."
        )
    return result


def dtype_range(dtype: npt.DTypeLike) -> tuple[float, float] | None:
    """Smallest and largest value of an integer or boolean dtype; None for floats."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return 0.0, 1.0
    if kind.kind in "ui":
        info = np.iinfo(kind)
        return float(info.min), float(info.max)
    return None


def cast_saturating(image: npt.NDArray[Any], dtype: npt.DTypeLike) -> tuple[npt.NDArray[Any], int]:
    """Cast to `dtype` without ever wrapping around.

    Integer types get the nearest whole number, clipped to their range; float types are
    only converted.

    Returns
    -------
    cast : array of `dtype`, same shape
    n_clipped : int
        Pixels that lay outside the range of `dtype` and were set to its end.
    """
    target = np.dtype(dtype)
    limits = dtype_range(target)
    if limits is None or image.dtype == target:
        return image.astype(target, copy=False), 0
    low, high = limits
    # To the nearest even at a half: np.rint, as upward rounding would brighten the image.
    rounded = (
        np.rint(image, dtype=np.promote_types(image.dtype, np.float32))
        if image.dtype.kind == "f"
        else image
    )
    n_clipped = int(np.count_nonzero((rounded < low) | (rounded > high)))
    if target.itemsize >= 4 and target.kind in "ui":
        # float32 cannot hold the ends of 32-bit integers; double can, and saturates just inside
        # those of 64-bit ones.
        rounded = np.asarray(rounded, dtype=np.float64)
        high = np.nextafter(high, low) if target.itemsize == 8 else high
    return np.clip(rounded, low, high).astype(target), n_clipped
