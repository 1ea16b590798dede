"""Intensities along a line through all layers; the curves follow the line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Shapes
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_denoise._napari.compare.curves import Profile, profile
from napari_denoise._napari.compare.line_watch import LineWatch
from napari_denoise._napari.compare.subjects import Subjects
from napari_denoise._napari.compare.view import drawn_line, shown_part, track_in
from napari_denoise._qt.message import WrappedLabel
from napari_denoise._qt.plot import Plot, Series
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.errors import DenoiseError

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["ProfilePlot"]

_HINT = "Draw a line across the image;\nits profile through all layers appears here"


class ProfilePlot(QWidget):
    """Profiles of the reference, the noisy image and the ticked layers, drawn as the line moves."""

    def __init__(self, viewer: ViewerModel, subjects: Callable[[], Subjects]) -> None:
        super().__init__()
        self._viewer = viewer
        self._subjects = subjects
        self._draw_button = QPushButton("Draw a line")
        self._draw_button.setToolTip(
            "Add a Shapes layer and draw in it with the mouse. Lines and paths of your own Shapes "
            "layers are followed too: the selected one, else the last."
        )
        self._draw_button.clicked.connect(self._on_draw_button_clicked)
        self.plot = Plot(_HINT)
        self._label = WrappedLabel()
        self._runner = JobRunner(self)
        self._runner.finished.connect(self._show)
        self._runner.failed.connect(lambda error, _details: self._label.setText(str(error)))
        self._watch = LineWatch(viewer, self)
        self._watch.moved.connect(self.follow)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._draw_button)
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
        if not self.isVisible():
            return
        if self._runner.is_running:
            self._watch.poke()
            return
        line = drawn_line(self._viewer)
        if line is None:
            self.plot.clear()
            return
        try:
            chosen = self._subjects()
            sources = [s for s in (chosen.noisy, *chosen.others, chosen.clean) if s]
            unique = {id(source.layer): source for source in sources}.values()
            planes = [
                (s.name, shown_part(self._viewer, s), track_in(self._viewer, s, line))
                for s in unique
            ]
        except DenoiseError as error:
            self._label.setText(str(error))
        else:
            self._runner.start(partial(profile, planes))

    def close_watch(self) -> None:
        """Stop following the viewer."""
        self._watch.close()
        self._runner.cancel()
        self._runner.wait(2000)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._watch.poke()

    def _show(self, found: tuple[Profile, ...]) -> None:
        self._label.setText("")
        unit = "pixels" if found[0].unit == "pixel" else found[0].unit
        self.plot.setValue(
            [Series(each.name, each.distance, each.values) for each in found],
            x_label=f"distance ({unit})",
            y_label="intensity",
        )

    def _on_draw_button_clicked(self) -> None:
        try:
            geometry = self._subjects().others[0].geometry
        except DenoiseError as error:
            self._label.setText(str(error))
            return
        n_axes = len(geometry["scale"])
        keys = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
        extent = max(self._viewer.layers.extent.world[1]) / max(abs(geometry["scale"][-1]), 1e-9)
        shapes = Shapes(
            ndim=n_axes,
            name="Profile line",
            edge_color="yellow",
            edge_width=max(1.0, extent / 250),
            **{key: geometry[key] for key in keys},
        )
        self._viewer.add_layer(shapes)
        self._viewer.layers.selection.active = shapes
        shapes.mode = "add_line"
