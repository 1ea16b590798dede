"""Named axes: which letter is which, and how an image is cut into what a method sees.

Letters are ``S`` (sample), ``T`` (time), ``C`` (channel), ``Z``, ``Y``, ``X``. An image may
have them in any order; a :class:`Layout` says which of them a method treats as space, and
the rest are independent images. Inside the core a piece of an image is ``C(Z)YX`` float32:
one channel, or all of them where a network looks at them jointly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray, as_float32
from napari_denoise.core.errors import AxesError

__all__ = [
    "AXIS_WORDS",
    "LETTERS",
    "AxisWords",
    "Layout",
    "UnitIndex",
    "check_axes",
    "default_axes",
]

# The letters of OME and ImageJ, less those of detectors nobody denoises (lifetime, phase …), and
# S for samples: repeats, positions, doses. In the order in which files keep their axes.
LETTERS = "STCZYX"


@dataclass(frozen=True, slots=True)
class AxisWords:
    """What an axis is called, and one or many positions along it."""

    axis: str
    one: str
    many: str


AXIS_WORDS = {
    "S": AxisWords("sample", "sample", "samples"),
    "T": AxisWords("time", "time point", "time points"),
    "C": AxisWords("channel", "channel", "channels"),
    "Z": AxisWords("depth", "plane", "planes"),
    "Y": AxisWords("height", "row", "rows"),
    "X": AxisWords("width", "column", "columns"),
}
"""The words for each letter, wherever a user reads them."""

UnitIndex = tuple[int | slice, ...]
"""Index into an image in its own axis order that selects one unit."""


def check_axes(axes: str, shape: tuple[int, ...]) -> str:
    """Return `axes` in upper case if they name each axis of an image of `shape` once.

    Raises
    ------
    AxesError
        If letters are unknown, repeated, too many or too few, or Y or X is missing.
    """
    letters = axes.upper()
    unknown = sorted(set(letters) - set(LETTERS))
    if unknown:
        raise AxesError(
            f"Axes {axes!r} have unknown letters {', '.join(unknown)}. "
            f"Use letters out of {LETTERS}."
        )
    if len(set(letters)) != len(letters):
        raise AxesError(f"Axes {axes!r} name an axis twice. Name each axis once.")
    if len(letters) != len(shape):
        raise AxesError(
            f"Axes {axes!r} name {len(letters)} axes, but the image has {len(shape)} "
            f"(shape {tuple(shape)}). Give one letter per axis."
        )
    if not {"Y", "X"} <= set(letters):
        raise AxesError(f"Axes {axes!r} lack Y or X. Every image needs both.")
    return letters


def default_axes(n_dims: int) -> str:
    """The usual axes of an image of which only the number of axes is known.

    Raises
    ------
    AxesError
        If there are fewer than two or more than six axes.
    """
    if not 2 <= n_dims <= len(LETTERS):
        raise AxesError(f"An image needs 2 to 6 axes, this one has {n_dims}.")
    # A third axis without a name is taken for depth, as ImageJ takes it.
    return {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TZCYX", 6: "STZCYX"}[n_dims]


@dataclass(frozen=True, slots=True)
class Layout:
    """An image's axes and the part each plays.

    Attributes
    ----------
    axes : str
        The image's axes in its own order, e.g. ``"TZCYX"``.
    spatial : str
        The two or three axes a method treats as space, in the order it sees them:
        ``"YX"``, ``"ZYX"``, or ``"TYX"`` to treat time as depth.
    channels : {"independent", "joint"}
        Whether a method sees one channel at a time or all at once.
    """

    axes: str
    spatial: str = "YX"
    channels: Literal["independent", "joint"] = "independent"

    def __post_init__(self) -> None:
        # There is no image yet whose shape could differ.
        check_axes(self.axes, (1,) * len(self.axes))
        depth = self.spatial[:-2]
        if self.spatial[-2:] != "YX" or depth not in {"", "Z", "T"}:
            raise AxesError(f"Spatial axes {self.spatial!r} cannot be used. Choose YX, ZYX or TYX.")
        missing = set(self.spatial) - set(self.axes)
        if missing:
            raise AxesError(
                f"The image has axes {self.axes}, without {', '.join(sorted(missing))}. "
                f"Choose spatial axes that it has, or name its axes otherwise."
            )

    @property
    def n_spatial(self) -> int:
        """Two or three."""
        return len(self.spatial)

    @property
    def unit_axes(self) -> str:
        """Axes of one unit in the image: the spatial ones, and C where channels are joint."""
        joint = "C" if self.channels == "joint" and "C" in self.axes else ""
        return joint + self.spatial

    @property
    def batch_axes(self) -> str:
        """Axes along which units are independent, in the image's order."""
        return "".join(letter for letter in self.axes if letter not in self.unit_axes)

    def unit_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape ``C(Z)YX`` of one unit of an image of `shape`."""
        sizes = dict(zip(self.axes, shape, strict=True))
        n_channels = sizes["C"] if self.unit_axes.startswith("C") else 1
        return (n_channels, *(sizes[letter] for letter in self.spatial))

    def n_units(self, shape: tuple[int, ...]) -> int:
        """How many units an image of `shape` has."""
        sizes = dict(zip(self.axes, shape, strict=True))
        # An image without such axes is one unit: the product of nothing is 1. In 64 bit, as
        # numpy's own integer has 32 on Windows before version 2.
        return int(np.prod([sizes[letter] for letter in self.batch_axes], dtype=np.int64))

    def units(self, shape: tuple[int, ...]) -> Iterator[UnitIndex]:
        """Index of each unit, in the image's order."""
        sizes = dict(zip(self.axes, shape, strict=True))
        for place in product(*(range(sizes[letter]) for letter in self.batch_axes)):
            # Integers, not slices of length one: a lazy image then reads just this plane.
            where = dict(zip(self.batch_axes, place, strict=True))
            yield tuple(where.get(letter, slice(None)) for letter in self.axes)

    def units_by_channel(self, shape: tuple[int, ...]) -> dict[int | None, list[UnitIndex]]:
        """The units of each channel; the key is None where :meth:`channel_of` is."""
        channels: dict[int | None, list[UnitIndex]] = {}
        for unit in self.units(shape):
            channels.setdefault(self.channel_of(unit), []).append(unit)
        return channels

    def channel_of(self, unit: UnitIndex) -> int | None:
        """Channel a unit lies in; None if it holds all channels or there are none."""
        if "C" not in self.axes:
            return None
        place = unit[self.axes.index("C")]
        return place if isinstance(place, int) else None

    def read(self, image: Any, unit: UnitIndex, window: tuple[slice, ...] = ()) -> FloatArray:
        """Read a window of a unit, and nothing else, as ``C(Z)YX`` float32.

        Parameters
        ----------
        image : array-like in this layout's axes
            May be lazy (dask, zarr, memory-mapped).
        window : tuple of slice, optional
            One slice per spatial axis, in the order of `spatial`; the whole unit if empty.

        Raises
        ------
        InputError
            If a pixel is NaN or infinite.
        """
        return as_float32(self.cut(image, unit, window))

    def cut(self, image: Any, unit: UnitIndex, window: tuple[slice, ...] = ()) -> npt.NDArray[Any]:
        """As :meth:`read`, in the image's own dtype and with whatever is in it."""
        pixels = np.asarray(image[self.index(unit, window)])
        # Indexing with an integer has taken the other axes away.
        kept = [letter for letter in self.axes if letter in self.unit_axes]
        pixels = pixels.transpose([kept.index(letter) for letter in self.unit_axes])
        if "C" not in self.unit_axes:
            pixels = pixels[np.newaxis]
        return pixels

    def write(
        self, image: Any, unit: UnitIndex, window: tuple[slice, ...], pixels: npt.NDArray[Any]
    ) -> None:
        """Write ``C(Z)YX`` pixels to where :meth:`read` takes them from."""
        if "C" not in self.unit_axes:
            pixels = pixels[0]
        kept = [letter for letter in self.axes if letter in self.unit_axes]
        image[self.index(unit, window)] = pixels.transpose(
            [self.unit_axes.index(letter) for letter in kept]
        )

    def index(self, unit: UnitIndex, window: tuple[slice, ...]) -> UnitIndex:
        """Index into the image of a window of a unit, see :meth:`read`."""
        spans = dict(zip(self.spatial, window, strict=True)) if window else {}
        return tuple(
            spans.get(letter, place) for letter, place in zip(self.axes, unit, strict=True)
        )

    def describe(self, shape: tuple[int, ...]) -> str:
        """What a method will see, in words: "24 planes of 512 × 512, denoised as 2D images"."""
        sizes = dict(zip(self.axes, shape, strict=True))
        extent = " × ".join(str(sizes[letter]) for letter in self.spatial)
        counts = [
            f"{n} {AXIS_WORDS[letter].one if n == 1 else AXIS_WORDS[letter].many}"
            for letter, n in sizes.items()
            if letter in self.batch_axes
        ]
        what = "one image" if not counts else " × ".join(counts)
        joint = f", {sizes['C']} channels jointly" if self.unit_axes.startswith("C") else ""
        as_what = {"YX": "2D images", "ZYX": "3D volumes", "TYX": "films, time as depth"}[
            self.spatial
        ]
        if not counts:
            as_what = {"YX": "a 2D image", "ZYX": "a 3D volume", "TYX": "a film, time as depth"}[
                self.spatial
            ]
        return f"{what} of {extent}, denoised as {as_what}{joint}"
