"""Where training patches come from: drawn at random, one batch at a time, never stacked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from napari_denoise.axes import Layout, check_axes
from napari_denoise.errors import AxesError, InputError
from napari_denoise.intensities import FloatArray, as_float32, check_pixels
from napari_denoise.learning.normalization import Normalization
from napari_denoise.progress import Job, Progress
from napari_denoise.settings import per_axis

__all__ = ["PatchSampler", "TrainingImage", "check_images", "choose_patch_size", "read_image"]

_IN_MEMORY_BYTES = 2**30
"""A lazy image up to this size is read once; a larger one patch by patch."""

_DEFAULT_SIZE = {2: (64, 64), 3: (8, 32, 32)}
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
    """

    pixels: Any
    layout: Layout
    name: str

    @property
    def unit_shape(self) -> tuple[int, ...]:
        """Shape ``C(Z)YX`` of one unit."""
        return self.layout.unit_shape(tuple(self.pixels.shape))


def check_images(images: Sequence[TrainingImage]) -> None:
    """Refuse images that one network cannot learn from, without reading pixels.

    Raises
    ------
    InputError
        If there is none, or one is empty or no real numbers.
    AxesError
        If axes do not fit an image, or images differ in spatial axes or joint channels.
    """
    if not images:
        raise InputError("There is no image to train on. Give at least one.")
    first = images[0]
    for image in images:
        check_pixels(image.pixels, image.name)
        check_axes(image.layout.axes, tuple(image.pixels.shape))
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


def read_image(image: TrainingImage) -> Job[TrainingImage]:
    """Bring an image into memory if it is lazy and fits, and look for NaN before training does.

    Raises
    ------
    InputError
        If a pixel is NaN or infinite.
    """
    shape, dtype = tuple(image.pixels.shape), np.dtype(image.pixels.dtype)
    is_lazy = not isinstance(image.pixels, np.ndarray)
    is_too_large = is_lazy and prod(shape) * dtype.itemsize > _IN_MEMORY_BYTES
    if is_too_large or (not is_lazy and dtype.kind != "f"):
        return image
    pixels = np.empty(shape, dtype) if is_lazy else image.pixels
    n_parts = shape[0] if len(shape) > 2 else 1
    for i in range(n_parts):
        part = (i,) if len(shape) > 2 else (...,)
        yield Progress(fraction=0.0, message=f"reading {image.name}")
        read = np.asarray(image.pixels[part])
        as_float32(read, image.name)
        if is_lazy:
            pixels[part] = read
    return replace(image, pixels=pixels)


def choose_patch_size(
    images: Sequence[TrainingImage], wanted: int | tuple[int, ...] | None
) -> tuple[int, ...]:
    """The patch size per spatial axis that all images have room for.

    Raises
    ------
    SettingsError
        If `wanted` has another number of axes.
    InputError
        If fewer than four rows or columns would be left.
    """
    n_spatial = images[0].layout.n_spatial
    default = _DEFAULT_SIZE[n_spatial]
    size = default if wanted is None else per_axis(wanted, n_spatial, "patch_size")
    room = np.min([image.unit_shape[1:] for image in images], axis=0)
    patch_size = tuple(int(min(pair)) for pair in zip(size, room, strict=True))
    if min(patch_size[-2:]) < _SMALLEST:
        raise InputError(
            f"Patches would have {patch_size[-2]} × {patch_size[-1]} pixels (Y × X), and at least "
            f"{_SMALLEST} × {_SMALLEST} are needed. Choose larger images or a larger patch_size."
        )
    return patch_size


class PatchSampler:
    """Draws patches at random places of all images, large images more often.

    Parameters
    ----------
    images : sequence of TrainingImage
        As :func:`read_image` returns them.
    patch_size : tuple of int
        Pixels per spatial axis.
    """

    def __init__(self, images: Sequence[TrainingImage], patch_size: tuple[int, ...]) -> None:
        self._images = images
        self._units = [list(i.layout.units(tuple(i.pixels.shape))) for i in images]
        n_pixels = np.array([float(np.prod(image.pixels.shape)) for image in images])
        self._shares = n_pixels / n_pixels.sum()
        self._patch_size = patch_size

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """One patch, axes ``C(Z)YX``, in the image's units.

        Raises
        ------
        InputError
            If it holds a NaN or infinite pixel (only large lazy images are not checked before).
        """
        which = int(rng.choice(len(self._images), p=self._shares))
        image, units = self._images[which], self._units[which]
        unit = units[rng.integers(len(units))]
        corner = [
            int(rng.integers(size - wanted + 1))
            for size, wanted in zip(image.unit_shape[1:], self._patch_size, strict=True)
        ]
        window = tuple(slice(a, a + n) for a, n in zip(corner, self._patch_size, strict=True))
        return image.layout.read(image.pixels, unit, window)

    def draw_batch(
        self, n_patches: int, normalization: Normalization, rng: np.random.Generator
    ) -> FloatArray:
        """Normalised patches, flipped and turned at random in YX; axes ``NC(Z)YX``."""
        patches = [normalization.apply(_turn(self.draw(rng), rng)) for _ in range(n_patches)]
        return np.stack(patches)


def _turn(patch: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One of the eight ways to lay a square, or of the four to lay a rectangle."""
    is_square = patch.shape[-1] == patch.shape[-2]
    turned = np.rot90(patch, int(rng.integers(4)) * (1 if is_square else 2), axes=(-2, -1))
    return turned[..., ::-1] if rng.integers(2) else turned
