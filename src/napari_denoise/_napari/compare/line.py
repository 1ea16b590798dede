"""The line that a profile follows: where it runs in a layer, and when it may have changed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.layers import Image as ImageLayer
from napari.layers import Shapes
from qtpy.QtCore import QObject, QTimer, Signal

from napari_denoise._napari.compare.shown import displayed_axes, sizes_and_unit
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["LineWatch", "Points", "Track", "drawn_line", "track_in"]

Points = npt.NDArray[np.float64]

# Between two curves: while a line is dragged, it moves more often than a curve need be drawn.
# Trade-off: longer saves work, shorter follows the hand.
_PAUSE_MS = 80


class LineWatch(QObject):
    """Tells, now and then while it goes on, that a line or the shown plane has changed."""

    moved = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._followed: list[Shapes] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.moved)
        self._emitters = [
            viewer.layers.events.inserted,
            viewer.layers.events.removed,
            viewer.dims.events.current_step,
            viewer.dims.events.ndisplay,
            viewer.dims.events.order,
        ]
        for emitter in self._emitters:
            emitter.connect(self._on_viewer_changed)
        self._on_viewer_changed()

    def poke(self) -> None:
        """Tell soon, as if something had moved."""
        # A running timer is left alone: started anew by each move, it would never end while the
        # mouse moves.
        if not self._timer.isActive():
            self._timer.start(_PAUSE_MS)

    def close(self) -> None:
        """Stop listening."""
        # Else it would tell once more, after the dock has gone.
        self._timer.stop()
        for emitter in self._emitters:
            emitter.disconnect(self._on_viewer_changed)
        self._emitters.clear()
        self._follow([])

    def _on_viewer_changed(self, event: Any = None) -> None:
        del event
        self._follow([layer for layer in self._viewer.layers if isinstance(layer, Shapes)])
        self.poke()

    def _follow(self, layers: list[Shapes]) -> None:
        # Only what has changed: this is called at each step of a slider.
        for layer in set(self._followed) - set(layers):
            layer.events.set_data.disconnect(self._on_line_changed)
            layer.events.highlight.disconnect(self._on_line_changed)
        for layer in set(layers) - set(self._followed):
            # `highlight` as well: a click selects another line without changing any.
            layer.events.set_data.connect(self._on_line_changed)
            layer.events.highlight.connect(self._on_line_changed)
        self._followed = layers

    def _on_line_changed(self, event: Any = None) -> None:
        del event
        self.poke()


def drawn_line(viewer: ViewerModel) -> tuple[Shapes, int] | None:
    """The line or path to follow: the selected one of the topmost Shapes layer with lines."""
    for layer in reversed(viewer.layers):
        if not isinstance(layer, Shapes):
            continue
        lines = [i for i, kind in enumerate(layer.shape_type) if kind in {"line", "path"}]
        # What is selected is what the user has just drawn or clicked on.
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


def track_in(
    viewer: ViewerModel, layer: ImageLayer, image: Image, line: tuple[Shapes, int], shown: Image
) -> Track:
    """Follow a line through a layer, a point for every pixel.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    layer : napari.layers.Image
    image, shown : Image
        The layer with its axes named, and the plane of it that is shown.
    line : (napari.layers.Shapes, int)
        From :func:`drawn_line`.

    Raises
    ------
    InputError
        If the viewer shows volumes, or the line has no length.
    """
    if viewer.dims.ndisplay != 2:
        raise InputError("A profile runs through a plane. Switch the viewer to 2D.")
    shapes, number = line
    # Corners go through the world: Shapes may have other axes, scale and rotation than the image.
    axes = displayed_axes(viewer, image)
    corners = [_to_layer(viewer, layer, shapes, corner)[axes] for corner in shapes.data[number]]
    places = _walk(np.array(corners))
    sizes, unit = sizes_and_unit(shown)
    # In the world's units before it is measured: pixels need not be square.
    steps = np.diff(places, axis=0) * sizes
    distance = np.concatenate([[0.0], np.cumsum(np.hypot(*steps.T))])
    if distance[-1] == 0:
        raise InputError("The line has no length. Draw a longer one.")
    return Track(places, distance, unit)


def _to_layer(viewer: ViewerModel, layer: ImageLayer, shapes: Shapes, corner: Points) -> Points:
    """A corner's place in the layer's pixels; axes that Shapes lacks are where the viewer is."""
    world = np.array(viewer.dims.point, dtype=float)
    own = np.asarray(shapes.data_to_world(corner), dtype=float)
    # Shapes drawn in the plane have fewer axes: along the others the viewer stands somewhere.
    world[-len(own) :] = own
    return np.asarray(layer.world_to_data(world[-layer.ndim :]), dtype=float)


def _walk(corners: Points) -> Points:
    """Points about a pixel apart along a path through its corners."""
    parts = [corners[:1]]
    for start, stop in pairwise(corners):
        # A point for each pixel: fewer would leave pixels out, more would only draw the
        # interpolation.
        n_steps = max(1, round(float(np.hypot(*(stop - start)))))
        parts.append(start + (stop - start) * np.linspace(0, 1, n_steps + 1)[1:, np.newaxis])
    return np.concatenate(parts)
