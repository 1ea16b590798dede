"""What is known of each pixel when noise is to be told from structure, and from which pixels.

Each pixel is compared with four others on a cross around it, far enough apart that short-range
correlation does not hide the noise. How bright and how flat its surroundings are is judged by
four corner windows that share no pixel with the cross: so picking pixels by brightness and
flatness cannot pick them by their noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Progress

__all__ = [
    "MIN_SIDE",
    "Piece",
    "Samples",
    "margin",
    "one_channel",
    "pieces",
    "read_pieces",
    "sample_plane",
    "sample_planes",
    "windows_of",
]

MIN_SIDE = 32
"""Smallest plane, in pixels, that noise can be measured on."""
_PIECE_SIZE = 512
"""Pixels along a side: small enough that Cancel, checked between pieces, does not wait."""
_MAX_PIXELS = 2_000_000
"""More pixels make the answer no better, only later."""
_DIRECTIONS = {
    "diagonal": ((-1, -1), (-1, 1), (1, -1), (1, 1)),
    "along_y": ((-1, 0), (1, 0)),
    "along_x": ((0, -1), (0, 1)),
}

Piece = tuple[UnitIndex, tuple[slice, ...]]
"""A plane of an image, and a window of it."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What is known of each pixel, as flat float32 arrays.

    Attributes
    ----------
    value : the pixel itself
    level : mean of the four corner windows around it
    spread : standard deviation between the corner windows
    bump : mean of the window at the pixel, less `level`
    residual : the pixel less the mean of its cross
    diagonal, along_y, along_x : mean residual of the neighbours in that direction
    """

    value: FloatArray
    level: FloatArray
    spread: FloatArray
    bump: FloatArray
    residual: FloatArray
    diagonal: FloatArray
    along_y: FloatArray
    along_x: FloatArray

    @classmethod
    def joined(cls, parts: Sequence[Samples]) -> Samples:
        """All samples in one."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))

    def at(self, index: npt.NDArray[Any] | slice) -> Samples:
        """Those at `index`, which may be a mask."""
        return Samples(*(getattr(self, field.name)[index] for field in fields(self)))


def margin(reach: int) -> int:
    """Pixels at a plane's border that get no sample."""
    return reach + max(reach // 3, 1)


def sample_plane(plane: FloatArray, reach: int = 3) -> Samples:
    """Look at every pixel of a plane, but those within :func:`margin` of its border.

    Parameters
    ----------
    plane : float32 array, YX
    reach : int
        Distance in pixels of the cross and of the corner windows; a multiple of 3.
    """
    edge = margin(reach)

    def shifted(image: FloatArray, dy: int, dx: int) -> FloatArray:
        height, width = image.shape
        return image[edge + dy : height - edge + dy, edge + dx : width - edge + dx]

    window = ndimage.uniform_filter(plane, 2 * (reach // 3) + 1)
    corners = np.stack([shifted(window, y, x) for y in (-reach, reach) for x in (-reach, reach)])
    # Four pixels at a distance, as one sparse kernel.
    cross = np.zeros((3, 3))
    cross[0, 1] = cross[1, 0] = cross[1, 2] = cross[2, 1] = 1 / 4
    spokes = np.zeros((2 * reach + 1,) * 2, np.float32)
    spokes[::reach, ::reach] = cross
    residual = plane - ndimage.correlate(plane, spokes)
    neighbours = {
        name: sum(shifted(residual, y, x) for y, x in steps) / len(steps)
        for name, steps in _DIRECTIONS.items()
    }
    level = corners.mean(0)
    flat = {
        "value": shifted(plane, 0, 0),
        "level": level,
        "spread": corners.std(0),
        "bump": shifted(window, 0, 0) - level,
        "residual": shifted(residual, 0, 0),
        **neighbours,
    }
    return Samples(**{name: np.ravel(image) for name, image in flat.items()})


def one_channel(image: Any, axes: str, channel: int | None) -> tuple[Any, str]:
    """The image without its channel axis, and its axes then.

    Raises
    ------
    InputError
        If there are several channels and none is chosen, or not as many.
    """
    if "C" not in axes:
        return image, axes
    place = axes.index("C")
    n_channels = image.shape[place]
    if channel is None and n_channels > 1:
        raise InputError(
            f"The image has {n_channels} channels, each with a gain of its own. Choose one of "
            f"them, 0 to {n_channels - 1}."
        )
    if not 0 <= (channel or 0) < n_channels:
        raise InputError(f"There is no channel {channel}; there are 0 to {n_channels - 1}.")
    # By plain indexing, which all lazy arrays know.
    index = (slice(None),) * place + (channel or 0,)
    return image[index], axes.replace("C", "")


def pieces(layout: Layout, shape: tuple[int, ...]) -> list[Piece]:
    """Evenly spread pieces of planes, enough to measure noise on.

    Raises
    ------
    InputError
        If the planes are too small.
    """
    height, width = layout.unit_shape(shape)[1:]
    if min(height, width) < MIN_SIDE:
        raise InputError(
            f"Planes of {height} × {width} pixels are too small to measure noise on. At least "
            f"{MIN_SIDE} × {MIN_SIDE} are needed."
        )
    windows = windows_of((height, width))
    n_all = layout.n_units(shape) * len(windows)
    # Spread over all planes rather than all of a few: bleaching and drift average out.
    n_wanted = min(max(_MAX_PIXELS * len(windows) // (height * width), 1), n_all)
    chosen = {i * n_all // n_wanted for i in range(n_wanted)}
    # Counted through rather than listed: a film may have very many.
    every = product(layout.units(shape), windows)
    return [piece for number, piece in enumerate(every) if number in chosen]


def windows_of(plane_shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Windows that cover a plane, whose shape stands last, and are small enough for one step."""
    height, width = plane_shape[-2:]
    return list(product(_spans(height), _spans(width)))


def _spans(size: int) -> Iterator[slice]:
    n = -(-size // _PIECE_SIZE)
    return (slice(i * size // n, (i + 1) * size // n) for i in range(n))


def read_pieces(image: Any, layout: Layout, chosen: Sequence[Piece]) -> Job[list[FloatArray]]:
    """Read these pieces of an image, and nothing else."""
    planes = []
    for i, (unit, window) in enumerate(chosen):
        planes.append(layout.read(image, unit, window)[0])
        yield Progress(fraction=(i + 1) / len(chosen), message="reading the image")
    return planes


def sample_planes(planes: Sequence[FloatArray], reach: int) -> Job[Samples]:
    """The samples of all these planes, see :func:`sample_plane`."""
    parts = []
    for i, plane in enumerate(planes):
        parts.append(sample_plane(plane, reach))
        yield Progress(fraction=(i + 1) / len(planes), message="measuring the noise")
    return Samples.joined(parts)
