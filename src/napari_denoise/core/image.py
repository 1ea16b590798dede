"""An image: pixels with named axes, their scale, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from napari_denoise.core.axes import check_axes
from napari_denoise.core.dtype import check_pixels
from napari_denoise.core.errors import InputError
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.units import PIXEL

__all__ = ["Image"]


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels with named axes, their scale, and where they came from.

    Attributes
    ----------
    pixels : array-like in `axes`
        A dask array where the image was read from a file: nothing is loaded until it is used.
    axes : str
        One letter out of ``STCZYX`` per axis.
    scale : tuple of float
        Size of a pixel along each axis, in `units`; 1.0 where unknown.
    units : tuple of str
        Unit of each axis: "pixel" where unknown, else such as "micrometer" or "second".
    channel_names : tuple of str
        One name per channel, or none at all.
    name : str
        What to call the image: the file's name without its ending.
    recipe : Recipe or None
        How the image was made, where this package made it.

    Raises
    ------
    InputError
        If the image is empty, its pixels are no real numbers, or scale, units or channel
        names do not fit it.
    AxesError
        If the axes do not fit it.
    """

    pixels: Any
    axes: str
    scale: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    channel_names: tuple[str, ...] = ()
    name: str = ""
    recipe: Recipe | None = None

    def __post_init__(self) -> None:
        check_pixels(self.pixels, f"the image {self.name!r}" if self.name else "the image")
        n_axes = len(self.pixels.shape)
        settled = {
            "axes": check_axes(self.axes, tuple(self.pixels.shape)),
            "scale": tuple(map(float, self.scale)) or (1.0,) * n_axes,
            "units": tuple(map(str, self.units)) or (PIXEL,) * n_axes,
            "channel_names": tuple(self.channel_names),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        self._check_calibration(n_axes)

    def _check_calibration(self, n_axes: int) -> None:
        if len(self.scale) != n_axes or len(self.units) != n_axes:
            raise InputError(
                f"There are {len(self.scale)} scales and {len(self.units)} units for {n_axes} "
                f"axes ({self.axes}). Give one of each per axis."
            )
        if not all(isfinite(size) and size > 0 for size in self.scale):
            raise InputError(
                f"Scale {self.scale} has values that are no size. Give positive numbers."
            )
        n_channels = self.sizes.get("C", 1)
        if len(self.channel_names) not in {0, n_channels}:
            raise InputError(
                f"There are {len(self.channel_names)} channel names for {n_channels} channels. "
                f"Give one per channel, or none."
            )

    @property
    def sizes(self) -> dict[str, int]:
        """Number of pixels along each axis, by letter."""
        return dict(zip(self.axes, self.pixels.shape, strict=True))
