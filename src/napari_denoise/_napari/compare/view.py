"""What of a layer the viewer shows: its plane or volume, and where a drawn line runs in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.layers import Shapes

from napari_denoise._napari.shared.layers import Source
from napari_denoise.core.errors import InputError
from napari_denoise.core.units import micrometers
from napari_denoise.evaluation import sliceable

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["Shown", "Track", "drawn_line", "shown_part", "track_in"]

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of a layer that the viewer shows.

    Attributes
    ----------
    pixels : array-like, two or three axes in the order in which they are shown
        Lazy if the layer is.
    sizes : tuple of float
        Size of a pixel along each of them, in `unit`.
    unit : str
        "µm", or "pixel" where one of the sizes is not known.
    """

    pixels: Any
    sizes: tuple[float, ...]
    unit: str


def shown_part(viewer: ViewerModel, source: Source) -> Shown:
    """The plane of a layer that is shown; the volume in 3D.

    Raises
    ------
    InputError
        If the layer lacks an axis that is shown, or does not reach to the plane.
    """
    axes = _displayed(viewer, source)
    position = source.layer.world_to_data(viewer.dims.point[-len(source.shape) :])
    index: list[int | slice] = []
    for axis, size in enumerate(source.shape):
        place = round(float(position[axis]))
        if axis not in axes and not 0 <= place < size:
            raise InputError(f"{source.name} does not reach to the plane that is shown.")
        index.append(slice(None) if axis in axes else place)
    kept = sorted(axes)
    pixels = sliceable(source.pixels)[tuple(index)].transpose([kept.index(axis) for axis in axes])
    return Shown(pixels, *_sizes(source, axes))


def _sizes(source: Source, axes: Sequence[int]) -> tuple[tuple[float, ...], str]:
    """Size of a pixel along these axes in µm; one "pixel" where one of them is not known."""
    scale, units = source.geometry["scale"], source.geometry["units"]
    sizes = [micrometers(abs(float(scale[axis])), str(units[axis])) for axis in axes]
    known = tuple(size for size in sizes if size)
    return (known, "µm") if len(known) == len(axes) else ((1.0,) * len(axes), "pixel")


def _displayed(viewer: ViewerModel, source: Source) -> list[int]:
    """The layer's axes that are shown, in that order; napari aligns axes at the last."""
    axes = [axis - viewer.dims.ndim + len(source.shape) for axis in viewer.dims.displayed]
    if min(axes) < 0:
        raise InputError(f"{source.name} lacks an axis that is shown. Show rows and columns.")
    return axes


def drawn_line(viewer: ViewerModel) -> tuple[Shapes, int] | None:
    """The line or path to follow: the selected one of the topmost Shapes layer with lines."""
    for layer in reversed(viewer.layers):
        if not isinstance(layer, Shapes):
            continue
        lines = [i for i, kind in enumerate(layer.shape_type) if kind in {"line", "path"}]
        selected = [i for i in lines if i in layer.selected_data]
        if lines:
            return layer, (selected or lines)[-1]
    return None


@dataclass(frozen=True, slots=True)
class Track:
    """Where a line runs in the part of a layer that is shown.

    Attributes
    ----------
    places : array, (n_points, 2)
        Rows and columns in pixels.
    distance : array, (n_points,)
        From the line's start, in `unit`.
    unit : str
        "µm" or "pixel".
    """

    places: Points
    distance: Points
    unit: str


def track_in(viewer: ViewerModel, source: Source, line: tuple[Shapes, int]) -> Track:
    """Follow a line through a layer, a point for every pixel.

    Raises
    ------
    InputError
        If the viewer shows volumes, or the line has no length.
    """
    if viewer.dims.ndisplay != 2:
        raise InputError("A profile runs through a plane. Switch the viewer to 2D.")
    shapes, number = line
    axes = _displayed(viewer, source)
    corners = [_to_layer(viewer, source, shapes, corner)[axes] for corner in shapes.data[number]]
    places = _walk(np.array(corners))
    sizes, unit = _sizes(source, axes)
    steps = np.diff(places, axis=0) * sizes
    distance = np.concatenate([[0.0], np.cumsum(np.hypot(*steps.T))])
    if distance[-1] == 0:
        raise InputError("The line has no length. Draw a longer one.")
    return Track(places, distance, unit)


def _to_layer(viewer: ViewerModel, source: Source, shapes: Shapes, corner: Points) -> Points:
    """A corner's place in the layer's pixels; axes that Shapes lacks are where the viewer is."""
    world = np.array(viewer.dims.point, dtype=float)
    own = np.asarray(shapes.data_to_world(corner), dtype=float)
    world[-len(own) :] = own
    return np.asarray(source.layer.world_to_data(world[-len(source.shape) :]), dtype=float)


def _walk(corners: Points) -> Points:
    """Points about a pixel apart along a path through its corners."""
    parts = [corners[:1]]
    for start, stop in pairwise(corners):
        n_steps = max(1, round(float(np.hypot(*(stop - start)))))
        parts.append(start + (stop - start) * np.linspace(0, 1, n_steps + 1)[1:, np.newaxis])
    return np.concatenate(parts)
