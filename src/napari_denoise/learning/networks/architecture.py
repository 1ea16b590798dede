"""What networks look like, and how far they see: numbers only, free of torch."""

from __future__ import annotations

from math import ceil, prod
from typing import Annotated, Literal, Self, cast

from annotated_types import Ge, Gt, Le, Len
from pydantic import model_validator

from napari_denoise.core.settings import Settings

__all__ = [
    "N_PLANES",
    "AnyArchitecture",
    "Architecture",
    "BlurredArchitecture",
    "InstantArchitecture",
    "LadderArchitecture",
    "Levels",
    "choose_pooling",
]

N_PLANES = {2: 1, 3: 5}
"""Planes that the instant denoiser looks at, with two and with three spatial axes."""

_SMALLEST_POOLED = 8
"""An axis shorter than this is not halved: what is left would be mostly padding."""

Factor = Literal[1, 2]
Levels = tuple[tuple[Factor, Factor], ...] | tuple[tuple[Factor, Factor, Factor], ...]
Width = Annotated[int, Ge(8), Le(512)]


class Architecture(Settings):
    """Shape of a U-Net.

    Attributes
    ----------
    n_channels : int
        Channels of the image that it reads and writes together.
    n_features : int
        Feature maps of the first level; each further level has twice as many.
    pooling : tuple of tuple of int
        Per level, by how much it shrinks the image along each spatial axis: 2, or 1 along an
        axis with too few planes.
    shrinking : {"average", "blur", "max-blur"}
        How: the mean of the pixels that become one; a binomial blur of them and their neighbours
        (Zhang 2019, arXiv:1904.11486); or a blur of the larger one of each two.
    n_answers : int
        Maps that it writes for each channel.
    skips : {"all", "deep", "none"}
        Levels that are handed across to the way up: all, all but that of full resolution, or none.
    """

    name: Literal["unet"] = "unet"
    n_channels: Annotated[int, Ge(1), Le(1024)]
    n_features: Annotated[int, Ge(1), Le(256)]
    pooling: Annotated[Levels, Len(1, 5)]
    shrinking: Literal["average", "blur", "max-blur"] = "average"
    skips: Literal["all", "deep", "none"] = "all"
    n_answers: Annotated[int, Ge(1), Le(800)] = 1

    @property
    def n_spatial(self) -> int:
        """Two or three."""
        return len(self.pooling[0])

    def alignment(self) -> tuple[int, ...]:
        """By how much the deepest level has shrunk the image, per spatial axis."""
        return tuple(prod(factors) for factors in zip(*self.pooling, strict=True))

    def halo(self) -> tuple[int, ...]:
        """How many pixels around a pixel can change it, per spatial axis."""
        margin = 0 if self.shrinking == "average" else 1
        return tuple(_farthest(factors, margin) for factors in zip(*self.pooling, strict=True))

    def has_skip(self, level: int) -> bool:
        """Whether a level (0: full resolution) is handed across to the way up."""
        return {"all": True, "deep": level > 0, "none": False}[self.skips]


class BlurredArchitecture(Settings):
    """Shape of a network whose answer is blurred by a PSF in the end.

    Attributes
    ----------
    sharp : Architecture
        Of the U-Net that answers.
    psf_size : tuple of int
        Pixels of the PSF per spatial axis, odd.
    """

    name: Literal["blurred"] = "blurred"
    sharp: Architecture
    psf_size: Annotated[tuple[Annotated[int, Ge(1), Le(1023)], ...], Len(2, 3)]

    @model_validator(mode="after")
    def _has_a_centre(self) -> Self:
        if len(self.psf_size) != self.n_spatial or any(size % 2 == 0 for size in self.psf_size):
            raise ValueError("the PSF needs an odd size along each spatial axis")
        return self

    @property
    def n_channels(self) -> int:
        """Channels of the image that it reads and writes together."""
        return self.sharp.n_channels

    @property
    def n_spatial(self) -> int:
        """Two or three."""
        return self.sharp.n_spatial

    def alignment(self) -> tuple[int, ...]:
        """By how much the deepest level has shrunk the image, per spatial axis."""
        return self.sharp.alignment()

    def halo(self) -> tuple[int, ...]:
        """How many pixels around a pixel can change it, per spatial axis."""
        pairs = zip(self.sharp.halo(), self.psf_size, strict=True)
        return tuple(halo + size // 2 for halo, size in pairs)


class InstantArchitecture(Settings):
    """Shape of the instant denoiser's network.

    Attributes
    ----------
    n_planes : int
        Planes that are looked at to clean the middle one: 1 for images, an odd number for volumes.
    widths : tuple of int
        Feature maps per level; each level halves the image.
    n_blocks : tuple of int
        Residual blocks per level, on the way down and again on the way up; once at the bottom.
    """

    name: Literal["instant"] = "instant"
    n_planes: Annotated[int, Ge(1), Le(15)] = 1
    widths: Annotated[tuple[Width, ...], Len(2, 5)] = (32, 64, 112, 160)
    n_blocks: Annotated[tuple[Annotated[int, Ge(1), Le(8)], ...], Len(2, 5)] = (1, 1, 2, 1)

    @property
    def n_channels(self) -> int:
        """It sees channels one at a time."""
        return 1

    @property
    def n_spatial(self) -> int:
        """Two or three."""
        return 3 if self.n_planes > 1 else 2

    def alignment(self) -> tuple[int, ...]:
        """By how much the deepest level has shrunk the image, per spatial axis."""
        step = int(2 ** (len(self.widths) - 1))
        return (*(1,) * (self.n_spatial - 2), step, step)

    def halo(self) -> tuple[int, ...]:
        """How many pixels around a pixel can change it, per spatial axis.

        Rounded up to the alignment.
        """
        depth = len(self.widths) - 1
        ways = [2] * depth + [1]
        levels = zip(self.n_blocks, ways, range(depth + 1), strict=True)
        reach = 2 + sum(2 * blocks * way << level for blocks, way, level in levels)
        # Where a pixel lies in its window of the deepest level shifts what it sees.
        step = self.alignment()[-1]
        reach = ceil((reach + step - 1) / step) * step
        return (*(self.n_planes // 2,) * (self.n_spatial - 2), reach, reach)


class LadderArchitecture(Settings):
    """Shape of a ladder of latent variables.

    Attributes
    ----------
    n_features : int
        Feature maps at full size; all coarser levels have twice as many.
    n_latents : int
        Latent variables per place and level.
    pooling : tuple of tuple of int
        As in :class:`Architecture`; there are latents at each level but the full size.
    contrast : float
        Standard deviation of the images that it is made for, in units of the noise.
    """

    name: Literal["ladder"] = "ladder"
    n_features: Annotated[int, Ge(1), Le(256)]
    n_latents: Annotated[int, Ge(1), Le(256)]
    pooling: Annotated[Levels, Len(1, 5)]
    contrast: Annotated[float, Gt(0)] = 1.0

    @property
    def n_channels(self) -> int:
        """It sees channels one at a time."""
        return 1

    @property
    def n_spatial(self) -> int:
        """Two or three."""
        return len(self.pooling[0])

    def factors(self) -> tuple[tuple[int, ...], ...]:
        """By how much each level has shrunk the image, per spatial axis."""
        return tuple(
            tuple(prod(factors) for factors in zip(*self.pooling[: level + 1], strict=True))
            for level in range(len(self.pooling))
        )

    def alignment(self) -> tuple[int, ...]:
        """By how much the deepest level has shrunk the image, per spatial axis."""
        return self.factors()[-1]

    def halo(self) -> tuple[int, ...]:
        """How many pixels around a pixel can change it, per spatial axis."""
        return tuple(_farthest_drawn(factors) for factors in zip(*self.pooling, strict=True))


AnyArchitecture = Architecture | BlurredArchitecture | InstantArchitecture | LadderArchitecture
"""What a model file may name."""


def choose_pooling(patch_size: tuple[int, ...], depth: int) -> Levels:
    """Pooling factors that suit patches of this size.

    Depth (or time) is left whole at the first level: planes lie further apart than pixels do.

    Parameters
    ----------
    patch_size : tuple of int
        Pixels per spatial axis.
    depth : int
        Number of levels.
    """
    size, levels = patch_size, []
    for level in range(depth):
        may_halve = [len(size) == 2 or axis > 0 or level > 0 for axis in range(len(size))]
        factors = tuple(
            2 if may and n >= _SMALLEST_POOLED else 1
            for n, may in zip(size, may_halve, strict=True)
        )
        size = tuple(n // factor for n, factor in zip(size, factors, strict=True))
        levels.append(factors)
    return cast("Levels", tuple(levels))


def _farthest(factors: tuple[int, ...], margin: int) -> int:
    """The halo along one axis; it depends on where a pixel lies in its pooling window."""
    spans = ((place, _seen(place, place, factors, margin)) for place in range(prod(factors)))
    return max(max(place - low, high - place) for place, (low, high) in spans)


def _seen(low: int, high: int, factors: tuple[int, ...], margin: int) -> tuple[int, int]:
    """First and last pixel that a level and those below it read to give pixels low to high.

    Two convolutions of width 3 on the way down and two on the way up see one pixel further each;
    shrinking sees `margin` pixels more than those that become one.
    """
    if factors:
        low, high = low - 2, high + 2
        factor = factors[0]
        first, last = _seen(low // factor, high // factor, factors[1:], margin)
        beyond = margin if factor > 1 else 0
        low = min(low, first * factor - beyond)
        high = max(high, last * factor + factor - 1 + beyond)
    return low - 2, high + 2


def _farthest_drawn(factors: tuple[int, ...]) -> int:
    """The halo of a ladder along one axis."""
    halo = 0
    for place in range(prod(factors)):
        # Two convolutions of width 3 behind the finest level see two pixels further.
        low, high = _drawn_from((place - 2) // factors[0], (place + 2) // factors[0], factors, 0)
        halo = max(halo, place - low, high - place)
    return halo


def _drawn_from(low: int, high: int, factors: tuple[int, ...], level: int) -> tuple[int, int]:
    """First and last pixel that decide on features low to high of a ladder's level."""
    # A convolution tells the latents, two merge them.
    low, high = low - 3, high + 3
    first, last = low, high
    for factor in factors[level::-1]:
        # Two convolutions on the way down, at each level and at full size.
        first, last = (first - 2) * factor, (last + 2) * factor + factor - 1
    first, last = first - 2, last + 2
    if level + 1 < len(factors):
        factor = factors[level + 1]
        above = _drawn_from(low // factor, high // factor, factors, level + 1)
        first, last = min(first, above[0]), max(last, above[1])
    return first, last
