"""How large a tile a network is shown: as large as pays, and no larger than memory allows."""

from __future__ import annotations

from math import prod

from napari_denoise.learning.networks.architecture import (
    AnyArchitecture,
    Architecture,
    BlurredArchitecture,
    InstantArchitecture,
    LadderArchitecture,
)

__all__ = ["activation_bytes", "choose_core"]

_CORE = {
    ("cpu", 2): (512, 512),
    ("cpu", 3): (64, 256, 256),
    ("gpu", 2): (2048, 2048),
    ("gpu", 3): (64, 512, 512),
}
"""Beyond these a larger tile saves little: halos are thin, and a CPU's cache overflows."""

_SHARE = 0.5
"""Of the free memory; other programs want some, and what is not foreseen."""

_MOST_BYTES = {"cpu": 1_200_000_000, "gpu": 32 * 10**9}
"""A CPU gains nothing from more, and a laptop has a use for it."""

_BYTES_PER_VALUE = 4
_VALUES_IN_SLABS = 15_000_000
"""At most, of a layer that is computed a slab at a time: the last one, the next, their margins;
see ``slabs``."""

_VALUES_BESIDE = 8
"""Per pixel and channel: the tile, normalised and not, its result, and what is in between."""


def choose_core(
    architecture: AnyArchitecture, extents: tuple[int, ...], kind: str, free_bytes: int
) -> tuple[int, ...]:
    """The core of a tile for a network of this shape, in pixels per spatial axis.

    Parameters
    ----------
    architecture : of a network
    extents : tuple of int
        Size in pixels of what is cut into tiles, per spatial axis: a thin volume has no halo
        along Z, which leaves memory for wider tiles.
    kind : {"cpu", "gpu"}
    free_bytes : int
        Memory that the device has left.
    """
    budget = min(free_bytes * _SHARE, _MOST_BYTES[kind])
    most = _CORE[kind, architecture.n_spatial]
    if isinstance(architecture, InstantArchitecture):
        # It looks at planes, a few at a time, and far along them.
        most = (*[16] * (len(extents) - 2), *(2 * size for size in _CORE[kind, 2]))
    core = [min(*sizes) for sizes in zip(most, extents, strict=True)]
    steps, halo = architecture.alignment(), architecture.halo()
    while max(core) > max(steps):
        sizes = zip(core, halo, extents, strict=True)
        tile = [min(size + 2 * margin, extent) for size, margin, extent in sizes]
        if activation_bytes(architecture, tile, core) <= budget:
            break
        longest = core.index(max(core))
        core[longest] //= 2
    return tuple(core)


def activation_bytes(architecture: AnyArchitecture, tile: list[int], core: list[int]) -> int:
    """Memory that a network takes at most while it cleans the core of a tile, in bytes.

    Parameters
    ----------
    architecture : of a network
    tile, core : list of int
        Pixels per spatial axis.
    """
    beside = _VALUES_BESIDE * architecture.n_channels * prod(tile)
    match architecture:
        case Architecture():
            n_values = _values_of_unet(architecture, tile, core)
        case BlurredArchitecture():
            n_values = _values_of_unet(architecture.sharp, tile, tile)
        case InstantArchitecture():
            # At full resolution, twice: what came down, and the levels below or a block's inside.
            n_values = 2 * architecture.widths[0] * prod(tile[-2:]) + _VALUES_IN_SLABS
        case LadderArchitecture():
            # At full resolution: what the coarser level gave, what became of it, and the kept.
            n_values = 5 * architecture.n_features * prod(tile)
    return _BYTES_PER_VALUE * (n_values + beside)


def _values_of_unet(architecture: Architecture, tile: list[int], core: list[int]) -> int:
    """The most values that are held at a time; see ``UNet`` for the order of things."""
    width, pixels, kept = architecture.n_features, float(prod(tile)), 0.0
    shown, peaks, levels = architecture.n_channels * pixels, [], []
    # A level on the way up computes the core and two pixels around it.
    read = prod(min(t, c + 4) for t, c in zip(tile, core, strict=True)) / prod(tile)
    for level, factors in enumerate(architecture.pooling):
        level_values = width * pixels
        # The second convolution writes over what the first gave; blurring makes copies.
        is_blurred = architecture.shrinking != "average"
        beside = 2 * level_values if is_blurred else min(level_values, _VALUES_IN_SLABS)
        peaks.append(kept + shown + level_values + beside)
        skipped = level_values if architecture.has_skip(level) else 0.0
        levels.append((skipped, level_values))
        kept, shown = kept + skipped, level_values / prod(factors)
        pixels, width = pixels / prod(factors), 2 * width
    low = width * pixels
    peaks.append(kept + shown + low + min(low, _VALUES_IN_SLABS))
    for skipped, level_values in reversed(levels):
        given = level_values * read
        peaks.append(kept + low + given + min(given, _VALUES_IN_SLABS))
        kept, low = kept - skipped, given
    return int(max(peaks))
