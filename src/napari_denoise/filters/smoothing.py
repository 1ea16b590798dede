"""Filters that replace a pixel by a summary of its neighbourhood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import ceil, prod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le
from scipy import ndimage

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress
from napari_denoise.core.settings import PerAxis, per_axis, setting
from napari_denoise.filters.base import ChannelFilter
from napari_denoise.filters.blur import TRUNCATE
from napari_denoise.filters.median_network import window_medians_job

__all__ = ["Box", "Gaussian", "Median"]

_LARGEST_NETWORK = 7**3
"""Pixels of the largest window whose comparisons are made for all windows at once. A trade-off: for
this one there are 3,444 comparisons, and 302 arrays held at a time."""

_MEDIAN_EFFORT = 5e6
"""Pixels times window size that a larger median takes about a tenth of a second for."""

_WORK_AT_ONCE = 1 << 26
"""Pixels times taps of the kernel in one call of scipy: 0.03 s, which is what Cancel waits for."""

Sigma = Annotated[float, Ge(0), Le(200)]
Width = Annotated[int, Ge(1), Le(201)]


class _Smoothing(ChannelFilter):
    """A filter whose time goes with the reading of its margins, unless tiles are large."""

    # 1 to 8 MB: of smaller ones more would be margins, for larger ones Cancel would wait longer.
    tile_sizes: ClassVar[Mapping[int, tuple[int, ...]]] = {2: (512, 512), 3: (64, 176, 176)}


class Gaussian(_Smoothing):
    """Weighted mean of the neighbourhood; the hard bar every learned method has to beat."""

    title: ClassVar[str] = "Gaussian"
    citation: ClassVar[str] = "Babaud, Witkin, Baudin & Duda 1986, doi:10.1109/TPAMI.1986.4767749"

    name: Literal["gaussian"] = "gaussian"
    sigma: PerAxis[Sigma] = setting(
        1.0,
        "Standard deviation of the kernel; one value, or one per axis (Z, Y, X).",
        unit="pixels",
        step=0.1,
        tuned_over=(0.4, 6.4),
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return tuple(ceil(TRUNCATE * s) for s in per_axis(self.sigma, n_spatial, "sigma"))

    def _filter(self, pixels: FloatArray) -> Job[FloatArray]:
        sigmas = per_axis(self.sigma, pixels.ndim, "sigma")
        along = [partial(ndimage.gaussian_filter1d, sigma=s, truncate=TRUNCATE) for s in sigmas]
        return (yield from _along_axes(pixels, along, [2 * TRUNCATE * s for s in sigmas]))


class _Window(_Smoothing):
    """A filter over a box of pixels around each pixel."""

    size: PerAxis[Width] = setting(
        3,
        "Width of the window; one value, or one per axis (Z, Y, X).",
        unit="pixels",
        step=2,
        tuned_over=(1, 11),
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return tuple(size // 2 for size in self._window(n_spatial))

    def _window(self, n_spatial: int) -> tuple[int, ...]:
        return tuple(int(size) for size in per_axis(self.size, n_spatial, "size"))


class Box(_Window):
    """Plain mean of the window, in 2D (average) and 3D (Box3D): fastest, least kind to edges."""

    title: ClassVar[str] = "Box average"
    citation: ClassVar[str] = "McDonnell 1981, doi:10.1016/S0146-664X(81)80009-3"

    name: Literal["box"] = "box"

    def _filter(self, pixels: FloatArray) -> Job[FloatArray]:
        sizes = self._window(pixels.ndim)
        along = [partial(ndimage.uniform_filter1d, size=size) for size in sizes]
        # A running sum takes as long for any width; it is cut into slabs as if it had eight taps.
        return (yield from _along_axes(pixels, along, [8.0 * (size > 1) for size in sizes]))


class Median(_Window):
    """Median of the window: removes salt-and-pepper noise and hot pixels, keeps edges."""

    title: ClassVar[str] = "Median"
    citation: ClassVar[str] = (
        "Huang, Yang & Tang 1979, doi:10.1109/TASSP.1979.1163188; "
        "its network: Batcher 1968, doi:10.1145/1468075.1468121"
    )

    name: Literal["median"] = "median"

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        n_values = prod(self._window(len(extents)))
        if n_values <= _LARGEST_NETWORK:
            return super().tile_size(extents)
        # Sorting takes time in proportion to the window: keep what Cancel waits for short.
        # At least twice the halo, or most of what is read would be margin.
        edge = ceil((_MEDIAN_EFFORT / n_values) ** (1 / len(extents)))
        return tuple(max(edge, 2 * halo, 16) for halo in self.halo(len(extents)))

    def _filter(self, pixels: FloatArray) -> Job[FloatArray]:
        window = self._window(pixels.ndim)
        if prod(window) <= _LARGEST_NETWORK:
            return (yield from window_medians_job(pixels, window))
        # One call, which nothing stops: hence the small tiles.
        yield Progress(fraction=0.0)
        medians: FloatArray = ndimage.median_filter(pixels, window, mode="reflect")
        return medians


def _along_axes(
    pixels: FloatArray, filters: Sequence[Callable[..., Any]], n_taps: Sequence[float]
) -> Job[FloatArray]:
    """Filter along one axis after the other, but for those where the kernel has no taps.

    scipy takes 2 to 5 times as long as the pieces of :mod:`~napari_denoise.filters.blur` would
    (benchmarks/filters.py), but that is 0.02 s for a megapixel.
    """
    result = np.empty(pixels.shape, np.float32)
    for axis, (along, taps) in enumerate(zip(filters, n_taps, strict=True)):
        if taps == 0:
            continue
        n_slabs = ceil(pixels.size * taps / _WORK_AT_ONCE)
        across = 1 if axis == 0 else 0  # lines along the filter's own axis stay whole
        slabs = (np.array_split(each, n_slabs, across) for each in (pixels, result))
        for i, (source, target) in enumerate(zip(*slabs, strict=True)):
            yield Progress(fraction=(axis + i / n_slabs) / pixels.ndim)
            along(source, axis=axis, output=target)
        pixels = result  # from here on in place: scipy copies each line before it writes it
    return pixels
