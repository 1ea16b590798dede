"""What a job would make of the plane that is shown, tried while its settings are changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.layers import Image as ImageLayer
from qtpy.QtCore import QObject, QTimer, Signal

from napari_denoise._napari.shared.layers import read_layer
from napari_denoise._napari.shared.results import plane_of_image, plane_translate, preview_layer
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.errors import AxesError, DenoiseError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["PlanePreview", "add_unselected", "shown_plane"]

# Between a change and the work on it: a slider that is dragged sends many at once. Trade-off:
# longer saves work, shorter follows the hand.
_DELAY_MS = 60

Place = dict[str, int]
MakePlaneJob = Callable[[Image, Place], Callable[[], Job[Any]]]


class PlanePreview(QObject):
    """A layer ``<source> · preview`` with one plane, which follows the viewer's sliders.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    make_job : callable
        Takes an image and the plane's place in it, in the GUI thread; returns what makes the
        job (in the worker thread), whose result is the plane, YX. What it raises is reported
        by `failed`.
    """

    failed = Signal(object)
    """Why there is no preview, as an exception."""
    shown = Signal()
    """A plane is shown, as new as can be."""
    closed = Signal()
    """The user removed the preview's layer."""

    def __init__(
        self, viewer: ViewerModel, make_job: MakePlaneJob, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._make_job = viewer, make_job
        self._is_on = self._is_stale = False
        self._keeps_contrast = True
        self._source_layer: ImageLayer | None = None
        self._layer: ImageLayer | None = None
        self._wanted: tuple[ImageLayer, Image, Place] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._start)
        self._runner = JobRunner(self)
        self._runner.finished.connect(self._show)
        self._runner.failed.connect(lambda error, _details: self._fail(error))
        self._runner.ended.connect(self._on_ended)
        dims = viewer.dims.events
        # All that can change which plane is seen; zoom and pan cannot.
        self._events = (dims.current_step, dims.ndisplay, dims.order)
        for emitter in self._events:
            emitter.connect(self._on_viewer_changed)
        viewer.layers.events.removed.connect(self._on_removed)

    @property
    def is_on(self) -> bool:
        """Whether a preview is wanted."""
        return self._is_on

    @property
    def layer(self) -> ImageLayer | None:
        """The preview's layer, while there is one."""
        return self._layer

    def setOn(self, is_on: bool) -> None:  # noqa: FBT001
        """Show a preview, or take it away."""
        self._is_on = is_on
        if is_on:
            self.refresh()
        else:
            self._runner.cancel()
            self._timer.stop()
            self._take_away()

    def setLayer(self, layer: ImageLayer | None) -> None:
        """Preview another layer."""
        self._follow(layer)
        self._take_away()
        self.refresh()

    def setKeepsContrast(self, keeps_contrast: bool) -> None:  # noqa: FBT001
        """Say whether the source's contrast limits fit the plane; if not, its range is shown."""
        if keeps_contrast != self._keeps_contrast:
            self._take_away()
            self._keeps_contrast = keeps_contrast

    def refresh(self) -> None:
        """Compute the plane again, soon: settings have changed."""
        if self._is_on and self._source_layer is not None:
            self._is_stale = True
            # A plane in the making is finished first: so one sees where a dragged slider leads.
            if not self._timer.isActive() and not self._runner.is_running:
                self._timer.start(_DELAY_MS)

    def shutdown(self) -> None:
        """End the job, take the layer away and stop listening."""
        self.setOn(False)
        self._follow(None)
        for emitter in self._events:
            emitter.disconnect(self._on_viewer_changed)
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def _follow(self, layer: ImageLayer | None) -> None:
        if self._source_layer is not None:
            self._source_layer.events.data.disconnect(self._on_viewer_changed)
        if layer is not None:
            layer.events.data.connect(self._on_viewer_changed)
        self._source_layer = layer

    def _start(self) -> None:
        if self._runner.is_running or self._source_layer is None or not self._is_on:
            return
        # Set again by what changes from here on; `_on_ended` then starts once more.
        self._is_stale = False
        layer = self._source_layer
        try:
            image = read_layer(layer)
            place = shown_plane(self._viewer, layer, image)
            make_job = self._make_job(image, place)
        except DenoiseError as error:
            self._fail(error)
            return
        self._wanted = (layer, image, place)
        self._runner.start(make_job)

    def _on_ended(self) -> None:
        if self._is_stale:
            # Without another delay: the change was long enough ago.
            self._timer.start(0)

    def _fail(self, error: BaseException) -> None:
        self._take_away()
        self.failed.emit(error)

    def _show(self, plane: npt.NDArray[Any]) -> None:
        if not self._is_on or self._wanted is None:
            return
        layer, image, place = self._wanted
        # While the plane was made, the layer may have been given other data, or been left.
        has_changed = layer.ndim != len(image.axes)
        if has_changed or layer is not self._source_layer:
            return
        if self._layer is None:
            self._layer = preview_layer(layer, image, plane, place)
            add_unselected(self._viewer, self._layer)
        else:
            self._layer.data = plane_of_image(image, plane)
            self._layer.translate = plane_translate(layer, image, place)
        if not self._keeps_contrast:
            # The noise has the camera's units, not the source's: its limits would show black or
            # white.
            self._layer.reset_contrast_limits()
        self.shown.emit()

    def _take_away(self) -> None:
        # Forgotten first, so that its removal is not taken for the user's.
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _on_viewer_changed(self, event: Any = None) -> None:
        del event
        self.refresh()

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer:
            self._layer = None
            self.setOn(False)
            self.closed.emit()


def add_unselected(viewer: ViewerModel, layer: ImageLayer) -> None:
    """Add a layer without making it the selected one."""
    selection = viewer.layers.selection
    # napari selects what is added. The user works on the source, not on the preview.
    selected, active = set(selection), selection.active
    viewer.add_layer(layer)
    viewer.layers.selection = selected
    viewer.layers.selection.active = active


def shown_plane(viewer: ViewerModel, layer: ImageLayer, image: Image) -> Place:
    """Where the plane that the viewer shows lies in a layer, along all axes but Y and X.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    layer : napari.layers.Image
    image : Image
        The layer with its axes named.

    Raises
    ------
    AxesError
        If the viewer shows no plane of Y and X.
    """
    # napari aligns the axes of layers at the last one.
    axes, n_more = image.axes, viewer.dims.ndim - len(image.axes)
    displayed = {axes[i - n_more] for i in viewer.dims.displayed if i >= n_more}
    if displayed != {"Y", "X"}:
        raise AxesError("A preview needs a plane of Y and X. Look at these two axes, in 2D.")
    point = np.asarray(layer.world_to_data(viewer.dims.point)).round().astype(int)
    # A slider of the viewer may go beyond a layer that is shorter than others.
    inside = np.clip(point, 0, np.array(image.shape) - 1)
    return {a: int(i) for a, i in zip(axes, inside, strict=True) if a not in "YX"}
