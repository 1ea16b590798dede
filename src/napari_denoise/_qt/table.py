"""A table of results that grows, sorts by value, and leaves as text or CSV."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._qt.check_menu import CheckItem, CheckMenu
from napari_denoise._qt.message import ErrorMessage
from napari_denoise._qt.saving import save_where_asked
from napari_denoise._qt.table_cell import Cell, Column, is_missing
from napari_denoise.core.csv_table import save_csv, to_text

__all__ = ["Column", "ResultTable"]

# Pixels: the header and about three rows, so that results can be compared without scrolling.
_MIN_HEIGHT = 120
# Pixels of a column of text at first: in a narrow dock a name must not give way to all numbers.
_TEXT_WIDTH = 110
_MIN_COLUMN_WIDTH = 48
_ARROW_WIDTH = 18


class ResultTable(QWidget):
    """Rows of results, the newest last until a click on a header sorts them.

    A column that no row has a value for stays hidden as long as there are rows.

    Attributes
    ----------
    view : QTableWidget
        The cells, for selecting and sorting rows.
    copyButton, saveButton, removeButton, clearButton : QPushButton
    """

    changed = Signal()
    columnsChanged = Signal()
    """The user has chosen other columns."""

    def __init__(self, columns: Sequence[Column], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns = tuple(columns)
        self._menu = CheckMenu(CheckItem(c.key, c.title, c.tooltip) for c in self._columns)
        self._menu.setValue([column.key for column in self._columns if column.is_shown])
        self._menu.valueChanged.connect(self._on_menu_changed)
        self._build()
        self._update()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, from left to right."""
        return self._columns

    def shownColumns(self) -> tuple[str, ...]:
        """Keys of the columns the user wants to see, those without values included."""
        return self._menu.value()

    def visibleColumns(self) -> tuple[str, ...]:
        """Keys of the columns that can be seen now, from left to right."""
        return tuple(c.key for i, c in enumerate(self._columns) if not self.view.isColumnHidden(i))

    def setShownColumns(self, keys: Collection[str]) -> None:
        """Choose the columns to see."""
        self._menu.setValue(keys)

    def addRow(self, values: Mapping[str, Any]) -> None:
        """Add a row: a value per column key; a missing one is shown as "–"."""
        # Else the row moves as soon as its first cell is set, and the others land in another row.
        self.view.setSortingEnabled(False)
        row = self.view.rowCount()
        self.view.insertRow(row)
        cells = [Cell(values.get(column.key), column) for column in self._columns]
        for index, cell in enumerate(cells):
            self.view.setItem(row, index, cell)
        # Sorting may move the row to where it belongs.
        self.view.setSortingEnabled(True)
        self.view.scrollToItem(cells[0])
        self._update()
        self.changed.emit()

    def rows(self) -> list[dict[str, Any]]:
        """All rows as they are sorted, with their values as given."""
        return [self._row(index) for index in range(self.view.rowCount())]

    def texts(self, key: str) -> list[str]:
        """What the cells of one column say, from top to bottom."""
        index = [column.key for column in self._columns].index(key)
        return [self.view.item(row, index).text() for row in range(self.view.rowCount())]

    def errorText(self) -> str:
        """Why the last attempt to save failed; empty if it did not."""
        return self._error.text()

    def removeSelectedRows(self) -> None:
        """Take the selected rows out."""
        # From the end, because each removal moves the rows below it.
        for index in sorted(self._selected(), reverse=True):
            self.view.removeRow(index)
        self._update()
        self.changed.emit()

    def clear(self) -> None:
        """Take all rows out."""
        self.view.setRowCount(0)
        self._update()
        self.changed.emit()

    def copy(self) -> None:
        """Put the selected rows, or all if none is, on the clipboard for a spreadsheet."""
        indices = sorted(self._selected()) or range(self.view.rowCount())
        places = [i for i in range(len(self._columns)) if not self.view.isColumnHidden(i)]
        titles = [self._columns[place].title for place in places]
        rows = [[self.view.item(index, place).value for place in places] for index in indices]
        QApplication.clipboard().setText(to_text(titles, rows))

    def saveCsv(self, path: Path) -> None:
        """Write all rows as CSV, with the columns' keys as header and all digits.

        Raises
        ------
        FileError
            If the file cannot be written.
        """
        keys = [column.key for column in self._columns]
        save_csv(path, keys, [row.values() for row in self.rows()])

    def _row(self, index: int) -> dict[str, Any]:
        cells = (self.view.item(index, column) for column in range(len(self._columns)))
        return {c.key: cell.value for c, cell in zip(self._columns, cells, strict=True)}

    def _selected(self) -> set[int]:
        return {index.row() for index in self.view.selectionModel().selectedRows()}

    def _build(self) -> None:
        self.view = _Table(self._columns)
        self.view.copyRequested.connect(self.copy)
        self.view.removeRequested.connect(self.removeSelectedRows)
        self.view.itemSelectionChanged.connect(self._on_selection_changed)
        self._error = ErrorMessage()
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        self.copyButton = _narrow_button(
            "Copy", "Copy the selected rows, or all, for a spreadsheet", self.copy
        )
        self.saveButton = _narrow_button("Save…", "Save all rows as CSV", self._on_save_clicked)
        self.removeButton = _narrow_button(
            "Remove", "Remove the selected rows", self.removeSelectedRows
        )
        self.clearButton = _narrow_button("Clear", "Remove all rows", self.clear)
        for button in (self.copyButton, self.saveButton, self.removeButton, self.clearButton):
            buttons.addWidget(button)
        if not all(column.is_shown for column in self._columns):
            chooser = _narrow_button("More", "Choose which columns to see")
            chooser.setMenu(self._menu)
            # Room for the arrow of the menu.
            chooser.setMinimumWidth(chooser.minimumWidth() + _ARROW_WIDTH)
            buttons.addWidget(chooser)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        layout.addLayout(buttons)
        layout.addWidget(self._error)

    def _update(self) -> None:
        rows, shown = self.rows(), self._menu.value()
        for index, column in enumerate(self._columns):
            is_empty = bool(rows) and all(is_missing(row[column.key]) for row in rows)
            self.view.setColumnHidden(index, is_empty or column.key not in shown)
        self._on_selection_changed()

    def _on_menu_changed(self) -> None:
        self._update()
        self.columnsChanged.emit()

    def _on_selection_changed(self) -> None:
        has_rows = self.view.rowCount() > 0
        for button in (self.copyButton, self.saveButton, self.clearButton):
            button.setEnabled(has_rows)
        self.removeButton.setEnabled(bool(self._selected()))

    def _on_save_clicked(self) -> None:
        self._error.clear()
        save_where_asked(
            self,
            self.saveCsv,
            title="Save results",
            name="results.csv",
            refuse=lambda error: self._error.showError(error, ""),
        )


class _Table(QTableWidget):
    """The table itself: whole rows, not editable, with the usual keys."""

    copyRequested = Signal()
    removeRequested = Signal()

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__(0, len(columns))
        for index, column in enumerate(columns):
            title = QTableWidgetItem(column.title)
            title.setToolTip(column.tooltip)
            self.setHorizontalHeaderItem(index, title)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        # Of "<source> · <method>" both ends tell rows apart.
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setMinimumHeight(_MIN_HEIGHT)
        self.verticalHeader().hide()
        self._set_up_header(columns)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copyRequested.emit()
        elif event.matches(QKeySequence.StandardKey.Delete):
            self.removeRequested.emit()
        else:
            super().keyPressEvent(event)

    def _set_up_header(self, columns: Sequence[Column]) -> None:
        header = self.horizontalHeader()
        header.setMinimumSectionSize(_MIN_COLUMN_WIDTH)
        header.setHighlightSections(False)
        font = header.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        header.setFont(font)
        # Rows stay in the order they came until a header is clicked.
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        modes = QHeaderView.ResizeMode
        for index, column in enumerate(columns):
            is_text = column.n_decimals is None and not column.is_narrow
            header.setSectionResizeMode(
                index, modes.Interactive if is_text else modes.ResizeToContents
            )
            if is_text:
                header.resizeSection(index, _TEXT_WIDTH)
        header.setStretchLastSection(columns[-1].n_decimals is None)


def _narrow_button(text: str, tooltip: str, slot: Callable[[], None] | None = None) -> QPushButton:
    """A button that asks for no more than its words: five must fit into a dock."""
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    if slot is not None:
        button.clicked.connect(slot)
    button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text) + 12)
    return button
