"""Where to train: everywhere, or in the shapes or labels of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.layers import Image as ImageLayer
from napari.layers import Labels, Shapes
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image

if TYPE_CHECKING:
    from napari.components import LayerList

__all__ = ["RegionChooser", "region_of"]

_EVERYWHERE = "everywhere"
_N_CORNERS = 64
"""Of the polygon that stands for an ellipse: it has 0.2 % less area."""


class RegionChooser(QComboBox):
    """A Shapes or Labels layer, or none; follows the viewer's layer list."""

    valueChanged = Signal()

    def __init__(self, layers: LayerList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._layers = layers
        self._shown: list[Labels | Shapes | None] = [None]
        events = layers.events
        self._emitters = (events.inserted, events.removed, events.reordered, events.renamed)
        for emitter in self._emitters:
            emitter.connect(self._show)
        self.activated.connect(lambda _index: self.valueChanged.emit())
        self._show()

    def layer(self) -> Labels | Shapes | None:
        """The chosen layer; None for everywhere."""
        return self._shown[max(self.currentIndex(), 0)]

    def setLayer(self, layer: Labels | Shapes | None) -> None:
        """Choose a layer; one that is not in the list changes nothing."""
        if layer in self._shown:
            self.setCurrentIndex(self._shown.index(layer))
            self.valueChanged.emit()

    def shutdown(self) -> None:
        """Stop following the viewer."""
        for emitter in self._emitters:
            emitter.disconnect(self._show)

    def _show(self, event: Any = None) -> None:
        del event
        chosen = self.layer()
        found = [layer for layer in self._layers if isinstance(layer, Labels | Shapes)]
        self._shown = [None, *found]
        with QSignalBlocker(self):
            self.clear()
            self.addItem(_EVERYWHERE)
            self.addItems([f"in {layer.name}" for layer in found])
            self.setCurrentIndex(self._shown.index(chosen) if chosen in self._shown else 0)
        # Signals were blocked, as filling the list is no choice; losing the chosen layer is one.
        if self.layer() is not chosen:
            self.valueChanged.emit()


def region_of(layer: Labels | Shapes, image_layer: ImageLayer | None, image: Image) -> Image:
    """What a layer says of where to train in an image.

    Parameters
    ----------
    layer : Labels or Shapes
        Of labels every one counts. Shapes count in all planes, wherever they were drawn; where
        they lie in the world decides.
    image_layer : napari.layers.Image or None
        The layer of the image; for one from a file, shapes are taken to be drawn in its pixels.
    image : Image

    Returns
    -------
    Image
        Nonzero where to train, with the last of the image's axes: a plane holds for all planes.

    Raises
    ------
    InputError
        If no shape has an area.
    """
    if isinstance(layer, Labels):
        pixels = layer.data[0] if layer.multiscale else layer.data
        n_axes = len(pixels.shape)
        return Image(pixels, "YX" if n_axes == 2 else image.axes[-n_axes:], name=layer.name)
    mask = _inside(layer, image_layer, image.axes, (image.sizes["Y"], image.sizes["X"]))
    return Image(mask, "YX", name=layer.name)


def _inside(
    layer: Shapes, image: ImageLayer | None, axes: str, shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Pixels whose middle lies in a shape, YX."""
    # Imported here: it takes longer to import than a dock may take to open.
    from skimage.draw import polygon2mask  # noqa: PLC0415

    mask = np.zeros(shape, bool)
    n_areas = 0
    for corners, kind in zip(layer.data, layer.shape_type, strict=True):
        # polygon2mask would close a line, and fill it.
        if kind in {"line", "path"}:
            continue
        # napari keeps the corners of an ellipse's box, not its outline.
        outline = _ellipse(corners) if kind == "ellipse" else corners
        mask |= polygon2mask(shape, _in_pixels(outline, layer, image, axes))
        n_areas += 1
    if not n_areas:
        raise InputError(
            f"The layer {layer.name} has no shape with an area. Draw a rectangle, an ellipse or a "
            f"polygon, or train everywhere."
        )
    return mask


def _ellipse(corners: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The outline within the corners of its box."""
    center = corners.mean(axis=0)
    first, second = (corners[1] - corners[0]) / 2, (corners[2] - corners[1]) / 2
    angles = np.linspace(0, 2 * np.pi, _N_CORNERS, endpoint=False)[:, np.newaxis]
    outline: npt.NDArray[Any] = center + first * np.cos(angles) + second * np.sin(angles)
    return outline


def _in_pixels(
    outline: npt.NDArray[Any], layer: Shapes, image: ImageLayer | None, axes: str
) -> npt.NDArray[Any]:
    """Points of a layer in pixels of an image, YX."""
    if image is None:
        return np.asarray(outline[:, -2:])
    # napari lays layers with fewer axes along the last axes of the others.
    n = max(layer.ndim, image.ndim)
    points = np.zeros((len(outline), n))
    for point, corner in zip(points, outline, strict=True):
        point[n - layer.ndim :] = layer.data_to_world(corner)
    pixels = np.array([image.world_to_data(point[n - image.ndim :]) for point in points])
    return pixels[:, [axes.index("Y"), axes.index("X")]]
