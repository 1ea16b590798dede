"""Where training patches come from: drawn at random, one batch at a time, never stacked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from napari_denoise.axes import Layout, UnitIndex, check_axes
from napari_denoise.errors import AxesError, InputError
from napari_denoise.intensities import FloatArray, as_float32, check_pixels
from napari_denoise.progress import Job, Progress

__all__ = ["PatchSampler", "TrainingImage", "check_images", "choose_patch_size", "read_image"]

_IN_MEMORY_BYTES = 2**30
"""A lazy image up to this size is read once; a larger one patch by patch."""

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
    """

    pixels: Any
    layout: Layout
    name: str
    target: Any = None
    target_name: str = ""

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
    pixels = yield from _read(image.pixels, image.name)
    target = image.target
    if target is not None:
        target = yield from _read(target, image.target_name)
    return replace(image, pixels=pixels, target=target)


def _read(source: Any, name: str) -> Job[Any]:
    shape, dtype = tuple(source.shape), np.dtype(source.dtype)
    is_lazy = not isinstance(source, np.ndarray)
    is_too_large = is_lazy and prod(shape) * dtype.itemsize > _IN_MEMORY_BYTES
    if is_too_large or (not is_lazy and dtype.kind != "f"):
        return source
    pixels = np.empty(shape, dtype) if is_lazy else source
    n_parts = shape[0] if len(shape) > 2 else 1
    for i in range(n_parts):
        part = (i,) if len(shape) > 2 else (...,)
        yield Progress(fraction=0.0, message=f"reading {name}")
        read = np.asarray(source[part])
        as_float32(read, name)
        if is_lazy:
            pixels[part] = read
    return pixels


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


class PatchSampler:
    """Draws patches at random places of all images, large images more often.

    Parameters
    ----------
    images : sequence of TrainingImage
        As :func:`read_image` returns them.
    patch_size : tuple of int
        Pixels per spatial axis.
    target_map : (float, float)
        What targets are multiplied with, and what is then added, to be in the images' units.
    """

    def __init__(
        self,
        images: Sequence[TrainingImage],
        patch_size: tuple[int, ...],
        *,
        target_map: tuple[float, float] = (1.0, 0.0),
    ) -> None:
        self._scale, self._shift = (np.float32(number) for number in target_map)
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
        image, unit, window = self._choose(rng)
        return image.layout.read(image.pixels, unit, window)

    def draw_pair(self, rng: np.random.Generator, *, repeats: str | None = None) -> FloatArray:
        """A patch and what it is to become, axes ``2C(Z)YX``; raises as :meth:`draw`.

        Parameters
        ----------
        repeats : str, optional
            Axis along which any two frames are a pair; unset: the image has a target.
        """
        image, unit, window = self._choose(rng)
        patch = image.layout.read(image.pixels, unit, window)
        if repeats:
            partner = _another(image, unit, repeats, rng)
            return np.stack([patch, image.layout.read(image.pixels, partner, window)])
        target = image.layout.read(image.target, unit, window)
        return np.stack([patch, self._scale * target + self._shift])

    def draw_batch(self, n_patches: int, rng: np.random.Generator) -> FloatArray:
        """Patches, flipped and turned at random in YX; axes ``NC(Z)YX``."""
        return np.stack([_turn(self.draw(rng), rng) for _ in range(n_patches)])

    def draw_pairs(
        self, n_pairs: int, rng: np.random.Generator, *, repeats: str | None = None
    ) -> FloatArray:
        """Pairs as :meth:`draw_pair`, both turned alike; axes ``2NC(Z)YX``."""
        pairs = [_turn(self.draw_pair(rng, repeats=repeats), rng) for _ in range(n_pairs)]
        return np.stack(pairs, axis=1)

    def _choose(
        self, rng: np.random.Generator
    ) -> tuple[TrainingImage, UnitIndex, tuple[slice, ...]]:
        """An image, and a place in it."""
        which = int(rng.choice(len(self._images), p=self._shares))
        image, units = self._images[which], self._units[which]
        unit = units[rng.integers(len(units))]
        corner = [
            int(rng.integers(size - wanted + 1))
            for size, wanted in zip(image.unit_shape[1:], self._patch_size, strict=True)
        ]
        window = tuple(slice(a, a + n) for a, n in zip(corner, self._patch_size, strict=True))
        return image, unit, window


def _another(
    image: TrainingImage, unit: UnitIndex, axis: str, rng: np.random.Generator
) -> UnitIndex:
    """The same unit elsewhere along an axis."""
    place = image.layout.axes.index(axis)
    here, n = unit[place], image.pixels.shape[place]
    assert isinstance(here, int)  # noqa: S101  # it lies along a batch axis
    return (*unit[:place], (here + int(rng.integers(1, n))) % n, *unit[place + 1 :])


def _turn(patch: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One of the eight ways to lay a square, or of the four to lay a rectangle."""
    is_square = patch.shape[-1] == patch.shape[-2]
    turned = np.rot90(patch, int(rng.integers(4)) * (1 if is_square else 2), axes=(-2, -1))
    return turned[..., ::-1] if rng.integers(2) else turned
