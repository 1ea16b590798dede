"""How scores change along a stack: one curve per layer."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout

from napari_denoise._napari.compare.chooser import ComparisonChooser
from napari_denoise._napari.compare.comparison import Measured
from napari_denoise._napari.compare.view import View
from napari_denoise._napari.shared.dock import ViewerDock
from napari_denoise._qt.plot import Plot, Series
from napari_denoise.core.axes import AXIS_WORDS
from napari_denoise.metrics import SCORES

__all__ = ["ScorePlot"]

# The range is the same for all planes, and so no curve.
_SCORES = [q for q in SCORES.quantities if q.key != "data_range"]


class ScorePlot(View):
    """A score over planes, frames or channels, of what was measured last."""

    tab = "Plots"
    title = "Scores along a stack"

    def __init__(self, dock: ViewerDock, chooser: ComparisonChooser) -> None:
        super().__init__(dock, chooser)
        self._found: tuple[Measured, ...] = ()
        self.scoreBox = QComboBox()
        for quantity in _SCORES:
            self.scoreBox.addItem(quantity.title, quantity)
        self.axisBox = QComboBox()
        self.plot = Plot("Measure a stack against a reference,\nwith this score's column shown")
        choices = QHBoxLayout()
        choices.addWidget(self.scoreBox, 1)
        choices.addWidget(self.axisBox, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(choices)
        layout.addWidget(self.plot, 1)
        self.scoreBox.currentIndexChanged.connect(self._draw)
        self.axisBox.currentIndexChanged.connect(self._draw)
        self._show_axes("")

    def setMeasured(self, found: tuple[Measured, ...]) -> None:
        """Show these measurements in place of the last ones."""
        self._found = found
        # Layers of one comparison have the same axes, but one that failed has none.
        stacks = [each.assessment.axes for each in found if each.assessment]
        self._show_axes(max(stacks, key=len, default=""))
        self._draw()

    def _show_axes(self, axes: str) -> None:
        chosen = self.axisBox.currentData()
        self.axisBox.clear()
        for letter in axes:
            self.axisBox.addItem(f"per {AXIS_WORDS[letter].one}", letter)
        # What moves in most stacks stands last.
        self.axisBox.setCurrentIndex(max(self.axisBox.findData(chosen), len(axes) - 1))
        self.axisBox.setEnabled(bool(axes))

    def _draw(self) -> None:
        axis, quantity = self.axisBox.currentData() or "", self.scoreBox.currentData()
        series = []
        for each in self._found:
            scores = [s for _, s in each.assessment.parts(axis)] if each.assessment else []
            if scores:
                values = [quantity.of(score) for score in scores]
                series.append(Series(each.name, range(len(scores)), values, "line+points"))
        self.plot.setValue(
            series, x_label=AXIS_WORDS[axis].one if axis else "", y_label=quantity.title
        )
