"""Draws a chart: axes, series, markers and legend, in the colours of the theme."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPalette, QPen, QPolygonF

from napari_denoise._qt.chart import Chart, Marker, Scale, Series
from napari_denoise._qt.theme import faded, series_color
from napari_denoise._qt.ticks import tick_text

__all__ = ["ChartPainter", "View"]

# More dots than this on a line touch each other in a dock of 300 pixels.
_MAX_DOTTED = 60
# Qt strokes a line as one outline, whose cost grows with the square of the points where it crosses
# itself, as a noisy curve does. In pieces of so many points 1,000 points of white noise are drawn
# 13 times as fast, and 10,000 points 16 times; shorter pieces gain little more.
_PIECE = 10
# Pixels: the stroke before a name in the legend, and the room between two texts in a row.
_SWATCH = 12.0
_GAP = 10.0


@dataclass(frozen=True, slots=True)
class View:
    """What part of the plane the frame shows, and where in the widget the frame is."""

    frame: QRectF
    across: Scale
    upward: Scale

    def places(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Where points are in the widget, shape ``(n, 2)`` in pixels; NaN for those nowhere."""
        left = self.frame.left() + self.frame.width() * self.across.fraction(x)
        top = self.frame.bottom() - self.frame.height() * self.upward.fraction(y)
        # Qt's rasteriser counts in fixed point, which coordinates far outside overflow.
        places = np.column_stack([np.atleast_1d(left), np.atleast_1d(top)])
        return np.asarray(np.clip(places, -1e5, 1e5))


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the legend, and where it stands."""

    text: str
    pen: QPen
    is_dot: bool
    left: float
    line: int


def _n_upward(height: float) -> int:
    """How many numbers stand beside an axis of this height in pixels: one in two lines."""
    return max(2, round(height / 22))


class ChartPainter:
    """Draws one chart with a painter that is active, into a rectangle.

    Parameters
    ----------
    painter : QPainter
        Active on the widget; its font is used for all text.
    rect : QRectF
        Where to draw.
    chart : Chart
        What to draw.
    scales : tuple of Scale
        The axes, from `Chart.scales`.
    palette : QPalette
        The theme's colours.
    """

    def __init__(
        self,
        painter: QPainter,
        rect: QRectF,
        chart: Chart,
        scales: tuple[Scale, Scale],
        palette: QPalette,
    ) -> None:
        self._painter, self._rect, self._chart = painter, rect, chart
        self._ink = palette.color(QPalette.ColorRole.WindowText)
        self._colors = [series_color(i, palette) for i in range(len(chart.series))]
        self._metrics = QFontMetricsF(painter.font())
        self._line = self._metrics.height()
        self._legend, n_lines = self._legend_entries()
        self.view = self._view(*scales, n_lines)

    def paint(self) -> None:
        """Draw everything."""
        self._paint_axes()
        self._paint_titles()
        for series, color in zip(self._chart.series, self._colors, strict=True):
            self._paint_series(series, color)
        for marker in self._chart.markers:
            self._paint_marker(marker)

    def _view(self, across: Scale, upward: Scale, n_lines: int) -> View:
        # The frame is what texts leave over, so that no number is cut whatever its length; the
        # ticks that decide the width at the left are those that are drawn later.
        top = n_lines * self._line + 8
        below = self._line * (2 if self._chart.x_label else 1) + 8
        ticks = upward.ticks(_n_upward(self._rect.height() - top - below))
        left = max(self._metrics.horizontalAdvance(tick_text(tick)) for tick in ticks) + 10
        frame = self._rect.adjusted(left, top, -9, -below)
        return View(frame, across, upward)

    def _paint_axes(self) -> None:
        frame, view = self.view.frame, self.view
        for tick in view.upward.ticks(_n_upward(frame.height())):
            y = frame.bottom() - frame.height() * float(view.upward.fraction(tick))
            self._paint_grid_line(QPointF(frame.left(), y), QPointF(frame.right(), y))
            label = QRectF(0, y - self._line / 2, frame.left() - 5, self._line)
            self._painter.drawText(label, Qt.AlignmentFlag.AlignRight, tick_text(tick))
        for tick, x in self._across_ticks():
            self._paint_grid_line(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
            text = tick_text(tick)
            left = self._kept_inside(x, self._metrics.horizontalAdvance(text))
            self._painter.drawText(QPointF(left, frame.bottom() + 4 + self._metrics.ascent()), text)
        self._painter.setPen(QPen(faded(self._ink, 0.5), 1))
        corners = [frame.topLeft(), frame.bottomLeft(), frame.bottomRight()]
        self._painter.drawPolyline(QPolygonF(corners))

    def _across_ticks(self) -> list[tuple[float, float]]:
        """Ticks of the x axis and their places, so few that their labels keep apart."""
        frame, across = self.view.frame, self.view.across
        found: list[tuple[float, float]] = []
        # How long the labels are shows only once the ticks are chosen: try, from many to few.
        for n_ticks in (8, 6, 5, 4, 3, 2, 1):
            ticks = across.ticks(n_ticks)
            places = frame.left() + frame.width() * across.fraction(ticks)
            found = list(zip(ticks, places.tolist(), strict=True))
            widths = [self._metrics.horizontalAdvance(tick_text(tick)) for tick in ticks]
            if all(
                right[1] - left[1] >= (a + b) / 2 + _GAP
                for (left, a), (right, b) in pairwise(zip(found, widths, strict=True))
            ):
                break
        return found

    def _paint_grid_line(self, start: QPointF, end: QPointF) -> None:
        self._painter.setPen(QPen(faded(self._ink, 0.15), 1))
        self._painter.drawLine(start, end)
        self._painter.setPen(self._ink)

    def _kept_inside(self, middle: float, width: float) -> float:
        """The left end of a text around `middle` that does not leave the widget."""
        return float(min(max(middle - width / 2, 2.0), self._rect.right() - width - 2))

    def _paint_titles(self) -> None:
        """The y axis' title above it, the x axis' below: turned by 90° one is hard to read."""
        baseline, chart = 2 + self._metrics.ascent(), self._chart
        self._painter.setPen(self._ink)
        self._painter.drawText(QPointF(2, baseline), self._elided(chart.y_label))
        for entry in self._legend:
            left, middle = entry.left, 2 + (entry.line + 0.5) * self._line
            self._painter.setPen(entry.pen)
            if entry.is_dot:
                self._painter.drawPoint(QPointF(left + _SWATCH / 2, middle))
            else:
                self._painter.drawLine(QPointF(left, middle), QPointF(left + _SWATCH, middle))
            self._painter.setPen(self._ink)
            place = QPointF(left + _SWATCH + 5, baseline + entry.line * self._line)
            self._painter.drawText(place, entry.text)
        if chart.x_label:
            text = self._elided(chart.x_label)
            frame = self.view.frame
            left = self._kept_inside(frame.center().x(), self._metrics.horizontalAdvance(text))
            bottom = frame.bottom() + 4 + self._line + self._metrics.ascent()
            self._painter.drawText(QPointF(left, bottom), text)

    def _elided(self, text: str, margin: float = 4.0) -> str:
        room = self._rect.width() - margin
        return str(self._metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room))

    def _legend_entries(self) -> tuple[list[_Entry], int]:
        """The legend's entries, and how many lines title and legend take together.

        The entries stand behind the y axis' title where there is room.
        """
        chart = self._chart
        if len(chart.series) < 2 and not any(series.note for series in chart.series):
            return [], 1
        line, entries = 0, list[_Entry]()
        left = 2 + self._metrics.horizontalAdvance(chart.y_label) + 2 * _GAP
        for series, color in zip(chart.series, self._colors, strict=True):
            text = self._elided(f"{series.name} {series.note}".strip(), _SWATCH + 9)
            width = _SWATCH + 5 + self._metrics.horizontalAdvance(text)
            if left + width > self._rect.width() - 2:
                left, line = 2.0, line + 1
            is_dot = series.style == "points"
            pen = _dot_pen(color) if is_dot else _pen(color, series.style, 3)
            entries.append(_Entry(text, pen, is_dot, left, line))
            left += width + _GAP
        return entries, line + 1

    def _paint_series(self, series: Series, color: QColor) -> None:
        painter = self._painter
        painter.save()
        painter.setClipRect(self.view.frame.adjusted(-3, -3, 3, 3))
        if series.low is not None and series.high is not None:
            self._paint_band(series, series.low, series.high, color)
        places = self.view.places(series.x, series.y)
        if series.style != "points":
            painter.setPen(_pen(color, series.style, 1.8))
            # A dash pattern would begin anew with each piece.
            n_points = len(places) if series.style == "dashed" else _PIECE
            for run in _runs(places):
                for start in range(0, len(run), n_points):
                    # A piece ends where the next one begins.
                    painter.drawPolyline(_polygon(run[start : start + n_points + 1]))
        is_few = len(places) <= _MAX_DOTTED and series.style == "line+points"
        # A line of one point would not be seen at all.
        if series.style == "points" or is_few or len(places) == 1:
            # A thick pen with round ends draws thousands of dots at once.
            painter.setPen(_dot_pen(color))
            painter.drawPoints(_polygon(places[np.isfinite(places).all(axis=1)]))
        painter.restore()

    def _paint_band(self, series: Series, low: ArrayLike, high: ArrayLike, color: QColor) -> None:
        lower, upper = self.view.places(series.x, low), self.view.places(series.x, high)
        is_shown = np.isfinite(lower).all(axis=1) & np.isfinite(upper).all(axis=1)
        # Faint enough for the curves of other series to be seen through it.
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(faded(color, 0.25))
        outline = np.concatenate([upper[is_shown], lower[is_shown][::-1]])
        self._painter.drawPolygon(_polygon(outline))
        self._painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_marker(self, marker: Marker) -> None:
        frame, view = self.view.frame, self.view
        scale = view.across if marker.axis == "x" else view.upward
        fraction = float(scale.fraction(marker.value))
        if not 0 <= fraction <= 1:
            return
        x = frame.left() + frame.width() * fraction
        y = frame.bottom() - frame.height() * fraction
        ends = (
            (QPointF(x, frame.top()), QPointF(x, frame.bottom()))
            if marker.axis == "x"
            else (QPointF(frame.left(), y), QPointF(frame.right(), y))
        )
        self._painter.setPen(QPen(faded(self._ink, 0.7), 1.2, Qt.PenStyle.DashLine))
        self._painter.drawLine(*ends)
        self._paint_marker_label(marker, x, y)

    def _paint_marker_label(self, marker: Marker, x: float, y: float) -> None:
        """Beside the line, on the side where there is more room."""
        frame = self.view.frame
        width = self._metrics.horizontalAdvance(marker.label)
        if marker.axis == "x":
            left = x + 4 if x + 4 + width < frame.right() else x - 4 - width
            place = QPointF(left, frame.top() + self._metrics.ascent())
        else:
            is_low = y - self._line < frame.top()
            place = QPointF(
                frame.right() - width - 2, y + self._metrics.ascent() + 1 if is_low else y - 4
            )
        self._painter.setPen(self._ink)
        self._painter.drawText(place, marker.label)


def _pen(color: QColor, style: str, width: float) -> QPen:
    pen = QPen(color, width)
    if style == "dashed":
        pen.setDashPattern([2.5, 1.5])
    return pen


def _dot_pen(color: QColor) -> QPen:
    pen = QPen(color, 4.5)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return pen


def _runs(places: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """The stretches of a line between its gaps."""
    is_gap = ~np.isfinite(places).all(axis=1)
    for run in np.split(places, np.flatnonzero(is_gap)):
        inside = run[np.isfinite(run).all(axis=1)]
        if len(inside):
            yield inside


def _polygon(places: NDArray[np.float64]) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in places.tolist()])
