"""Intensities along a line through all layers; the curves follow the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from napari.layers import Shapes
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QPushButton, QVBoxLayout
from scipy import ndimage

from napari_denoise._napari.compare.chooser import ComparisonChooser
from napari_denoise._napari.compare.line import LineWatch, Points, Track, drawn_line, track_in
from napari_denoise._napari.compare.shown import shown_part
from napari_denoise._napari.compare.view import View
from napari_denoise._napari.shared.dock import ViewerDock
from napari_denoise._napari.shared.results import geometry_of
from napari_denoise._qt.message import WrappedLabel
from napari_denoise._qt.plot import Plot, Series
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.dtype import as_float32
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, Progress

__all__ = ["Profile", "ProfilePlot", "profile_job"]

_HINT = "Draw a line across the image;\nits profile through all layers appears here"
# The line is drawn as wide as a 250th of the image: to be seen, and to see beside it.
_EXTENT_PER_WIDTH = 250


@dataclass(frozen=True, slots=True)
class Profile:
    """Intensities along a line.

    Attributes
    ----------
    name : str
        Of the layer.
    distance : array
        From the line's start, in `unit`.
    values : array
        In the layer's units; NaN outside.
    """

    name: str
    distance: Points
    values: Points
    unit: str


def profile_job(planes: Sequence[tuple[Image, Track]]) -> Job[tuple[Profile, ...]]:
    """Interpolate each plane linearly at the points of its track.

    Raises
    ------
    InputError
        If a pixel is not finite.
    """
    found = []
    for i, (shown, track) in enumerate(planes):
        yield Progress(fraction=i / len(planes), message=f"reading {shown.name}")
        pixels = as_float32(shown.pixels, shown.name)
        # Between pixels as a straight line, which adds no bumps of its own; NaN outside leaves a
        # gap in the curve.
        # As scikit-image's profile_line does for a straight line at steps of a pixel; here it may
        # be a path, and layers with other pixels are read at the same places.
        values = ndimage.map_coordinates(
            pixels, track.places.T, output=np.float64, order=1, cval=np.nan
        )
        found.append(Profile(shown.name, track.distance, values, track.unit))
    return tuple(found)


class ProfilePlot(View):
    """Profiles of the reference, the noisy image and the ticked layers, drawn as the line moves."""

    tab = "Plots"
    title = "Profile along a line"

    def __init__(self, dock: ViewerDock, chooser: ComparisonChooser) -> None:
        super().__init__(dock, chooser)
        self._viewer = dock.viewer
        self.drawButton = QPushButton("Draw a line")
        self.drawButton.setToolTip(
            "Add a Shapes layer and draw in it with the mouse. Lines and paths of your own Shapes "
            "layers are followed too: the selected one, else the last."
        )
        self.drawButton.clicked.connect(self._on_draw_clicked)
        self.plot = Plot(_HINT)
        self._label = WrappedLabel()
        self._runner = JobRunner(self)
        self._runner.finished.connect(self._show)
        self._runner.failed.connect(lambda error, _details: self._label.setText(str(error)))
        self._watch = LineWatch(dock.viewer, self)
        self._watch.moved.connect(self.follow)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.drawButton)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self._label)

    @property
    def is_reading(self) -> bool:
        """Whether curves are still to come."""
        return self._runner.is_running

    def refresh(self) -> None:
        """Draw anew soon: something else is chosen."""
        self._watch.poke()

    def follow(self) -> None:
        """Draw the profile along the present line through what is chosen now."""
        # A plot that nobody sees is not worth reading pixels for; `showEvent` catches up.
        if not self.isVisible():
            return
        # The curve in the making is shown first, and then the line looked at once more.
        if self._runner.is_running:
            self._watch.poke()
            return
        line = drawn_line(self._viewer)
        if line is None:
            # The line was deleted; its curve must not stay as if it were there.
            self.plot.clear()
            return
        try:
            planes = self._planes(line)
        except DenoiseError as error:
            self._label.setText(str(error))
        else:
            self._runner.start(partial(profile_job, planes))

    def text(self) -> str:
        """Why there is no profile; empty if there is one."""
        return self._label.text()

    def shutdown(self) -> None:
        """Stop following the viewer."""
        self._watch.close()
        self._runner.cancel()
        self._runner.wait(2000)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._watch.poke()

    def _planes(self, line: tuple[Shapes, int]) -> list[tuple[Image, Track]]:
        """The shown plane of each image, and where the line runs in it."""
        chosen = self.chooser.value()
        # A layer may be reference or noisy image and ticked as well.
        # Noisy first and clean last, in the order in which they were made.
        images = dict.fromkeys(i for i in (chosen.noisy, *chosen.others, chosen.clean) if i)
        planes = []
        for image in images:
            layer = chosen.layers[image]
            shown = shown_part(self._viewer, layer, image)
            planes.append((shown, track_in(self._viewer, layer, image, line, shown)))
        return planes

    def _show(self, found: tuple[Profile, ...]) -> None:
        self._label.setText("")
        unit = "pixels" if found[0].unit == "pixel" else found[0].unit
        self.plot.setValue(
            [Series(each.name, each.distance, each.values) for each in found],
            x_label=f"distance ({unit})",
            y_label="intensity",
        )

    def _on_draw_clicked(self) -> None:
        try:
            chosen = self.chooser.value()
        except DenoiseError as error:
            self._label.setText(str(error))
            return
        layer = chosen.layers[chosen.others[0]]
        # In pixels of the layer, which the width of a line is given in.
        extent = max(self._viewer.layers.extent.world[1]) / max(abs(layer.scale[-1]), 1e-9)
        shapes = Shapes(
            ndim=layer.ndim,
            name="Profile line",
            edge_color="yellow",
            edge_width=max(1.0, extent / _EXTENT_PER_WIDTH),
            **geometry_of(layer),
        )
        self._viewer.add_layer(shapes)
        self._viewer.layers.selection.active = shapes
        # Ready to draw: the button says so.
        shapes.mode = "add_line"
