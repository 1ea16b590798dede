"""Filters that replace a pixel by a summary of its neighbourhood."""

from __future__ import annotations

from abc import abstractmethod
from math import ceil, prod
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le
from scipy import ndimage

from napari_denoise.filters.base import ChannelFilter
from napari_denoise.intensities import FloatArray
from napari_denoise.progress import Job, Progress
from napari_denoise.settings import PerAxis, per_axis, setting

__all__ = ["Box", "Gaussian", "Median"]

_TRUNCATE = 4.0
"""A Gaussian kernel ends at this many sigma, where it has fallen to 3e-4 of its peak."""

_MEDIAN_EFFORT = 5e6
"""Pixels times window size that the median takes about a tenth of a second for."""

_TILE_SIZE = {2: (512, 512), 3: (32, 128, 128)}
"""Fits in the cache of one core, which filters along one axis after the other."""

Sigma = Annotated[float, Ge(0), Le(200)]
Width = Annotated[int, Ge(1), Le(201)]


class _Smoothing(ChannelFilter):
    """A filter that takes so little time per tile that nobody has to wait for it."""

    def tile_size(self, n_spatial: int) -> tuple[int, ...]:
        sizes = zip(_TILE_SIZE[n_spatial], self.halo(n_spatial), strict=True)
        return tuple(max(size, 4 * halo) for size, halo in sizes)

    @abstractmethod
    def _smooth(self, pixels: FloatArray) -> FloatArray:
        """Filter one channel, ``(Z)YX``."""

    def _filter(self, pixels: FloatArray) -> Job[FloatArray]:
        yield Progress(fraction=0.0)
        return self._smooth(pixels)


class Gaussian(_Smoothing):
    """Weighted mean of the neighbourhood; the hard bar every learned method has to beat."""

    title: ClassVar[str] = "Gaussian"
    citation: ClassVar[str] = ""

    name: Literal["gaussian"] = "gaussian"
    sigma: PerAxis[Sigma] = setting(
        1.0,
        "Standard deviation of the kernel; one value, or one per axis (Z, Y, X).",
        unit="pixels",
        step=0.1,
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return tuple(ceil(_TRUNCATE * s) for s in per_axis(self.sigma, n_spatial, "sigma"))

    def _smooth(self, pixels: FloatArray) -> FloatArray:
        sigma = per_axis(self.sigma, pixels.ndim, "sigma")
        smooth: FloatArray = ndimage.gaussian_filter(
            pixels, sigma, mode="reflect", truncate=_TRUNCATE
        )
        return smooth


class _Window(_Smoothing):
    """A filter over a box of pixels around each pixel."""

    size: PerAxis[Width] = setting(
        3, "Width of the window; one value, or one per axis (Z, Y, X).", unit="pixels", step=1
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return tuple(int(size) // 2 for size in per_axis(self.size, n_spatial, "size"))

    def _window(self, n_spatial: int) -> tuple[int, ...]:
        return tuple(int(size) for size in per_axis(self.size, n_spatial, "size"))


class Box(_Window):
    """Plain mean of the window: fastest, and the least kind to edges."""

    title: ClassVar[str] = "Box"

    name: Literal["box"] = "box"

    def _smooth(self, pixels: FloatArray) -> FloatArray:
        smooth: FloatArray = ndimage.uniform_filter(pixels, self._window(pixels.ndim))
        return smooth


class Median(_Window):
    """Median of the window: removes salt-and-pepper noise and hot pixels, keeps edges."""

    title: ClassVar[str] = "Median"
    citation: ClassVar[str] = "Huang, Yang & Tang 1979, doi:10.1109/TASSP.1979.1163188"

    name: Literal["median"] = "median"

    def tile_size(self, n_spatial: int) -> tuple[int, ...]:
        # Sorting takes time in proportion to the window: keep what Cancel waits for short.
        n_pixels = _MEDIAN_EFFORT / prod(self._window(n_spatial))
        edge = ceil(n_pixels ** (1 / n_spatial))
        return tuple(max(edge, 2 * halo, 16) for halo in self.halo(n_spatial))

    def _smooth(self, pixels: FloatArray) -> FloatArray:
        smooth: FloatArray = ndimage.median_filter(
            pixels, self._window(pixels.ndim), mode="reflect"
        )
        return smooth
