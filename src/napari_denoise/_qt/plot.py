"""A plot for a narrow dock: named series, hover read-out, values and picture to take along.

We paint it ourselves after a trial of pyqtgraph 0.14 behind the same interface. With Python 3.11
and PySide6 6.12 that one ends the process, and with it the user's unsaved layers ("deallocating
None"): each new set of values takes 260 references from None. A bare process died within 100 of
them; napari holds 80,000 references, a training shows new values up to 25 times a second. Which Qt
binding is installed is not a plugin's choice, and other releases of PySide6 crash in other ways
(pyqtgraph's issue 3357). Under PyQt6 it is sound, but at its fastest settings new values of two
lines take 4.5 times as long as here with 100 points and 2.2 times with 1,000; with 10,000 it is
even. At 300 pixels our titles and legend leave the curves more room. What we go without: zooming
and panning, 10,000 dots that repaint 5 times as fast, and about 300 lines less to look after. It
would cost 0.11 to 0.16 s at the first plot, and 2 MB to download.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QAction, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPixmap
from qtpy.QtWidgets import QApplication, QMessageBox, QSizePolicy, QWidget

from napari_denoise._qt.chart import Chart, Marker, Series
from napari_denoise._qt.chart_painter import ChartPainter, View
from napari_denoise._qt.saving import save_where_asked
from napari_denoise._qt.theme import faded, series_color
from napari_denoise._qt.ticks import tick_text
from napari_denoise.core.atomic_write import atomic_write
from napari_denoise.core.csv_table import save_csv, to_text

__all__ = ["Chart", "Marker", "Plot", "Series"]

# Below that, titles and legend would leave less than half of the height to the curves.
_MIN_HEIGHT = 140
# Pixels between the mouse and the point that is read out: nearer ones are hard to hit where there
# are few points, farther ones come up where nobody asked.
_REACH = 25.0
# Saved pictures have so many times the widget's pixels: 300 dots per inch where a screen has 100.
_PNG_SCALE = 3.0


class Plot(QWidget):
    """Series over axes; a right click offers log axes, copying and saving.

    Parameters
    ----------
    empty_text : str
        Shown where there is nothing to draw.
    parent : QWidget, optional
        The Qt parent.
    """

    def __init__(
        self, empty_text: str = "Nothing to show yet", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._empty_text = empty_text
        self._chart = Chart()
        self._view: View | None = None
        self._hovered: _Point | None = None
        self.setMouseTracking(True)
        self.setMinimumHeight(_MIN_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        self._y_log_action = self._add_check("Logarithmic y axis")
        self._x_log_action = self._add_check("Logarithmic x axis")
        self._add_action("Copy values", self.copy)
        self._add_action("Save values as CSV…", self._on_save_csv)
        self._add_action("Save picture as PNG…", self._on_save_png)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def value(self) -> Chart:
        """What is shown."""
        return self._chart

    def setValue(
        self,
        series: Sequence[Series] = (),
        *,
        x_label: str = "",
        y_label: str = "",
        markers: Sequence[Marker] = (),
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
        is_x_log: bool | None = None,
        is_y_log: bool | None = None,
    ) -> None:
        """Show these series in place of what is shown.

        Parameters
        ----------
        series : sequence of Series
            The points.
        x_label, y_label : str
            Titles of the axes, with units.
        markers : sequence of Marker
            Lines across the plot.
        x_range, y_range : tuple of float, optional
            What the axes show; by default all points.
        is_x_log, is_y_log : bool, optional
            Whether the axis is logarithmic; None leaves what the user chose.
        """
        self._chart = Chart(tuple(series), x_label, y_label, tuple(markers), x_range, y_range)
        self._hovered = None
        if is_x_log is not None:
            self._x_log_action.setChecked(is_x_log)
        if is_y_log is not None:
            self._y_log_action.setChecked(is_y_log)
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self.setValue()

    def placeOf(self, x: float, y: float) -> QPointF:
        """Where a point is drawn in the widget, in pixels.

        Raises
        ------
        ValueError
            If nothing has been drawn yet: the axes are laid out when the plot is painted.
        """
        if self._view is None:
            raise ValueError("Nothing is drawn yet.")
        return QPointF(*self._view.places(x, y)[0].tolist())

    def readOut(self) -> str:
        """What stands beside the point under the mouse; empty if there is none."""
        return "" if self._hovered is None else self._words_of(self._hovered)

    def copy(self) -> None:
        """Put all values on the clipboard for a spreadsheet."""
        QApplication.clipboard().setText(to_text(*self._chart.table()))

    def saveCsv(self, path: Path) -> None:
        """Write all values as CSV with all digits.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        save_csv(path, *self._chart.table())

    def savePng(self, path: Path) -> None:
        """Write the plot as it looks, three times as fine as on the screen.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        # The read-out belongs to the mouse, not to the picture.
        self._hovered = None
        picture = QPixmap(QSize(self.size()) * _PNG_SCALE)
        picture.setDevicePixelRatio(_PNG_SCALE)
        picture.fill(self.palette().color(QPalette.ColorRole.Window))
        self.render(picture)
        with atomic_write(path) as part:
            if not picture.save(str(part), "PNG"):
                raise OSError("Qt gives no reason")

    def sizeHint(self) -> QSize:
        return QSize(280, 190)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        # Numbers along axes are read one at a time: smaller, and there is more room for curves.
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        scales = self._chart.scales(
            is_x_log=self._x_log_action.isChecked(), is_y_log=self._y_log_action.isChecked()
        )
        if scales is None:
            self._view = None
            painter.setPen(faded(self.palette().color(QPalette.ColorRole.WindowText), 0.6))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._empty_text)
            return
        # Laid out anew each time: a stale layout would outlive a change of size, font or theme.
        chart_painter = ChartPainter(
            painter, QRectF(self.rect()), self._chart, scales, self.palette()
        )
        self._view = chart_painter.view
        chart_painter.paint()
        if self._hovered is not None:
            self._paint_read_out(painter, self._hovered)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None:
            self._hover(self._nearest(event.position()))
            super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent | None) -> None:
        self._hover(None)
        super().leaveEvent(event)

    def _hover(self, point: _Point | None) -> None:
        if point != self._hovered:
            self._hovered = point
            self.update()

    def _nearest(self, position: QPointF) -> _Point | None:
        """The point nearest to the mouse, if one is near."""
        best, best_distance = None, _REACH
        if self._view is None:
            return best
        for index, series in enumerate(self._chart.series):
            # In pixels, because that is how near a point looks; axes have units of their own.
            places = self._view.places(series.x, series.y)
            distances = np.hypot(*(places - [position.x(), position.y()]).T)
            if np.isfinite(distances).any() and np.nanmin(distances) < best_distance:
                at = int(np.nanargmin(distances))
                x, y = series.points[at].tolist()
                best_distance = float(distances[at])
                best = _Point(index, series.name, x, y, QPointF(*places[at].tolist()))
        return best

    def _words_of(self, point: _Point) -> str:
        values = f"{tick_text(point.x)}, {tick_text(point.y)}"
        return f"{point.name}: {values}" if len(self._chart.series) > 1 else values

    def _paint_read_out(self, painter: QPainter, point: _Point) -> None:
        metrics = painter.fontMetrics()
        text = self._words_of(point)
        box = QRectF(0, 0, metrics.horizontalAdvance(text) + 10, metrics.height() + 6)
        # To the left of the point where it would leave the widget at the right.
        is_left = point.place.x() + box.width() + 10 > self.width()
        box.moveLeft(
            max(1.0, point.place.x() - box.width() - 8) if is_left else point.place.x() + 8
        )
        box.moveTop(max(1.0, point.place.y() - box.height() - 6))
        palette = self.palette()
        color = series_color(point.series, palette)
        painter.setPen(QPen(color, 1.5))
        painter.setBrush(palette.color(QPalette.ColorRole.Window))
        painter.drawEllipse(point.place, 4.5, 4.5)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _add_action(self, text: str, slot: Callable[[], None]) -> None:
        action = QAction(text, self)
        action.triggered.connect(lambda _=False: slot())
        self.addAction(action)

    def _add_check(self, text: str) -> QAction:
        action = QAction(text, self)
        action.setCheckable(True)
        action.toggled.connect(lambda _: self.update())
        self.addAction(action)
        return action

    def _on_save_csv(self) -> None:
        self._save("Save values", "plot.csv", self.saveCsv)

    def _on_save_png(self) -> None:
        self._save("Save picture", "plot.png", self.savePng)

    def _save(self, title: str, name: str, write: Callable[[Path], None]) -> None:
        save_where_asked(
            self,
            write,
            title=title,
            name=name,
            refuse=lambda error: QMessageBox.warning(self, title, str(error)),
        )


@dataclass(frozen=True, slots=True)
class _Point:
    """A point that is read out: of which series, its values, and where it is drawn."""

    series: int
    name: str
    x: float
    y: float
    place: QPointF
