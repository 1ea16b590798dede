"""A short table of named quantities with values, which leaves as text or CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._qt.message import ErrorMessage
from napari_denoise._qt.saving import save_where_asked
from napari_denoise.core.csv_table import save_csv, to_text

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
    """Name, value, interval and unit of each fact; the value stands out.

    Attributes
    ----------
    copyButton, saveButton : QPushButton
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: tuple[Fact, ...] = ()
        self._body = QWidget()
        self._error = ErrorMessage()
        self.copyButton = QPushButton("Copy")
        self.copyButton.setToolTip("Copy the numbers for a spreadsheet")
        self.copyButton.clicked.connect(self.copy)
        self.saveButton = QPushButton("Save…")
        self.saveButton.setToolTip("Save the numbers as CSV")
        self.saveButton.clicked.connect(self._on_save_clicked)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copyButton)
        buttons.addWidget(self.saveButton)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._body)
        layout.addLayout(buttons)
        layout.addWidget(self._error)
        self._layout = layout

    def value(self) -> tuple[Fact, ...]:
        """What is shown."""
        return self._facts

    def setValue(self, facts: Sequence[Fact]) -> None:
        """Show these facts, and no others."""
        self._facts = tuple(facts)
        self._error.clear()
        # A new body, because a grid keeps the rows of widgets that are taken out of it.
        body = _make_body(self._facts)
        self._layout.replaceWidget(self._body, body)
        self._body.deleteLater()
        self._body = body

    def texts(self) -> list[str]:
        """What the labels say, line by line, in the rich text that they are set in."""
        return [label.text() for label in self._body.findChildren(QLabel) if label.text()]

    def errorText(self) -> str:
        """Why the last attempt to save failed; empty if it did not."""
        return self._error.text()

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

    def _on_save_clicked(self) -> None:
        self._error.clear()
        save_where_asked(
            self,
            self.saveCsv,
            title="Save numbers",
            name="numbers.csv",
            refuse=lambda error: self._error.showError(error, ""),
        )


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
    # Whole numbers of thousands read better than 1.23e+04.
    text = f"{value:.3g}" if abs(value) < 1000 or abs(value) >= 1e6 else f"{value:.0f}"
    return (text if unit else f"{value:.2g}").replace("-", "−")
