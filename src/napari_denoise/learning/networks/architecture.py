"""What networks look like, and how far they see: numbers only, free of torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import ceil, prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from annotated_types import Ge, Le, Len

from napari_denoise.core.lazy import imported
from napari_denoise.core.settings import Settings

if TYPE_CHECKING:
    import torch


__all__ = [
    "N_PLANES",
    "VALUES_IN_SLABS",
    "Architecture",
    "InstantArchitecture",
    "Levels",
    "UNetArchitecture",
    "choose_pooling",
]

N_PLANES = {2: 1, 3: 5}
"""Planes that the instant denoiser looks at, with two and with three spatial axes."""

VALUES_IN_SLABS = 15_000_000
"""Held at most of a layer that is computed a slab at a time: the last one, the next, and their
margins; see ``slabs``."""

_SMALLEST_POOLED = 8
"""An axis shorter than this is not halved: what is left would be mostly padding."""

Factor = Literal[1, 2]
Levels = tuple[tuple[Factor, Factor], ...] | tuple[tuple[Factor, Factor, Factor], ...]
Width = Annotated[int, Ge(8), Le(512)]


class Architecture(Settings, ABC):
    """Shape of a network: what a model file says about it, and what can be known without it.

    A subclass adds a field ``name`` with a ``Literal`` tag and the numbers that make the shape.
    """

    network_class: ClassVar[str]
    """Where the class of its networks is, which needs torch: named here, imported when used."""

    if TYPE_CHECKING:
        # A field of some, a property of others: pydantic lets no field take a property's place.
        @property
        def n_channels(self) -> int:
            """Channels of the image that it reads and writes together."""

    @property
    @abstractmethod
    def n_spatial(self) -> int:
        """Two or three."""

    @abstractmethod
    def alignment(self) -> tuple[int, ...]:
        """By how much the deepest level has shrunk the image, per spatial axis."""

    @abstractmethod
    def halo(self) -> tuple[int, ...]:
        """How many pixels around a pixel can change it, per spatial axis."""

    def make_network(self, rng: torch.Generator | None = None) -> Any:
        """A network of this shape, as yet untrained; imports torch.

        Parameters
        ----------
        rng : torch.Generator, optional
            For the first weights; a fixed seed if None.
        """
        return imported(self.network_class)(self, rng)

    @abstractmethod
    def n_values_held(self, tile: Sequence[int], core: Sequence[int]) -> float:
        """The most values that are held at a time while the core of a tile is cleaned.

        Parameters
        ----------
        tile, core : sequence of int
            Pixels per spatial axis.
        """

    def largest_core(self, usual: tuple[int, ...], usual_plane: tuple[int, ...]) -> tuple[int, ...]:
        """The core beyond which larger tiles save little, in pixels per spatial axis.

        Parameters
        ----------
        usual, usual_plane : tuple of int
            Of most networks on this device, with its own number of axes and with two.
        """
        del usual_plane
        return usual


class UNetArchitecture(Architecture):
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

    network_class: ClassVar[str] = "napari_denoise.learning.networks.unet:UNet"

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

    def n_values_held(self, tile: Sequence[int], core: Sequence[int]) -> float:
        """See ``UNet`` for the order of things."""
        width, pixels, kept = self.n_features, float(prod(tile)), 0.0
        shown, peaks, levels = self.n_channels * pixels, [], []
        # A level on the way up computes the core and two pixels around it.
        read = prod(min(t, c + 4) for t, c in zip(tile, core, strict=True)) / prod(tile)
        for level, factors in enumerate(self.pooling):
            level_values = width * pixels
            # The second convolution writes over what the first gave; blurring makes copies.
            is_blurred = self.shrinking != "average"
            beside = 2 * level_values if is_blurred else min(level_values, VALUES_IN_SLABS)
            peaks.append(kept + shown + level_values + beside)
            skipped = level_values if self.has_skip(level) else 0.0
            levels.append((skipped, level_values))
            kept, shown = kept + skipped, level_values / prod(factors)
            pixels, width = pixels / prod(factors), 2 * width
        low = width * pixels
        peaks.append(kept + shown + low + min(low, VALUES_IN_SLABS))
        for skipped, level_values in reversed(levels):
            given = level_values * read
            peaks.append(kept + low + given + min(given, VALUES_IN_SLABS))
            kept, low = kept - skipped, given
        return max(peaks)


class InstantArchitecture(Architecture):
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

    network_class: ClassVar[str] = "napari_denoise.learning.networks.instant:InstantNetwork"

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

    def n_values_held(self, tile: Sequence[int], core: Sequence[int]) -> float:
        """At full resolution, twice: what came down, and the levels below or a block's inside."""
        del core
        return 2 * self.widths[0] * prod(tile[-2:]) + VALUES_IN_SLABS

    def largest_core(self, usual: tuple[int, ...], usual_plane: tuple[int, ...]) -> tuple[int, ...]:
        """It looks at planes, a few at a time, and far along them."""
        return (*[16] * (len(usual) - 2), *(2 * size for size in usual_plane))


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
