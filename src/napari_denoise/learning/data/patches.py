"""Images to learn from: what is known of each, and whether a network can learn from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout, check_axes
from napari_denoise.core.dtype import check_pixels
from napari_denoise.core.errors import AxesError, InputError

__all__ = ["TrainingImage", "check_images", "choose_patch_size"]

_SMALLEST = 4


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """An image to learn from.

    Attributes
    ----------
    pixels : array-like, axes as in `layout`, any real dtype
        May be lazy (dask, zarr, memory-mapped).
    layout : Layout
        Names the axes and says which are spatial and whether channels are seen together.
    name : str
        For messages and the recipe.
    target : array-like, optional
        What methods that learn from pairs are to give: axes and shape as `pixels`, in the same
        units. May be lazy.
    target_name : str
    region : bool array, optional
        Where to learn: nonzero pixels; unset: everywhere. Axes as `pixels`; an axis of length
        one holds for all its positions. What lies outside is never looked at, and may be NaN.
    pixel_size_um : tuple of float
        Along each spatial axis, in µm; empty where unknown.
    """

    pixels: Any
    layout: Layout
    name: str
    target: Any = None
    target_name: str = ""
    region: npt.NDArray[Any] | None = None
    pixel_size_um: tuple[float, ...] = ()

    @property
    def unit_shape(self) -> tuple[int, ...]:
        """Shape ``C(Z)YX`` of one unit."""
        return self.layout.unit_shape(tuple(self.pixels.shape))


def check_images(images: Sequence[TrainingImage]) -> None:
    """Refuse images that one network cannot learn from, without reading pixels.

    Raises
    ------
    InputError
        If there is none, or one is empty or no real numbers, or its region does not fit it.
    AxesError
        If axes do not fit an image, or images differ in spatial axes or joint channels.
    """
    if not images:
        raise InputError("There is no image to train on. Give at least one.")
    first = images[0]
    for image in images:
        check_pixels(image.pixels, image.name)
        check_axes(image.layout.axes, tuple(image.pixels.shape))
        _check_region(image)
        if image.layout.spatial != first.layout.spatial:
            raise AxesError(
                f"{first.name} is to be seen with spatial axes {first.layout.spatial}, "
                f"{image.name} with {image.layout.spatial}. Choose the same for all."
            )
        if image.unit_shape[0] != first.unit_shape[0]:
            raise AxesError(
                f"{first.name} has {first.unit_shape[0]} channels to be seen together, "
                f"{image.name} has {image.unit_shape[0]}. Take images with as many "
                f"channels, or see each channel independently."
            )


def _check_region(image: TrainingImage) -> None:
    if image.region is None:
        return
    shapes = zip(image.region.shape, image.pixels.shape, strict=False)
    fits = all(own in (1, whole) for own, whole in shapes)
    if image.region.ndim != len(image.pixels.shape) or not fits:
        raise InputError(
            f"The region of {image.name} has shape {image.region.shape}, the image "
            f"{tuple(image.pixels.shape)}. Give one of the same shape."
        )
    if not image.region.any():
        raise InputError(
            f"The region of {image.name} has no pixel. Draw one, or train on the whole image."
        )


def choose_patch_size(images: Sequence[TrainingImage], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """The patch size per spatial axis that all images have room for.

    Raises
    ------
    InputError
        If fewer than four rows or columns would be left.
    """
    room = np.min([image.unit_shape[1:] for image in images], axis=0)
    patch_size = tuple(int(min(pair)) for pair in zip(wanted, room, strict=True))
    if min(patch_size[-2:]) < _SMALLEST:
        raise InputError(
            f"Patches would have {patch_size[-2]} × {patch_size[-1]} pixels (Y × X), and at least "
            f"{_SMALLEST} × {_SMALLEST} are needed. Choose larger images or a larger patch_size."
        )
    return patch_size
