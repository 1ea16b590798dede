"""Several settings in an order: a list above, and below it the form of what is selected in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QListWidget, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_denoise._napari.shared.settings_chooser import SettingsChooser
from napari_denoise.core.settings import Settings

__all__ = ["SettingsList"]

# Rows that the list is high at most; then it scrolls. More than five noises are rarely added.
_MAX_ROWS = 5


class SettingsList(QWidget):
    """At least one entry; entries can be added, removed, moved, and each be of any class.

    Parameters
    ----------
    classes : sequence of Settings classes
        With a ``title`` and a ``citation``.
    what : str
        What an entry is, for the buttons' tooltips: "noise".

    Attributes
    ----------
    entryList : QListWidget
    """

    valueChanged = Signal()

    def __init__(
        self, classes: Sequence[type[Any]], *, what: str = "entry", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._classes = tuple(classes)
        # A chooser for each entry, of which one is shown: what was typed into an entry stays in it.
        self._choosers: list[SettingsChooser] = []
        self.entryList = _List()
        self.entryList.currentRowChanged.connect(self._show_current)
        self._buttons = {
            "+": self._button("+", f"Add one more {what}, after the selected one", self.add),
            "−": self._button("−", f"Remove the selected {what}", self.remove),
            "↑": self._button("↑", "Earlier", lambda: self.move(-1)),
            "↓": self._button("↓", "Later", lambda: self.move(1)),
        }
        self._build()
        self.add()

    def value(self) -> tuple[Settings, ...]:
        """All entries in their order.

        Raises
        ------
        SettingsError
            If the fields of one do not fit together.
        """
        return tuple(chooser.value() for chooser in self._choosers)

    def setValue(self, entries: Sequence[Settings]) -> None:
        """Show these entries, at least one, in place of what is shown."""
        for chooser in self._choosers:
            self._forget(chooser)
        self._choosers = [self._make_chooser(entry) for entry in entries]
        self._show(0)

    def add(self) -> None:
        """Add an entry of the first class that is not there yet, after the selected one."""
        present = [chooser.form().settings_class for chooser in self._choosers]
        # Whoever adds a noise mostly wants one of another kind.
        missing = [cls for cls in self._classes if cls not in present]
        row = self.entryList.currentRow() + 1
        self._choosers.insert(row, self._make_chooser((missing or self._classes)[0]()))
        self._show(row)

    def remove(self) -> None:
        """Remove the selected entry, unless it is the last one."""
        # An empty list would be no noise model, and the form below it empty.
        if len(self._choosers) > 1:
            row = self.entryList.currentRow()
            self._forget(self._choosers.pop(row))
            self._show(min(row, len(self._choosers) - 1))

    def move(self, step: int) -> None:
        """Exchange the selected entry with the one `step` rows below."""
        row = self.entryList.currentRow()
        if 0 <= row + step < len(self._choosers):
            self._choosers.insert(row + step, self._choosers.pop(row))
            self._show(row + step)

    def chooser(self, row: int) -> SettingsChooser:
        """What edits an entry."""
        return self._choosers[row]

    def _build(self) -> None:
        buttons = QVBoxLayout()
        buttons.setSpacing(2)
        for button in self._buttons.values():
            buttons.addWidget(button)
        buttons.addStretch()
        upper = QHBoxLayout()
        upper.addWidget(self.entryList)
        upper.addLayout(buttons)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addLayout(upper)

    def _button(self, text: str, tip: str, slot: Callable[[], None]) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setToolTip(tip)
        # Four of them stand beside a list of four rows, as high as it is.
        button.setFixedSize(24, 20)
        button.clicked.connect(lambda _=False: slot())
        return button

    def _make_chooser(self, entry: Settings) -> SettingsChooser:
        chooser = SettingsChooser(self._classes)
        chooser.setValue(entry)
        # Shown by `_show_current`; laid out visibly it would flash up for a moment.
        chooser.hide()
        chooser.valueChanged.connect(self._on_entry_changed)
        self._layout.addWidget(chooser)
        return chooser

    def _forget(self, chooser: SettingsChooser) -> None:
        chooser.hide()
        # Taken out now and deleted later: it may be the one whose signal led here.
        self._layout.removeWidget(chooser)
        chooser.deleteLater()

    def _on_entry_changed(self) -> None:
        self._show(self.entryList.currentRow())

    def _show(self, row: int) -> None:
        """Show the entries as they are now, with this row selected."""
        # Emptied and filled, the list would tell of selections that nobody made.
        with QSignalBlocker(self.entryList):
            self.entryList.clear()
            titles = [chooser.title for chooser in self._choosers]
            self.entryList.addItems([f"{i + 1}. {title}" for i, title in enumerate(titles)])
            self.entryList.setCurrentRow(row)
        self.entryList.updateGeometry()
        self._show_current()
        self.valueChanged.emit()

    def _show_current(self) -> None:
        row, last = self.entryList.currentRow(), len(self._choosers) - 1
        for i, chooser in enumerate(self._choosers):
            chooser.setVisible(i == row)
        self._buttons["−"].setEnabled(last > 0)
        self._buttons["↑"].setEnabled(row > 0)
        self._buttons["↓"].setEnabled(row < last)


class _List(QListWidget):
    """As high as its rows, within reason."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)

    def sizeHint(self) -> QSize:
        row_height = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height()
        # At least as high as the four buttons beside it.
        n_shown = min(max(self.count(), 4), _MAX_ROWS)
        return QSize(super().sizeHint().width(), n_shown * row_height + 2 * self.frameWidth() + 4)
