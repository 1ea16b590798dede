"""Images to learn from: whether a network can, what is brought into memory, which are broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout
from napari_denoise.core.dtype import as_float32
from napari_denoise.core.errors import AxesError, DenoiseError, InputError
from napari_denoise.core.image import Image, as_image
from napari_denoise.core.progress import Job, Progress, Skipped

__all__ = [
    "TrainingImage",
    "check_images",
    "choose_patch_size",
    "is_lazy",
    "nothing_to_use",
    "read_images",
]

# Below that a masked pixel has too few neighbours, and a network halved twice nothing left.
_SMALLEST = 4
"""Rows and columns of a patch, at least."""

# Trade-off: what is read once is found broken before the training and not during it, but a laptop
# has a use for its memory.
_IN_MEMORY_BYTES = 2**29
"""Lazy images up to this size, all together, are read once; of more, a patch here and there."""


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """An image to learn from, and what belongs to it.

    Attributes
    ----------
    image : Image
        Its pixels may be lazy (dask, zarr, memory-mapped).
    layout : Layout
        Which of the image's axes are spatial and whether channels are seen together.
    target : Image, optional
        What methods that learn from pairs are to give: axes and shape as the image, in the same
        units. May be lazy.
    region : bool array, optional
        Where to learn: nonzero pixels; unset: everywhere. Axes as the image; an axis of length
        one holds for all its positions. What lies outside is never looked at, and may be NaN.
    """

    image: Image
    layout: Layout
    target: Image | None = None
    region: npt.NDArray[Any] | None = None

    @classmethod
    def of(
        cls,
        image: Any,
        layout: Layout,
        name: str = "",
        *,
        target: Any = None,
        region: npt.NDArray[Any] | None = None,
    ) -> Self:
        """An array, or an image, with a layout that names its axes.

        Parameters
        ----------
        image : Image or array-like, axes as in `layout`
        layout : Layout
        name : str
            For messages and the recipe, where the image has none.
        target : Image or array-like, optional
            With the same axes.
        region : bool array, optional

        Raises
        ------
        InputError, AxesError
            If axes and pixels do not fit together.
        """
        whole = as_image(image, layout.axes, name=name)
        other = None if target is None else as_image(target, layout.axes)
        return cls(whole, layout, other, region)

    @property
    def pixels(self) -> Any:
        """Of the image."""
        return self.image.pixels

    @property
    def name(self) -> str:
        """Of the image, for messages and the recipe."""
        return self.image.name

    @property
    def unit_shape(self) -> tuple[int, ...]:
        """Shape ``C(Z)YX`` of one unit."""
        return self.layout.unit_shape(self.image.shape)


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

    Parameters
    ----------
    images : sequence of TrainingImage
    wanted : tuple of int
        Pixels per spatial axis.

    Raises
    ------
    InputError
        If fewer than four rows or columns would be left.
    """
    # The smallest image decides: a patch has to fit into each.
    room = np.min([image.unit_shape[1:] for image in images], axis=0)
    patch_size = tuple(int(min(pair)) for pair in zip(wanted, room, strict=True))
    if min(patch_size[-2:]) < _SMALLEST:
        raise InputError(
            f"Patches would have {patch_size[-2]} × {patch_size[-1]} pixels (Y × X), and at least "
            f"{_SMALLEST} × {_SMALLEST} are needed. Choose larger images or a larger patch_size."
        )
    return patch_size


def is_lazy(image: TrainingImage) -> bool:
    """Whether pixels of an image or its target are still to be read."""
    return any(not isinstance(each.pixels, np.ndarray) for each in _sources(image))


def read_images(images: Sequence[TrainingImage]) -> Job[list[TrainingImage]]:
    """Bring images into memory if they are lazy and fit, and look for NaN before training does.

    One of several that cannot be read is skipped, and said to be (:class:`Skipped`).

    Raises
    ------
    DenoiseError
        If a single image cannot be read, or a pixel of it is NaN or infinite.
    InputError
        If none of several can be used.
    """
    # All together: which image comes first must not decide which is read.
    sources = [source.pixels for image in images for source in _sources(image)]
    lazy = [pixels for pixels in sources if not isinstance(pixels, np.ndarray)]
    fits = sum(_n_bytes(source) for source in lazy) <= _IN_MEMORY_BYTES
    read: list[TrainingImage] = []
    problems: list[Skipped] = []
    for image in images:
        try:
            read.append((yield from _read_image(image, fits=fits)))
        except DenoiseError as error:
            # Of a single image there is nothing to go on with: its own error says most.
            if len(images) == 1:
                raise
            problems.append(Skipped.because(image.name, error))
            yield problems[-1]
    if not read:
        raise nothing_to_use(problems)
    return read


def nothing_to_use(problems: Sequence[Skipped]) -> InputError:
    """What is wrong with the first image, if something is wrong with all."""
    reason = problems[0].reason
    if len(problems) == 1:
        return InputError(reason)
    return InputError(f"None of the {len(problems)} images can be used. The first: {reason}")


def _sources(image: TrainingImage) -> list[Image]:
    return [image.image, *([] if image.target is None else [image.target])]


def _n_bytes(source: Any) -> int:
    n_bytes: int = prod(source.shape) * np.dtype(source.dtype).itemsize
    return n_bytes


def _read_image(image: TrainingImage, *, fits: bool) -> Job[TrainingImage]:
    read = yield from _read(image.image, image.region, fits=fits)
    target = image.target
    if target is not None:
        target = yield from _read(target, image.region, fits=fits)
    return replace(image, image=read, target=target)


def _read(image: Image, region: npt.NDArray[Any] | None, *, fits: bool) -> Job[Image]:
    source, shape, dtype = image.pixels, image.shape, image.dtype
    stays_in_file = not isinstance(source, np.ndarray)
    if (stays_in_file and not fits) or (not stays_in_file and dtype.kind != "f"):
        return image
    pixels = np.empty(shape, dtype) if stays_in_file else source
    # What lies outside a region may be NaN, so only the inside is looked at.
    inside = None if region is None else np.broadcast_to(region, shape) != 0
    # Part by part, so that Cancel need not wait for the whole image.
    n_parts = shape[0] if len(shape) > 2 else 1
    for i in range(n_parts):
        part = (i,) if len(shape) > 2 else (...,)
        yield Progress(fraction=0.0, message=f"reading {image.name}")
        read = np.asarray(source[part])
        as_float32(read if inside is None else read[inside[part]], image.name)
        if stays_in_file:
            pixels[part] = read
    return image.with_pixels(pixels) if stays_in_file else image
