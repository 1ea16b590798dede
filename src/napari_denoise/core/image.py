"""An image: pixels with named axes, their scale, and where they came from."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import check_axes
from napari_denoise.core.dtype import check_pixels
from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.units import PIXEL, micrometers

__all__ = ["Image", "as_image"]


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels with named axes, their scale, and where they came from.

    numpy functions take it as they take an array; they see its pixels.

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
    origin : tuple of float
        Where the first pixel lies along each axis, in `units`.
    channel_names : tuple of str
        One name per channel, or none at all.
    name : str
        What to call the image: the file's name without its ending.
    recipe : Recipe or None
        How the image was made, where this package made it.

    Raises
    ------
    InputError
        If the image is empty, its pixels are no real numbers, or scale, units, origin or channel
        names do not fit it.
    AxesError
        If the axes do not fit it.
    """

    pixels: Any
    axes: str
    _: KW_ONLY
    scale: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    origin: tuple[float, ...] = ()
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
            "origin": tuple(map(float, self.origin)) or (0.0,) * n_axes,
            "channel_names": tuple(self.channel_names),
        }
        for name, value in settled.items():
            # The only way to set a field of a frozen dataclass.
            object.__setattr__(self, name, value)
        self._check_calibration(n_axes)

    def _check_calibration(self, n_axes: int) -> None:
        if not len(self.scale) == len(self.units) == len(self.origin) == n_axes:
            raise InputError(
                f"There are {len(self.scale)} scales, {len(self.units)} units and "
                f"{len(self.origin)} origins for {n_axes} axes ({self.axes}). Give one of each per "
                f"axis."
            )
        if not all(isfinite(size) and size > 0 for size in self.scale):
            raise InputError(
                f"Scale {self.scale} has values that are no size. Give positive numbers."
            )
        if not all(map(isfinite, self.origin)):
            raise InputError(f"Origin {self.origin} has values that are no place. Give numbers.")
        n_channels = self.sizes.get("C", 1)
        if len(self.channel_names) not in {0, n_channels}:
            raise InputError(
                f"There are {len(self.channel_names)} channel names for {n_channels} channels. "
                f"Give one per channel, or none."
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return tuple(int(size) for size in self.pixels.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the pixels."""
        dtype: np.dtype[Any] = np.dtype(self.pixels.dtype)
        return dtype

    @property
    def sizes(self) -> dict[str, int]:
        """Number of pixels along each axis, by letter."""
        return dict(zip(self.axes, self.shape, strict=True))

    def pixel_sizes_um(self, letters: str) -> tuple[float, ...] | None:
        """Size of a pixel in µm along these axes; None if one is unknown or missing."""
        known = {
            letter: micrometers(step, unit)
            for letter, step, unit in zip(self.axes, self.scale, self.units, strict=True)
        }
        sizes = [known.get(letter) for letter in letters]
        return tuple(size for size in sizes if size) if all(sizes) else None

    def with_pixels(self, pixels: Any, **changes: Any) -> Image:
        """Other pixels of the same scene, with all else as it is.

        Parameters
        ----------
        pixels : array-like
            In the image's axes; or with more axes in front of them, which are taken for S.
        **changes
            Other fields to change, such as `name` and `recipe`.

        Raises
        ------
        InputError, AxesError
            If they do not fit.
        """
        n_more = len(pixels.shape) - len(self.axes)
        if n_more > 0:
            changes = {
                "axes": "S" * n_more + self.axes,
                "scale": (1.0,) * n_more + self.scale,
                "units": (PIXEL,) * n_more + self.units,
                "origin": (0.0,) * n_more + self.origin,
                **changes,
            }
        return replace(self, pixels=pixels, **changes)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: Any = None) -> npt.NDArray[Any]:
        """The pixels in memory, for numpy."""
        pixels = np.asarray(self.pixels, dtype=dtype)
        return pixels.copy() if copy else pixels

    def __repr__(self) -> str:
        """Axes and sizes in one line; never the pixels."""
        sizes = " × ".join(str(size) for size in self.shape)
        name = f"{self.name!r}, " if self.name else ""
        return f"Image({name}{self.axes} {sizes}, {self.dtype})"


def as_image(image: Any, axes: str | None = None, *, name: str = "") -> Image:
    """An array as an image, or an image with its axes named otherwise.

    Parameters
    ----------
    image : Image or array-like
        An array of two axes is taken for ``YX``.
    axes : str, optional
        One letter out of ``STCZYX`` per axis; needed for an array of more than two.
    name : str
        What to call it, where it has no name.

    Raises
    ------
    InputError
        If it is no array, is empty, or its pixels are no real numbers.
    AxesError
        If the axes are needed and not given, or do not fit.
    """
    if isinstance(image, Image):
        if axes is None or axes == image.axes:
            return image
        # Channels keep their names only as long as the same axis is that of the channels.
        names = image.channel_names if axes.find("C") == image.axes.find("C") else ()
        return replace(image, axes=axes, channel_names=names)
    # Anything with a shape and a dtype will do: numpy, dask, zarr, what other packages have. A list
    # would have to be converted, and no dtype is said that could be given back.
    if not (hasattr(image, "shape") and hasattr(image, "dtype")):
        kind = type(image).__name__
        raise InputError(f"A {kind} was given where an image is needed. Give a numpy array.")
    # Two axes can only be Y and X. A third may be depth, time, channels or repeats, and a wrong
    # guess would blur across them in silence.
    n_axes = len(image.shape)
    if axes is None and n_axes != 2:
        raise AxesError(
            f"An array with {n_axes} axes was given (shape {tuple(image.shape)}), and which is "
            f'which is not known. Say so, as in axes="ZYX".'
        )
    return Image(image, axes or "YX", name=name)
