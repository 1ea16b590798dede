"""What of a training set is brought into memory, and which of its images prove to be broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import as_float32
from napari_denoise.core.errors import DenoiseError, InputError
from napari_denoise.core.progress import Job, Progress, Skipped
from napari_denoise.learning.data.patches import TrainingImage

__all__ = ["is_lazy", "nothing_to_use", "read_images"]

_IN_MEMORY_BYTES = 2**29
"""Lazy images up to this size, all together, are read once; of more, a patch here and there."""


def is_lazy(image: TrainingImage) -> bool:
    """Whether pixels of an image or its target are still to be read."""
    return any(not isinstance(pixels, np.ndarray) for pixels, _ in _sources(image))


def read_images(images: Sequence[TrainingImage]) -> Job[list[TrainingImage]]:
    """Bring images into memory if they are lazy and fit, and look for NaN before training does.

    One of several that cannot be read is left out, and said to be (:class:`Skipped`).

    Raises
    ------
    DenoiseError
        If a single image cannot be read, or a pixel of it is NaN or infinite.
    InputError
        If none of several can be used.
    """
    sources = [source for image in images for source, _ in _sources(image)]
    lazy = [source for source in sources if not isinstance(source, np.ndarray)]
    fits = sum(_n_bytes(source) for source in lazy) <= _IN_MEMORY_BYTES
    read: list[TrainingImage] = []
    problems: list[Skipped] = []
    for image in images:
        try:
            read.append((yield from _read_image(image, fits=fits)))
        except DenoiseError as error:
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


def _sources(image: TrainingImage) -> list[tuple[Any, str]]:
    targets = [] if image.target is None else [(image.target, image.target_name)]
    return [(image.pixels, image.name), *targets]


def _n_bytes(source: Any) -> int:
    n_bytes: int = prod(source.shape) * np.dtype(source.dtype).itemsize
    return n_bytes


def _read_image(image: TrainingImage, *, fits: bool) -> Job[TrainingImage]:
    pixels = yield from _read(image.pixels, image.name, image.region, fits=fits)
    target = image.target
    if target is not None:
        target = yield from _read(target, image.target_name, image.region, fits=fits)
    return replace(image, pixels=pixels, target=target)


def _read(source: Any, name: str, region: npt.NDArray[Any] | None, *, fits: bool) -> Job[Any]:
    shape, dtype = tuple(source.shape), np.dtype(source.dtype)
    stays_in_file = not isinstance(source, np.ndarray)
    if (stays_in_file and not fits) or (not stays_in_file and dtype.kind != "f"):
        return source
    pixels = np.empty(shape, dtype) if stays_in_file else source
    inside = None if region is None else np.broadcast_to(region, shape) != 0
    n_parts = shape[0] if len(shape) > 2 else 1
    for i in range(n_parts):
        part = (i,) if len(shape) > 2 else (...,)
        yield Progress(fraction=0.0, message=f"reading {name}")
        read = np.asarray(source[part])
        as_float32(read if inside is None else read[inside[part]], name)
        if stays_in_file:
            pixels[part] = read
    return pixels
