"""A filter of your own: in the docks, on the command line and in Python, as those that come along.

In a notebook, ``nd.register_filter(Percentile)`` is all it takes. A package offers it to everybody
who installs it by an entry point in its ``pyproject.toml``:

    [project.entry-points."napari_denoise.filters"]
    percentile = "own_filter:Percentile"

Its form in the dock, its command-line options and its limits follow from the fields below.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from scipy import ndimage

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job
from napari_denoise.core.settings import setting
from napari_denoise.filters.base import ChannelFilter


class Percentile(ChannelFilter):
    """A percentile of the pixels around each: 50 is the median, less favours dark pixels."""

    title: ClassVar[str] = "Percentile"

    name: Literal["percentile"] = "percentile"
    percentile: float = setting(
        50.0, "Share of the window's pixels that are darker.", unit="%", ge=0, le=100
    )
    size: int = setting(3, "Width of the window, an odd number.", unit="pixels", ge=1, le=15)

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        """How far the filter looks beyond a tile, so that no seams are seen."""
        return (self.size // 2,) * n_spatial

    def _filter(self, pixels: FloatArray) -> Job[FloatArray]:
        """Filter one channel, ``(Z)YX`` float32, in the image's own units."""
        yield from ()  # longer work yields its Progress here, and can be cancelled there
        result: FloatArray = ndimage.percentile_filter(pixels, self.percentile, self.size)
        return result
