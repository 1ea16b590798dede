"""What a table's columns are, and how one value is shown and sorted in its cell."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf, isnan
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTableWidgetItem

__all__ = ["Cell", "Column", "is_missing"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a :class:`ResultTable`.

    Attributes
    ----------
    key : str
        Names the value in a row, and the column in a file (``"psnr_db"``).
    title : str
        What the header shows ("PSNR (dB)").
    n_decimals : int or None
        Digits shown behind the point, for numbers; files and clipboard get all digits.
    tooltip : str
        What the column means.
    is_narrow : bool
        Whether words take no more room than they need, as numbers do.
    is_shown : bool
        Whether it is shown until the user chooses. A table with columns that are not has a menu
        for choosing; files have all columns.
    """

    key: str
    title: str
    n_decimals: int | None = None
    tooltip: str = ""
    is_narrow: bool = False
    is_shown: bool = True


class Cell(QTableWidgetItem):
    """Shows a value rounded, and sorts by what it is; missing values come before all others."""

    def __init__(self, value: Any, column: Column) -> None:
        super().__init__(_shown(value, column))
        self.value = value
        is_number = isinstance(value, int | float) or column.n_decimals is not None
        side = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
        self.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        # All digits, where they cost no room.
        self.setToolTip("" if value is None else str(value))

    def __lt__(self, other: QTableWidgetItem) -> bool:
        return _rank(self.value) < _rank(other.value) if isinstance(other, Cell) else False


def is_missing(value: Any) -> bool:
    """Whether there is nothing to show: no value, an empty text, or not a number."""
    return value is None or value == "" or (isinstance(value, float) and isnan(value))


def _rank(value: Any) -> tuple[int, float, str]:
    # What is missing has a place of its own: NaN is neither above nor below any number, and would
    # leave the others unsorted.
    if value is None or (isinstance(value, float) and isnan(value)):
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, float(value), ""
    return 2, 0.0, str(value).casefold()


def _shown(value: Any, column: Column) -> str:
    if value is None or (isinstance(value, float) and isnan(value)):
        return "–"
    if isinstance(value, float) and isinf(value):
        return "∞" if value > 0 else "−∞"
    if isinstance(value, float) and column.n_decimals is not None:
        return f"{value:.{column.n_decimals}f}"
    return str(value)
