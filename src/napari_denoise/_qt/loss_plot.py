"""The loss during training, drawn as it comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from qtpy.QtWidgets import QWidget

from napari_denoise._qt.plot import Plot, Series

__all__ = ["LossPlot"]

# Beyond so many points, neighbours are drawn as one: their mean, and their range behind it. More
# could not be told apart in a dock of 300 pixels, and would be drawn anew with each step.
_MAX_GROUPS = 160
# Dots show where a validation was; with more of them they hide how the line runs.
_MAX_DOTS = 30


class LossPlot(Plot):
    """Training and validation loss over the steps; a right click offers a logarithmic axis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("No loss yet", parent)
        self._training = _Curve()
        self._validation = _Curve()
        self._n_steps = 0

    def addPoints(self, points: Iterable[tuple[int, float, float | None]]) -> None:
        """Add ``(step, loss, validation loss or None)``; drawn with the next repaint.

        A loss that is not finite leaves no point.
        """
        for step, loss, validation_loss in points:
            self._training.add(step, loss)
            if validation_loss is not None:
                self._validation.add(step, validation_loss)
        self._show()

    def setStepCount(self, n_steps: int) -> None:
        """Say how many steps there will be, so that the axis need not grow."""
        self._n_steps = n_steps
        self._show()

    def stepCount(self) -> int:
        """How many steps there will be; 0 while that is not known."""
        return self._n_steps

    def setLogarithmic(self, is_logarithmic: bool) -> None:  # noqa: FBT001
        """Draw the loss on a logarithmic axis; losses of zero and below are left out there."""
        self._show(is_y_log=is_logarithmic)

    def clear(self) -> None:
        """Forget all points and the number of steps."""
        self._training, self._validation, self._n_steps = _Curve(), _Curve(), 0
        self._show()

    def _show(self, *, is_y_log: bool | None = None) -> None:
        curves = {"training": self._training, "validation": self._validation}
        series = [curve.series(name) for name, curve in curves.items() if curve.groups]
        # Past the planned end where a training was trained further.
        last_step = max(
            [self._n_steps, 1, *(c.groups[-1].step for c in curves.values() if c.groups)]
        )
        self.setValue(
            series, x_label="step", y_label="loss", x_range=(0, last_step), is_y_log=is_y_log
        )


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
        self.groups: list[_Group] = []
        self._group_size = 1

    def add(self, step: float, loss: float) -> None:
        if not isfinite(loss):
            return
        self.latest = loss
        # Into the last group until it is as large as the others, so that all weigh the same.
        point = _Group(1, step, loss, loss, loss)
        if self.groups and self.groups[-1].n_points < self._group_size:
            point = self.groups.pop() + point
        self.groups.append(point)
        # Halved, so that there are never fewer than half of what can be shown, and each point has
        # moved only log2(n) times.
        if len(self.groups) == _MAX_GROUPS:
            pairs = zip(self.groups[::2], self.groups[1::2], strict=True)
            self.groups = [earlier + later for earlier, later in pairs]
            self._group_size *= 2

    def series(self, name: str) -> Series:
        return Series(
            name,
            [group.step for group in self.groups],
            [group.mean for group in self.groups],
            "line+points" if len(self.groups) <= _MAX_DOTS else "line",
            low=[group.low for group in self.groups],
            high=[group.high for group in self.groups],
            note=f"{self.latest:.3g}",
        )
