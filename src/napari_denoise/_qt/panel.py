"""What every dock is: a column that scrolls, wide enough to read, that knows when it is closed."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

__all__ = ["DockPanel"]

# napari opens docks about 150 pixels wide, in which no form can be read.
_MIN_WIDTH = 300


class DockPanel(QScrollArea):
    """Base of the docks; put widgets into it with `addWidget`."""

    closed = Signal()
    """The dock was closed; emitted once. A panel that is destroyed with its window does not
    emit it: jobs end with their runner, see :class:`~napari_denoise._qt.worker.JobRunner`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_closed = False
        self.setMinimumWidth(_MIN_WIDTH)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        self._column = QVBoxLayout(body)
        # Keeps the widgets at the top; `addWidget` puts new ones before it.
        self._column.addStretch(0)
        self.setWidget(body)

    def addWidget(self, widget: QWidget, stretch: int = 0) -> None:
        """Add a widget at the lower end; with `stretch` it takes the height that is left."""
        self._column.insertWidget(self._column.count() - 1, widget, stretch)

    def sizeHint(self) -> QSize:
        body = self.widget().sizeHint()
        return QSize(max(_MIN_WIDTH, body.width()), body.height())

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        # napari's X button takes the widget out of its dock and sends no closeEvent.
        is_reparented = event is not None and event.type() == QEvent.Type.ParentChange
        if is_reparented and self.parent() is None:
            self._close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        super().closeEvent(event)
        self._close()

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self.closed.emit()
