"""The loss during training, drawn as it comes.

Painted by hand: two curves with axes need no plotting library, whose import alone would take
half the time a dock may take to open, and the theme's colours come for free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QAction, QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

__all__ = ["LossPlot", "decade_ticks", "ticks"]

# Both stand out from a dark and from a light background, and for the colour-blind.
_TRAINING = QColor("#4c9be8")
_VALIDATION = QColor("#e0802c")
_MAX_GROUPS = 160
"""Beyond so many points, neighbours are drawn as one: their mean, and their range behind it."""
_MAX_DOTS = 30
_MIN_HEIGHT = 140
_N_TICKS = 5


class LossPlot(QWidget):
    """Training and validation loss over the steps; a right click offers a logarithmic axis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = _Curve()
        self._validation = _Curve()
        self._n_steps = 0
        self.setMinimumHeight(_MIN_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.MinimumExpanding)
        self._log_action = QAction("Logarithmic loss axis", self)
        self._log_action.setCheckable(True)
        self._log_action.toggled.connect(lambda _: self.update())
        self.addAction(self._log_action)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setToolTip("Loss on the training and validation patches; right click for a log axis")

    def addPoints(self, points: Iterable[tuple[int, float, float | None]]) -> None:
        """Add ``(step, loss, validation loss or None)``; drawn with the next repaint.

        A loss that is not finite leaves no point.
        """
        for step, loss, validation_loss in points:
            self._training.add(step, loss)
            if validation_loss is not None:
                self._validation.add(step, validation_loss)
        self.update()

    def setStepCount(self, n_steps: int) -> None:
        """Say how many steps there will be, so that the axis need not grow."""
        self._n_steps = n_steps
        self.update()

    def setLogarithmic(self, is_logarithmic: bool) -> None:  # noqa: FBT001
        """Draw the loss on a logarithmic axis; losses of zero and below are left out there."""
        self._log_action.setChecked(is_logarithmic)

    def clear(self) -> None:
        """Forget all points and the number of steps."""
        self._training, self._validation, self._n_steps = _Curve(), _Curve(), 0
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, 170)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        is_log = bool(self._log_action.isChecked())
        training = self._training.groups(only_positive=is_log)
        validation = self._validation.groups(only_positive=is_log)
        if not training:
            painter.setPen(_faded(ink, 0.6))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No loss yet")
            return
        view = self._view(painter, training + validation, is_log=is_log)
        _paint_axes(painter, view, ink)
        _paint_curve(painter, view, training, _TRAINING)
        _paint_curve(painter, view, validation, _VALIDATION)
        self._paint_legend(painter, view, ink)

    def _view(self, painter: QPainter, groups: Sequence[_Group], *, is_log: bool) -> _View:
        line = painter.fontMetrics().height()
        left = painter.fontMetrics().horizontalAdvance("0.0000") + 8
        frame = QRectF(self.rect()).adjusted(left, line + 6, -8, -line - 6)
        last = max(self._n_steps, *(group.step for group in groups), 1)
        losses = [group.mean for group in groups]
        return _View(frame, last, *_widen(min(losses), max(losses), is_log=is_log), is_log)

    def _paint_legend(self, painter: QPainter, view: _View, ink: QColor) -> None:
        """One line above the frame: what is drawn, and the latest values."""
        metrics = painter.fontMetrics()
        right, middle = view.frame.right(), view.frame.top() - 6 - metrics.height() / 2
        for name, curve, color in (
            ("validation", self._validation, _VALIDATION),
            ("training", self._training, _TRAINING),
        ):
            if curve.latest is None:
                continue
            text = f"{name} {curve.latest:.3g}"
            right -= metrics.horizontalAdvance(text)
            painter.setPen(ink)
            painter.drawText(QPointF(right, middle + metrics.ascent() / 2 - 1), text)
            painter.setPen(QPen(color, 3))
            painter.drawLine(QPointF(right - 16, middle), QPointF(right - 5, middle))
            right -= 26
        painter.setPen(ink)
        painter.drawText(QPointF(2, middle + metrics.ascent() / 2 - 1), "loss")


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbouring points as one: how many, the last one's step, their mean and range."""

    n_points: int
    step: float
    mean: float
    low: float
    high: float

    def __add__(self, later: _Group) -> _Group:
        n_points = self.n_points + later.n_points
        return _Group(
            n_points,
            later.step,
            (self.mean * self.n_points + later.mean * later.n_points) / n_points,
            min(self.low, later.low),
            max(self.high, later.high),
        )


class _Curve:
    """Any number of points, kept as a bounded number of groups: a training may last for days."""

    def __init__(self) -> None:
        self.latest: float | None = None
        self._groups: list[_Group] = []
        self._group_size = 1

    def add(self, step: float, loss: float) -> None:
        if not isfinite(loss):
            return
        self.latest = loss
        point = _Group(1, step, loss, loss, loss)
        if self._groups and self._groups[-1].n_points < self._group_size:
            point = self._groups.pop() + point
        self._groups.append(point)
        if len(self._groups) == _MAX_GROUPS:
            pairs = zip(self._groups[::2], self._groups[1::2], strict=True)
            self._groups = [earlier + later for earlier, later in pairs]
            self._group_size *= 2

    def groups(self, *, only_positive: bool) -> list[_Group]:
        return [group for group in self._groups if group.mean > 0 or not only_positive]


@dataclass(frozen=True, slots=True)
class _View:
    """Which steps and losses the frame shows, and where in it."""

    frame: QRectF
    last_step: float
    low: float
    high: float
    is_log: bool

    def at(self, step: float, loss: float) -> QPointF:
        """The place of a point in the widget, kept within the frame."""
        low, high, value = (
            log10(v) if self.is_log else v
            for v in (self.low, self.high, min(max(loss, self.low), self.high))
        )
        x = self.frame.left() + self.frame.width() * step / self.last_step
        return QPointF(x, self.frame.bottom() - self.frame.height() * (value - low) / (high - low))


def _widen(low: float, high: float, *, is_log: bool) -> tuple[float, float]:
    """Leave some air above and below."""
    if is_log:
        return low / 1.1, high * 1.1
    air = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
    return low - air, high + air


def ticks(low: float, high: float, n_ticks: int = _N_TICKS) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) between `low` and `high`."""
    rough = (high - low) / n_ticks
    decade = 10.0 ** floor(log10(rough))
    step = decade * next(factor for factor in (1, 2, 5, 10) if factor * decade >= rough)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def decade_ticks(low: float, high: float, n_ticks: int = _N_TICKS) -> list[float]:
    """Ticks of a logarithmic axis: 1, 2 and 5 in each decade, or only powers of ten."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    every = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
    inside = [tick for tick in every if low <= tick <= high]
    if len(inside) < 2:
        return ticks(low, high, n_ticks)
    return inside if len(inside) <= 2 * n_ticks else [t for t in inside if t in every[::3]]


def _paint_axes(painter: QPainter, view: _View, ink: QColor) -> None:
    frame, metrics = view.frame, painter.fontMetrics()
    grid, line = QPen(_faded(ink, 0.15), 1), metrics.height()
    for loss in (decade_ticks if view.is_log else ticks)(view.low, view.high):
        place = view.at(0, loss)
        painter.setPen(grid)
        painter.drawLine(place, QPointF(frame.right(), place.y()))
        painter.setPen(ink)
        label = QRectF(0, place.y() - line / 2, frame.left() - 5, line)
        painter.drawText(label, Qt.AlignmentFlag.AlignRight, f"{loss:.4g}")
    for step in ticks(0, view.last_step):
        x = view.at(step, view.low).x()
        painter.setPen(grid)
        painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
        painter.setPen(ink)
        width = metrics.horizontalAdvance(f"{step:g}")
        place = min(x - width / 2, painter.device().width() - width - 2)
        painter.drawText(QPointF(place, frame.bottom() + 4 + metrics.ascent()), f"{step:g}")
    painter.drawText(QPointF(2, frame.bottom() + 4 + metrics.ascent()), "step")
    painter.setPen(QPen(_faded(ink, 0.5), 1))
    painter.drawPolyline(QPolygonF([frame.topLeft(), frame.bottomLeft(), frame.bottomRight()]))


def _paint_curve(painter: QPainter, view: _View, groups: list[_Group], color: QColor) -> None:
    upper = [view.at(group.step, group.high) for group in groups]
    lower = [view.at(group.step, group.low) for group in reversed(groups)]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_faded(color, 0.3))
    painter.drawPolygon(QPolygonF(upper + lower))
    places = [view.at(group.step, group.mean) for group in groups]
    painter.setPen(QPen(color, 1.8))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF(places))
    if len(places) <= _MAX_DOTS:
        painter.setBrush(color)
        for place in places:
            painter.drawEllipse(place, 2, 2)


def _faded(color: QColor, alpha: float) -> QColor:
    faded = QColor(color)
    faded.setAlphaF(alpha)
    return faded
