"""Pairs to learn from: which images make one, and how a single image is split into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import UnitIndex
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.metrics.block_means import means_of_blocks

__all__ = [
    "Likeness",
    "Repeats",
    "check_no_target",
    "check_repeats",
    "check_sampled_pairs",
    "check_target",
    "compare_pairs",
    "split_checkerboard",
]

# Noise of one pixel has an eighth of its deviation in the mean of 8 × 8.
_BLOCK = 8
"""Pixels, along Y and X, whose mean is compared: noise averages out."""

# Trade-off: lower overlooks pairs that do not belong together, higher warns of dim ones.
_ALIKE = 0.3
"""Correlation below which two images hardly show the same thing."""

# Frames of the confocal repeats differ by up to 8 % in brightness (docs/benchmarks.md), exposures
# of another length by factors.
_TOLERANCE = 0.25
"""Scales that differ by no more than this are taken to be the same."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Which frames of an image are pairs.

    Attributes
    ----------
    axis : str
        Along which they lie.
    pairing : {"any", "even_odd"}
        Any two, or each even one and the odd one after it.
    """

    axis: str
    pairing: Literal["any", "even_odd"] = "any"

    def partner(self, image: TrainingImage, unit: UnitIndex, rng: np.random.Generator) -> UnitIndex:
        """The same unit in another frame.

        Parameters
        ----------
        image : TrainingImage
        unit : UnitIndex
            Of the frame that it is to go with.
        rng : numpy.random.Generator
        """
        place = image.layout.axes.index(self.axis)
        here, n = unit[place], image.pixels.shape[place]
        assert isinstance(here, int)  # noqa: S101  # it lies along a batch axis
        if self.pairing == "any":
            # Never the frame itself: its noise would be learned.
            there = (here + int(rng.integers(1, n))) % n
        else:
            # The last of an odd number of frames goes with the one before it.
            there = here ^ 1 if here ^ 1 < n else here - 1
        return (*unit[:place], there, *unit[place + 1 :])


def check_no_target(image: TrainingImage) -> None:
    """Refuse a target beside noise that is to be added; InputError."""
    if image.target is not None:
        raise InputError(
            f"Noise is to be added to {image.name} as to a clean image, and it has a target as "
            f"well. Choose one of the two."
        )


def check_target(image: TrainingImage, title: str) -> None:
    """Refuse an image without a fitting target; no pixels are read.

    Parameters
    ----------
    image : TrainingImage
    title : str
        Of the method that needs the target, for the message.

    Raises
    ------
    InputError
        If there is none, or it has another shape.
    """
    if image.target is None:
        raise InputError(
            f"{title} learns from pairs, and {image.name} has no target. "
            f"Choose one, an image of the same thing and of the same shape."
        )
    shapes = image.image.shape, image.target.shape
    if shapes[0] != shapes[1]:
        raise InputError(
            f"{image.name} has shape {shapes[0]}, its target shape {shapes[1]}. "
            f"Choose a target of the same shape, pixel for pixel in the same place."
        )


def check_repeats(image: TrainingImage, axis: str) -> None:
    """Refuse an image without repeats along an axis; no pixels are read.

    Parameters
    ----------
    image : TrainingImage
    axis : {"T", "S"}

    Raises
    ------
    InputError
        If it has a target as well.
    AxesError
        If it lacks the axis, or has a single frame along it.
    """
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


@dataclass(frozen=True, slots=True)
class Likeness:
    """How images go with their targets.

    Attributes
    ----------
    correlation : float
        Of the means of small blocks; 1 for images of the same thing.
    target_map : (float, float)
        Scale and shift from the target's intensities to the image's.
    is_same_scale : bool
        Whether the target can be taken as it is.
    """

    correlation: float
    target_map: tuple[float, float]
    is_same_scale: bool

    def in_words(self, repeats: str = "") -> str:
        """What a user should know; empty if all is as it should be.

        Parameters
        ----------
        repeats : str, optional
            Axis along which the pairs lie, if they are frames of the images themselves.
        """
        if repeats:
            return "" if self.correlation >= _ALIKE else self._frames_in_words(repeats)
        if self.correlation < _ALIKE:
            return (
                f"The images and their targets hardly resemble each other (correlation "
                f"{self.correlation:.2f}). Check that the pairs belong together."
            )
        if self.is_same_scale:
            return ""
        scale, shift = self.target_map
        return (
            f"The targets have other intensities than the images and are brought to theirs "
            f"(times {scale:.3g}, plus {shift:.3g}): results are in units of the images."
        )

    def _frames_in_words(self, axis: str) -> str:
        return (
            f"Frames along {axis} hardly resemble each other (correlation {self.correlation:.2f}). "
            f"If things move or fade, choose the pairing even_odd, or Noise2Void."
        )


def compare_pairs(pairs: Sequence[FloatArray]) -> Likeness:
    """Compare images with their targets where noise averages out.

    Parameters
    ----------
    pairs : sequence of arrays, axes 2C(Z)YX
    """
    image, target = np.concatenate([_block_means(pair) for pair in pairs], axis=1)
    covariance = np.cov(image, target)
    deviations = np.sqrt(np.diag(covariance))
    if not deviations.all():
        return Likeness(correlation=0.0, target_map=(1.0, 0.0), is_same_scale=True)
    correlation = float(covariance[0, 1] / deviations.prod())
    # Of the image on its target, which mostly has less noise; in block means there is little left.
    scale = float(covariance[0, 1] / covariance[1, 1])
    shift = float(image.mean() - scale * target.mean())
    # Between images that hardly resemble each other a scale means nothing.
    is_same = abs(scale - 1) < _TOLERANCE and abs(shift) < _TOLERANCE * deviations[0]
    return Likeness(correlation, (scale, shift), is_same or correlation < _ALIKE)


def _block_means(pair: FloatArray) -> npt.NDArray[np.float64]:
    """Means of blocks of both, axes ``2n``."""
    size = min(_BLOCK, *pair.shape[-2:])
    return means_of_blocks(pair.astype(np.float64), size).reshape(2, -1)


def split_checkerboard(
    patches: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Halve the plane of each patch into the two colours of a checkerboard.

    Each colour is pushed together along Y or along X, so all four halves of Lequyer et al. 2022,
    doi:10.1038/s42256-022-00547-8, come up. Planes of a volume are halved alike.

    Parameters
    ----------
    patches : array, axes …YX
        At least two pixels along Y and X.
    rng : numpy.random.Generator
        Chooses the axis, and which half comes first.

    Returns
    -------
    first, second : array, axes …YX
        Half as long along Y or X; neighbours in the patch are at the same place.
    """
    # Even sizes, so that the colours have as many fields.
    patches = patches[..., : patches.shape[-2] // 2 * 2, : patches.shape[-1] // 2 * 2]
    is_along_y, is_swapped = rng.integers(2, size=2) > 0
    if is_along_y:
        patches = np.swapaxes(patches, -1, -2)
    first, second = np.empty((2, *patches.shape[:-1], patches.shape[-1] // 2), np.float32)
    # Odd rows begin with the other colour.
    for row in (0, 1):
        first[..., row::2, :] = patches[..., row::2, row::2]
        second[..., row::2, :] = patches[..., row::2, 1 - row :: 2]
    if is_along_y:
        first, second = np.swapaxes(first, -1, -2), np.swapaxes(second, -1, -2)
    return (second, first) if is_swapped else (first, second)
