"""A short table of named quantities with values, which leaves as text or CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._qt.message import ErrorMessage
from napari_denoise.core.csv_table import save_csv, to_text
from napari_denoise.core.errors import FileError

__all__ = ["Fact", "FactSheet"]

_TITLES = ("quantity", "value", "low", "high", "unit")


@dataclass(frozen=True, slots=True)
class Fact:
    """A quantity, as it is shown and as it is saved.

    Attributes
    ----------
    name : str
    value : float or None
        None for what is not known, which is shown as "–".
    unit : str
        Empty for pure numbers; "%" shows a share in hundredths, and saves it as it is.
    interval : (float, float), optional
        Of confidence.
    tooltip : str
        What the quantity means.
    """

    name: str
    value: float | None
    unit: str = ""
    interval: tuple[float, float] | None = None
    tooltip: str = ""

    @property
    def row(self) -> tuple[Any, ...]:
        """As in a file."""
        low, high = self.interval or (None, None)
        return self.name, self.value, low, high, "" if self.unit == "%" else self.unit


class FactSheet(QWidget):
    """Name, value, interval and unit of each fact; the value stands out."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: tuple[Fact, ...] = ()
        self._body = QWidget()
        self._error = ErrorMessage()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._body)
        layout.addLayout(self._make_buttons())
        layout.addWidget(self._error)
        self._layout = layout

    def value(self) -> tuple[Fact, ...]:
        """What is shown."""
        return self._facts

    def setValue(self, facts: Sequence[Fact]) -> None:
        """Show these facts, and no others."""
        self._facts = tuple(facts)
        self._error.clear()
        body = _make_body(self._facts)
        self._layout.replaceWidget(self._body, body)
        self._body.deleteLater()
        self._body = body

    def copy(self) -> None:
        """Put all facts on the clipboard for a spreadsheet."""
        QApplication.clipboard().setText(to_text(_TITLES, [fact.row for fact in self._facts]))

    def saveCsv(self, path: Path) -> None:
        """Write all facts as CSV with all digits.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        save_csv(path, _TITLES, [fact.row for fact in self._facts])

    def _make_buttons(self) -> QHBoxLayout:
        buttons = QHBoxLayout()
        for text, tip, slot in (
            ("Copy", "Copy the numbers for a spreadsheet", self.copy),
            ("Save…", "Save the numbers as CSV", self._on_save_clicked),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, slot=slot: slot())
            buttons.addWidget(button)
        return buttons

    def _on_save_clicked(self) -> None:
        self._error.clear()
        text, _ = QFileDialog.getSaveFileName(self, "Save numbers", "numbers.csv", "CSV (*.csv)")
        if not text:
            return
        path = Path(text)
        try:
            self.saveCsv(path if path.suffix else path.with_suffix(".csv"))
        except FileError as error:
            self._error.showError(error, "")


def _make_body(facts: Sequence[Fact]) -> QWidget:
    body = QWidget()
    grid = QGridLayout(body)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(6)
    grid.setVerticalSpacing(2)
    grid.setColumnStretch(0, 1)
    right = Qt.AlignmentFlag.AlignRight
    for row, fact in enumerate(facts):
        name = f"{fact.name} ({fact.unit})" if fact.unit else fact.name
        value = QLabel(f"<b>{_shown(fact.value, fact.unit)}</b>")
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(QLabel(name), row, 0)
        grid.addWidget(value, row, 1, right)
        grid.addWidget(QLabel(_interval(fact)), row, 2, right)
        for column in range(3):
            grid.itemAtPosition(row, column).widget().setToolTip(fact.tooltip)
    return body


def _interval(fact: Fact) -> str:
    if fact.interval is None:
        return ""
    low, high = (_shown(value, fact.unit) for value in fact.interval)
    return f"<small>{low}…{high}</small>"


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "%":
        return f"{100 * value:.2g}"
    text = f"{value:.3g}" if abs(value) < 1000 or abs(value) >= 1e6 else f"{value:.0f}"
    return (text if unit else f"{value:.2g}").replace("-", "−")
