"""What a training makes of the image so far: a small layer that follows the viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image as ImageLayer
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_denoise._napari.shared.layers import read_layer
from napari_denoise._napari.shared.plane_preview import add_unselected, shown_plane
from napari_denoise._napari.shared.results import plane_of_image, plane_translate, preview_layer
from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import AxesError
from napari_denoise.core.image import Image
from napari_denoise.learning.training.progress import Preview, PreviewCrop

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["PreviewBox"]

_TOOLTIP = (
    "Every few seconds, what the network makes by now of the middle of what the viewer shows. The "
    "layer goes when the training ends."
)

_CROP = {2: (256, 256), 3: (16, 128, 128)}
"""Pixels, per spatial axis: a fraction of a second for a network on a CPU.

Trade-off: a larger piece shows more of the image, and holds up the training more.
"""


@dataclass(frozen=True, slots=True)
class _View:
    """A piece of a layer around the middle of what is shown.

    Attributes
    ----------
    place : dict
        Index of the shown plane along each axis; along Y and X, of the piece's corner.
    unit, window : tuple
        Where :meth:`~napari_denoise.core.axes.Layout.read` finds the piece.
    plane : tuple of int
        The shown plane within the piece, ``C(Z)YX``.
    """

    layer: ImageLayer
    image: Image
    layout: Layout
    place: dict[str, int]
    unit: tuple[int | slice, ...]
    window: tuple[slice, ...]
    plane: tuple[int, ...]


class PreviewBox(QCheckBox):
    """Ticked, it makes a layer ``<source> · preview · step 120`` that lasts as long as a training.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__("Show a preview on the image", parent)
        self.setChecked(True)
        self.setToolTip(_TOOLTIP)
        self._viewer = viewer
        self._source: tuple[ImageLayer, Image, Layout] | None = None
        self._layer: ImageLayer | None = None
        self._view: _View | None = None
        viewer.dims.events.current_step.connect(self._look)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def layer(self) -> ImageLayer | None:
        """The preview, while there is one."""
        return self._layer

    def begin(
        self, layers: Sequence[ImageLayer], layout: Layout
    ) -> Callable[[], PreviewCrop | None] | None:
        """Follow the first of the layers that are trained on, if the box is ticked.

        Parameters
        ----------
        layers : sequence of napari.layers.Image
        layout : Layout
            As the first image is seen; a layer with as many axes is seen in the same way.

        Returns
        -------
        callable or None
            What a training asks for its next preview, see :meth:`choose`; None if there is to
            be none.
        """
        if not layers or not self.isChecked():
            return None
        layer = layers[0]
        image = read_layer(layer, layout.axes if layer.ndim == len(layout.axes) else "")
        own_layout = Layout(image.axes, layout.spatial, layout.channels)
        self._source = (layer, image, own_layout)
        self._look()
        return self.choose

    def choose(self) -> PreviewCrop | None:
        """What is to be shown next; called in the thread that trains."""
        # Read once, and frozen: the other thread may note another view in the meantime.
        view = self._view
        if view is None:
            return None
        pixels = view.layout.read(view.image.pixels, view.unit, view.window)
        return PreviewCrop(pixels, place=view)

    def showPreview(self, preview: Preview) -> None:
        """Show what has become of a crop."""
        view: _View = preview.crop.place
        # A preview may come late, of a training that has ended.
        if self._source is None or view.image is not self._source[1]:
            return
        plane = preview.pixels[view.plane]
        if self._layer is None:
            self._layer = preview_layer(view.layer, view.image, plane, view.place)
            add_unselected(self._viewer, self._layer)
        else:
            # The same layer moves: a new one would lose the colours that the user gave it.
            self._layer.data = plane_of_image(view.image, plane)
            self._layer.translate = plane_translate(view.layer, view.image, view.place)
        self._layer.name = f"{view.image.name} · preview · step {preview.step:,}"
        self._look()

    def end(self) -> None:
        """Take the preview away: the model itself can be applied now."""
        self._source = self._view = None
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def shutdown(self) -> None:
        """End, and stop listening."""
        self.end()
        self._viewer.dims.events.current_step.disconnect(self._look)
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _look(self, event: Any = None) -> None:
        """Note what is shown now; in 3D there is no plane, and no preview."""
        del event
        self._view = None
        if self._source is None:
            return
        try:
            self._view = _shown_view(self._viewer, *self._source)
        except AxesError:
            return

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer:
            # Whoever removes it does not want another one.
            self._layer = self._source = self._view = None


def _shown_view(viewer: ViewerModel, layer: ImageLayer, image: Image, layout: Layout) -> _View:
    """The piece of a layer around the middle of what the viewer shows.

    Raises
    ------
    AxesError
        If the viewer shows no plane of Y and X.
    """
    place = shown_plane(viewer, layer, image)
    point, displayed = np.array(viewer.dims.point, float), list(viewer.dims.displayed)
    # Along what is displayed, the camera says where one looks, and `dims.point` does not.
    point[displayed] = viewer.scene.camera.center[-len(displayed) :]
    middle = dict(zip(image.axes, layer.world_to_data(point), strict=True))
    # Along the sliders: rounded, and clipped to the image, already.
    middle |= {letter: float(index) for letter, index in place.items()}
    sizes = image.sizes
    corner, window = {}, []
    for letter, wanted in zip(layout.spatial, _CROP[layout.n_spatial], strict=True):
        last = max(sizes[letter] - wanted, 0)
        corner[letter] = int(np.clip(round(middle[letter] - wanted / 2), 0, last))
        window.append(slice(corner[letter], corner[letter] + min(wanted, sizes[letter])))
    # Channels that are seen together come out together; of one at a time there is only one.
    channel = place["C"] if layout.unit_axes.startswith("C") else 0
    depth = [place[letter] - corner[letter] for letter in layout.spatial[:-2]]
    return _View(
        layer=layer,
        image=image,
        layout=layout,
        place={**place, "Y": corner["Y"], "X": corner["X"]},
        unit=tuple(
            slice(None) if letter in layout.unit_axes else place[letter] for letter in layout.axes
        ),
        window=tuple(window),
        plane=(channel, *depth),
    )
