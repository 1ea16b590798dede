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
    "Tries settings on a few crops of the layer in which some pixels are hidden, and keeps those "
    "with which the method guesses the hidden pixels best. No clean image is needed."
)

_PLOT_HEIGHT = 160
"""In pixels: the buttons below are to stay in sight."""


class TuningBox(QWidget):
    """The button that tunes a method, and below it what came of it.

    Parameters
    ----------
    run_bar : RunBar
        Starts the tuning.
    """

    undone = Signal(object)
    """The user wants these settings back, which were there before."""

    def __init__(self, run_bar: RunBar, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run_bar = run_bar
        self._found: Tuned | None = None
        self._before: Filter | None = None
        self._method: type[Settings] | None = None
        self._fields: dict[str, SettingField] = {}
        self._which = QComboBox()
        self._which.setToolTip("Which of the tuned settings the plot shows")
        self._plot = Plot()
        self._undo_button = QPushButton("Undo tuning")
        self._undo_button.setToolTip("Bring back the settings from before")
        self._plot.setMaximumHeight(_PLOT_HEIGHT)
        choices = QHBoxLayout()
        choices.addWidget(self._which, 1)
        choices.addWidget(self._undo_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(run_bar)
        layout.addLayout(choices)
        layout.addWidget(self._plot)
        self._which.currentIndexChanged.connect(lambda _index: self._draw())
        self._undo_button.clicked.connect(self._on_undo_clicked)
        run_bar.setToolTip(_TIP)
        self.setMethod(None)

    def setMethod(self, method: type[Settings] | None) -> None:
        """Show what was found for this method, if it can be tuned; None hides all."""
        self._method = method
        self.setVisible(bool(method and any(field.tuned_over for field in describe(method))))
        is_shown = self._before is not None and type(self._before) is method
        self._undo_button.setVisible(is_shown)
        self._plot.setVisible(is_shown)
        self._which.setVisible(is_shown and self._which.count() > 1)

    def setResult(self, before: Filter, found: Tuned) -> None:
        """Show what was found in place of the settings before."""
        self._before, self._found = before, found
        self._fields = {field.name: field for field in before.tunable()}
        self._which.clear()
        self._which.addItems([label_of(self._fields[curve.name]) for curve in found.curves])
        self._draw()
        self.setMethod(self._method)
        values = (f"{label_of(self._fields[c.name]).lower()} {c.chosen:g}" for c in found.curves)
        self._run_bar.setMessage(f"Found {', '.join(values)}.")

    def clear(self) -> None:
        """Forget what was found, as for another layer."""
        self._before = self._found = None
        self._run_bar.clear()
        self._plot.clear()
        self.setMethod(self._method)

    def _draw(self) -> None:
        if self._found is None or self._which.currentIndex() < 0:
            return
        curve = self._found.curves[self._which.currentIndex()]
        field = self._fields[curve.name]
        unit = f" ({field.unit})" if field.unit else ""
        self._plot.setValue(
            [Series("error", curve.values, curve.losses, style="line+points")],
            x_label=f"{label_of(field)}{unit}",
            y_label="Error at hidden pixels",
            markers=[Marker(curve.chosen, f"{curve.chosen:g}")],
            is_x_log=True,
        )

    def _on_undo_clicked(self) -> None:
        before = self._before
        self.clear()
        self.undone.emit(before)
