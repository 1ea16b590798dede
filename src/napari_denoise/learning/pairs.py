"""Which images make a pair, found out before a method learns from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_denoise.errors import AxesError, InputError
from napari_denoise.intensities import FloatArray, check_pixels
from napari_denoise.learning.config import N2N, PairedMethod, TrainingMethod
from napari_denoise.learning.patches import TrainingImage

__all__ = ["check_pairs", "check_sampled_pairs"]


def check_pairs(method: TrainingMethod, images: Sequence[TrainingImage]) -> None:
    """Refuse images that lack a second one, or have one in vain; no pixels are read.

    Raises
    ------
    InputError
        If a target is missing, is not asked for, or has another shape.
    AxesError
        If there are no repeats along the axis that is to have them.
    """
    for image in images:
        if isinstance(method, N2N) and method.repeats:
            _check_repeats(image, method.repeats)
        elif isinstance(method, PairedMethod):
            _check_target(image, method.title)
        elif image.target is not None:
            raise InputError(
                f"{method.title} learns from the noisy image alone, and {image.name} comes with a "
                f"target. Leave the target out, or choose a method for pairs."
            )


def _check_target(image: TrainingImage, title: str) -> None:
    if image.target is None:
        raise InputError(
            f"{title} learns from pairs, and {image.name} has no target. "
            f"Choose one, an image of the same thing and of the same shape."
        )
    name = image.target_name or f"The target of {image.name}"
    check_pixels(image.target, name)
    shapes = [tuple(pixels.shape) for pixels in (image.pixels, image.target)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"{image.name} has shape {shapes[0]}, its target shape {shapes[1]}. "
            f"Choose a target of the same shape, pixel for pixel in the same place."
        )


def _check_repeats(image: TrainingImage, axis: str) -> None:
    if image.target is not None:
        raise InputError(
            f"{image.name} has a target and is to have repeats along {axis} as well. "
            f"Choose one of the two."
        )
    axes, shape = image.layout.axes, tuple(image.pixels.shape)
    if axis not in image.layout.batch_axes:
        reason = "is spatial" if axis in axes else f"is not among its axes {axes}"
        raise AxesError(
            f"{image.name} is to have repeats along {axis}, which {reason}. "
            f"Choose another axis, or name the image's axes otherwise."
        )
    if shape[axes.index(axis)] < 2:
        raise AxesError(
            f"{image.name} has a single frame along {axis}, and a pair needs two. "
            f"Choose an image with repeats, or a target."
        )


def check_sampled_pairs(pairs: Sequence[FloatArray]) -> None:
    """Refuse targets that there is nothing to learn from.

    Parameters
    ----------
    pairs : sequence of arrays, axes 2C(Z)YX

    Raises
    ------
    InputError
        If all targets equal their images, or are constant.
    """
    if all(np.array_equal(*pair) for pair in pairs):
        raise InputError(
            "The image and its target are the same, pixel for pixel, so there is no noise to "
            "learn from. Choose the other image of the pair."
        )
    level = pairs[0][1].flat[0]
    if all((pair[1] == level).all() for pair in pairs):
        raise InputError(
            f"The target is constant: every pixel that was looked at is {level:g}. "
            f"Choose an image that shows what is to be seen."
        )
