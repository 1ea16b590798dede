"""Notices when what a profile runs through may have changed: lines, planes, layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Shapes
from qtpy.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["LineWatch"]

_PAUSE_MS = 80
"""While a line is dragged, it moves more often than a curve need be drawn."""


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
        if not self._timer.isActive():
            self._timer.start(_PAUSE_MS)

    def close(self) -> None:
        """Stop listening."""
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
        for layer in set(self._followed) - set(layers):
            layer.events.set_data.disconnect(self._on_line_changed)
            layer.events.highlight.disconnect(self._on_line_changed)
        for layer in set(layers) - set(self._followed):
            layer.events.set_data.connect(self._on_line_changed)
            layer.events.highlight.connect(self._on_line_changed)
        self._followed = layers

    def _on_line_changed(self, event: Any = None) -> None:
        del event
        self.poke()
