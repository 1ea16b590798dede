"""How large a tile a network is shown: as large as pays, and no larger than memory allows."""

from __future__ import annotations

from math import prod

from napari_denoise.learning.networks.architecture import Architecture

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
_VALUES_BESIDE = 8
"""Per pixel and channel: the tile, normalised and not, its result, and what is in between."""


def choose_core(
    architecture: Architecture, extents: tuple[int, ...], kind: str, free_bytes: int
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
    most = architecture.largest_core(_CORE[kind, architecture.n_spatial], _CORE[kind, 2])
    core = [min(*sizes) for sizes in zip(most, extents, strict=True)]
    steps, halo = architecture.alignment(), architecture.halo()
    while max(core) > max(steps):
        sizes = zip(core, halo, extents, strict=True)
        tile = [min(size + 2 * margin, extent) for size, margin, extent in sizes]
        if activation_bytes(architecture, tile, core) <= budget:
            break
        # The longest, as halos cost the least around a cube.
        longest = core.index(max(core))
        core[longest] //= 2
    return tuple(core)


def activation_bytes(architecture: Architecture, tile: list[int], core: list[int]) -> int:
    """Memory that a network takes at most while it cleans the core of a tile, in bytes.

    Parameters
    ----------
    architecture : of a network
    tile, core : list of int
        Pixels per spatial axis.
    """
    beside = _VALUES_BESIDE * architecture.n_channels * prod(tile)
    return _BYTES_PER_VALUE * int(architecture.n_values_held(tile, core) + beside)
