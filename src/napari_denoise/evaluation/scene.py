"""Which images show the same scene, and how they are brought into one order of axes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from napari_denoise.core.axes import LETTERS
from napari_denoise.core.dtype import FloatArray, as_float32
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, Progress
from napari_denoise.core.recipe import Recipe

__all__ = [
    "check_same_scene",
    "is_raw",
    "max_minus_min_job",
    "restored",
    "sliceable",
    "stack_of",
]

# Programs round pixel sizes when they write them (0.065 for 0.0645 µm is 0.8 %); a wrong binning
# or objective is off by a factor.
_SCALE_TOLERANCE = 0.01


def stack_of(image: Image) -> Image:
    """The image with its axes in the order ``STCZYX``; no pixel is read.

    Axes that have one position only are left out, other than Y and X: so images of the same
    scene have the same shape, whichever program wrote them.
    """
    order = _order(image.axes)
    kept = [i for i in order if image.axes[i] in "YX" or image.shape[i] > 1]
    pixels = sliceable(image.pixels)
    # Not touched where nothing is to be turned: each step costs a lazy image's graph a layer.
    pixels = pixels.transpose(order) if order != sorted(order) else pixels
    shape = tuple(image.shape[i] for i in kept)
    is_single = "C" in image.axes and image.sizes["C"] == 1
    return replace(
        image,
        pixels=pixels.reshape(shape) if pixels.shape != shape else pixels,
        axes="".join(image.axes[i] for i in kept),
        scale=tuple(image.scale[i] for i in kept),
        units=tuple(image.units[i] for i in kept),
        origin=tuple(image.origin[i] for i in kept),
        channel_names=() if is_single else image.channel_names,
    )


def sliceable(pixels: Any) -> Any:
    """The pixels as an array whose slices are not read until they are used."""
    if isinstance(pixels, np.ndarray):
        return pixels
    import dask.array as da  # noqa: PLC0415  # a fifth of a second that most images do without

    return da.asarray(pixels)


def restored(pixels: FloatArray, image: Image) -> FloatArray:
    """Pixels of the image's stack in the image's own axes and shape."""
    order = _order(image.axes)
    # The axes of length one come back first, then all go to their places.
    full = pixels.reshape([image.pixels.shape[i] for i in order])
    return full.transpose(np.argsort(order))


def _order(axes: str) -> list[int]:
    return sorted(range(len(axes)), key=lambda i: LETTERS.index(axes[i]))


def check_same_scene(image: Image, other: Image) -> None:
    """Refuse two images that cannot be compared pixel by pixel.

    Raises
    ------
    InputError
        If their shapes differ, or the size of their pixels where both are calibrated.
    """
    stack, against = stack_of(image), stack_of(other)
    if tuple(stack.pixels.shape) != tuple(against.pixels.shape):
        raise InputError(
            f"{image.name} has shape {_shape(image)}, {other.name} {_shape(other)}. "
            f"Compare images of the same shape."
        )
    for letter in "ZYX":
        mine, others = (each.pixel_sizes_um(letter) for each in (stack, against))
        if mine is None or others is None:
            continue
        (own,), (its,) = mine, others
        if not math.isclose(own, its, rel_tol=_SCALE_TOLERANCE):
            raise InputError(
                f"A pixel of {image.name} measures {own:.4g} µm along {letter}, one of "
                f"{other.name} {its:.4g} µm. Correct the scale of one, or compare other images."
            )


def _shape(image: Image) -> tuple[int, ...]:
    return tuple(int(size) for size in image.pixels.shape)


def is_raw(recipe: Recipe | None) -> bool:
    """Whether nothing has correlated the noise of neighbours, as far as a recipe tells."""
    steps = recipe.steps() if recipe else ()
    return all(step.operation == "simulate" for step in steps)


def max_minus_min_job(pixels: Any) -> Job[float]:
    """The range of a reference's intensities, read plane by plane.

    Parameters
    ----------
    pixels : array-like, ``(...)YX``

    Raises
    ------
    InputError
        If the image is constant, or a pixel is not finite.
    """
    low, high = math.inf, -math.inf
    planes = list(np.ndindex(*pixels.shape[:-2]))
    for i, plane in enumerate(planes):
        values = as_float32(pixels[plane], "The reference")
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        yield Progress(fraction=(i + 1) / len(planes))
    if high == low:
        raise InputError(
            f"The reference is {low:g} everywhere, so maximum minus minimum gives no data range. "
            f"Give a value of your own."
        )
    return high - low
