"""What self-tuning found: the curve, the value chosen, and the way back."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_denoise._qt.form import label_of
from napari_denoise._qt.plot import Marker, Plot, Series
from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.settings import SettingField, Settings, describe
from napari_denoise.filters.base import Filter
from napari_denoise.filters.tuning.search import Tuned

__all__ = ["TuningBox"]

_TIP = (
    "Tries settings on a few crops of the layer in which some pixels are masked, and keeps those "
    "with which the method predicts the masked pixels best. No clean image is needed."
)

_PLOT_HEIGHT = 160
"""In pixels: the buttons below are to stay in sight."""


class TuningBox(QWidget):
    """The button that tunes a method, and below it what came of it.

    Parameters
    ----------
    run_bar : RunBar
        Starts the tuning.

    Attributes
    ----------
    runBar : RunBar
    curveBox : QComboBox
        Which setting the plot is about.
    plot : Plot
    undoButton : QPushButton
    """

    undone = Signal(object)
    """The user wants these settings back, which were there before."""

    def __init__(self, run_bar: RunBar, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runBar = run_bar
        self._found: Tuned | None = None
        self._before: Filter | None = None
        self._method: type[Settings] | None = None
        self._fields: dict[str, SettingField] = {}
        self.curveBox = QComboBox()
        self.curveBox.setToolTip("Which of the tuned settings the plot shows")
        self.plot = Plot()
        self.undoButton = QPushButton("Undo tuning")
        self.undoButton.setToolTip("Bring back the settings from before")
        self.plot.setMaximumHeight(_PLOT_HEIGHT)
        choices = QHBoxLayout()
        choices.addWidget(self.curveBox, 1)
        choices.addWidget(self.undoButton, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        # The buttons above the plot: it comes and goes, and must not push them out of sight.
        layout.addWidget(run_bar)
        layout.addLayout(choices)
        layout.addWidget(self.plot)
        self.curveBox.currentIndexChanged.connect(lambda _index: self._draw())
        self.undoButton.clicked.connect(self._on_undo_clicked)
        run_bar.setToolTip(_TIP)
        self.setMethod(None)

    def setMethod(self, method: type[Settings] | None) -> None:
        """Show what was found for this method, if it can be tuned; None hides all."""
        self._method = method
        self.setVisible(bool(method and any(field.tuned_over for field in describe(method))))
        # What was found for another method stays, and is shown when that is chosen again.
        is_shown = self._before is not None and type(self._before) is method
        self.undoButton.setVisible(is_shown)
        self.plot.setVisible(is_shown)
        self.curveBox.setVisible(is_shown and self.curveBox.count() > 1)

    def setResult(self, before: Filter, found: Tuned) -> None:
        """Show what was found in place of the settings before.

        Parameters
        ----------
        before : Filter
            What the way back leads to.
        found : Tuned
            With a curve for each setting that was tuned.
        """
        self._before, self._found = before, found
        self._fields = {field.name: field for field in before.tunable()}
        self.curveBox.clear()
        self.curveBox.addItems([label_of(self._fields[curve.name]) for curve in found.curves])
        self._draw()
        self.setMethod(self._method)
        values = (f"{label_of(self._fields[c.name]).lower()} {c.chosen:g}" for c in found.curves)
        self.runBar.setMessage(f"Found {', '.join(values)}.")

    def clear(self) -> None:
        """Forget what was found, as for another layer."""
        self._before = self._found = None
        self.runBar.clear()
        self.plot.clear()
        self.setMethod(self._method)

    def _draw(self) -> None:
        if self._found is None or self.curveBox.currentIndex() < 0:
            return
        curve = self._found.curves[self.curveBox.currentIndex()]
        field = self._fields[curve.name]
        unit = f" ({field.unit})" if field.unit else ""
        self.plot.setValue(
            [Series("error", curve.values, curve.losses, style="line+points")],
            x_label=f"{label_of(field)}{unit}",
            y_label="Error at masked pixels",
            markers=[Marker(curve.chosen, f"{curve.chosen:g}")],
            # The values tried lie at equal ratios.
            is_x_log=True,
        )

    def _on_undo_clicked(self) -> None:
        before = self._before
        self.clear()
        self.undone.emit(before)
