"""Classical filters: no training, no model.

To add one here, three files: a module with a subclass of
:class:`~napari_denoise.filters.base.ChannelFilter`, its name in :data:`FILTERS` below, and a test.
Docks, command line and Python offer it then, and it can be stabilised, tuned and compared. Another
package offers its filters as entry points of :data:`PLUGINS`.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.metadata import entry_points

from napari_denoise.core.errors import SettingsError
from napari_denoise.core.settings import class_named
from napari_denoise.filters.base import Filter
from napari_denoise.filters.bm3d import BM3D, BM4D
from napari_denoise.filters.deconvolution import RichardsonLucy
from napari_denoise.filters.edge_preserving import (
    AnisotropicDiffusion,
    Bilateral,
    NonLocalMeans,
    TotalVariation,
)
from napari_denoise.filters.smoothing import Box, Gaussian, Median
from napari_denoise.filters.transform_domain import Butterworth, Wavelet, Wiener

__all__ = [
    "BM3D",
    "BM4D",
    "FILTERS",
    "PLUGINS",
    "AnisotropicDiffusion",
    "Bilateral",
    "Box",
    "Butterworth",
    "Gaussian",
    "Median",
    "NonLocalMeans",
    "RichardsonLucy",
    "TotalVariation",
    "Wavelet",
    "Wiener",
    "all_filters",
    "filter_class",
    "register_filter",
]

FILTERS: list[type[Filter]] = [
    Gaussian,
    Median,
    Box,
    Bilateral,
    NonLocalMeans,
    TotalVariation,
    AnisotropicDiffusion,
    Wavelet,
    Wiener,
    Butterworth,
    BM3D,
    BM4D,
    RichardsonLucy,
]
"""In the order in which they are offered."""

PLUGINS = "napari_denoise.filters"
"""The group of entry points, each a filter's class, by which other packages offer theirs."""


def all_filters() -> tuple[type[Filter], ...]:
    """The filters that come along, then those of plugins and those that were registered."""
    _load_plugins()
    return tuple(FILTERS)


def filter_class(name: str) -> type[Filter]:
    """The classical filter called `name`; SettingsError if there is none."""
    return class_named(all_filters(), name, "filter")


def register_filter(cls: type[Filter]) -> None:
    """Offer a filter of your own everywhere: docks, command line, Python.

    Parameters
    ----------
    cls : type of Filter
        With a ``name`` that no other filter has.

    Raises
    ------
    SettingsError
        If it is no filter, or its name is taken.
    """
    if not issubclass(cls, Filter):
        raise SettingsError(f"{cls.__name__} is no filter. Let it be a subclass of Filter.")
    if any(cls.tag() == known.tag() for known in FILTERS):
        raise SettingsError(f"There is a filter {cls.tag()!r} already. Choose another name.")
    FILTERS.append(cls)


@cache
def _load_plugins() -> None:
    # Not when this module is imported: looking through what is installed takes 20 ms.
    for entry in entry_points(group=PLUGINS):
        try:
            register_filter(entry.load())
        except Exception as error:  # other people's code may raise anything
            warnings.warn(
                f"The filter {entry.name!r} of a plugin is skipped ({error}).", stacklevel=2
            )
