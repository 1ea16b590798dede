"""How two images of the same scene are read side by side: checked, and a plane at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray, as_float32, check_pixels
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Progress

__all__ = [
    "NOISY_AND_DENOISED",
    "Difference",
    "Plane",
    "check_data_range",
    "check_image",
    "check_pair",
    "difference_job",
    "planes",
    "to_double",
]

Plane = npt.NDArray[np.float64]
"""One plane ``YX`` in double precision, which sums of squares need."""


NOISY_AND_DENOISED = "The noisy image", "The denoised image"
"""What messages call a pair of images without a clean one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One image minus another.

    Attributes
    ----------
    image : array, ``(...)YX`` float32
        In the images' units.
    limit : float
        Largest absolute difference: contrast limits of ``-limit`` and ``limit`` put zero in
        the middle of a diverging colormap.
    """

    image: FloatArray
    limit: float


def difference_job(image: Any, subtracted: Any) -> Job[Difference]:
    """Subtract one image from another, plane by plane and without wrapping around.

    The error map is ``difference_job(denoised, clean)``, the residual
    ``difference_job(noisy, denoised)``.

    Parameters
    ----------
    image, subtracted : array-like, ``(...)YX``, same shape, any real dtype
        May be lazy.

    Returns
    -------
    Difference
        Float32, in the images' units.

    Raises
    ------
    InputError
        If the shapes differ or a pixel is not finite.
    """
    image, subtracted = check_pair(image, subtracted, ("The image", "the subtracted one"))
    result = np.empty(image.shape, dtype=np.float32)
    n_planes, limit = math.prod(image.shape[:-2]), 0.0
    names = "The image", "The subtracted image"
    for i, (place, (first, second)) in enumerate(planes(image, subtracted, names)):
        # In double precision, then rounded: unsigned integers would wrap around below zero.
        result[place] = first - second
        limit = max(limit, float(np.abs(result[place]).max()))
        yield Progress(fraction=(i + 1) / n_planes, message=f"plane {i + 1} of {n_planes}")
    return Difference(result, limit)


def check_pair(
    first: Any, second: Any, names: tuple[str, str] = ("The clean image", "the other")
) -> tuple[Any, Any]:
    """Return two images that can be compared pixel by pixel, as arrays and still unread.

    Parameters
    ----------
    first, second : array-like, any real dtype
    names : tuple of str
        What a message calls them.

    Returns
    -------
    first, second : arrays
        Lazy ones as they were given.

    Raises
    ------
    InputError
        If one is empty, not of real numbers, or without rows and columns, or the shapes differ.
    """
    first, second = check_image(first, names[0]), check_image(second, names[1].capitalize())
    if first.shape != second.shape:
        raise InputError(
            f"{names[0]} has shape {tuple(first.shape)}, {names[1]} {tuple(second.shape)}. "
            f"Compare images of the same shape."
        )
    return first, second


def check_image(image: Any, name: str = "The image") -> Any:
    """Return an image that has planes, as an array and still unread.

    Parameters
    ----------
    image : array-like, any real dtype
    name : str
        What a message calls it.

    Returns
    -------
    array
        As it was given, where it has a shape.

    Raises
    ------
    InputError
        If it is empty, not of real numbers, or without rows and columns.
    """
    # What has a shape may be lazy: np.asarray would read all of it.
    image = image if hasattr(image, "shape") else np.asarray(image)
    check_pixels(image, name)
    if len(image.shape) < 2:
        raise InputError(
            f"{name} has {len(image.shape)} axes; rows and columns are needed. "
            f"Give an image with at least two axes."
        )
    return image


def check_data_range(data_range: float) -> None:
    """Refuse a data range that no intensity can span.

    Raises
    ------
    InputError
        If it is not positive and finite.
    """
    if not (math.isfinite(data_range) and data_range > 0):
        raise InputError(
            f"A data range of {data_range} cannot be used. Give the difference of the largest and "
            f"the smallest possible intensity, such as 255."
        )


def planes(
    first: Any, second: Any, names: tuple[str, str] = ("The clean image", "The other image")
) -> Iterator[tuple[tuple[int, ...], tuple[Plane, Plane]]]:
    """Each plane that the last two axes span: its index, and its pixels in both images.

    Parameters
    ----------
    first, second : array-like, ``(...)YX``, same shape
        May be lazy: a plane is read when its turn comes.
    names : tuple of str
        What a message calls them.

    Returns
    -------
    iterator of (index, (first, second))
        Planes ``YX`` in float64.

    Raises
    ------
    InputError
        If a pixel is NaN or infinite; `names` say of which image.
    """
    for place in np.ndindex(*first.shape[:-2]):
        yield place, (to_double(first[place], names[0]), to_double(second[place], names[1]))


def to_double(image: npt.ArrayLike, name: str = "The image") -> Plane:
    """The pixels in double precision.

    Parameters
    ----------
    image : array-like, any axes and real dtype
    name : str
        What a message calls it.

    Returns
    -------
    array, same axes, float64

    Raises
    ------
    InputError
        If a pixel is NaN or infinite.
    """
    pixels = np.asarray(image)
    # Integers are never NaN: to look would be a pass over the pixels for nothing.
    if pixels.dtype.kind == "f":
        as_float32(pixels, name)  # raises on NaN
    return pixels.astype(np.float64)
