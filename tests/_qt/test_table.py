import csv
import math

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton

from napari_denoise._qt.table import Column, ResultTable
from napari_denoise.core.errors import FileError

ROWS = [
    {"image": "fish · N2V", "psnr_db": 31.0345678, "n": 10},
    {"image": "beads", "psnr_db": 9.5, "n": 9},
    {"image": "Actin, raw", "psnr_db": math.inf, "n": 100},
    {"image": "cells", "psnr_db": None},
    {"image": "nuclei", "psnr_db": math.nan, "n": 2},
]


@pytest.fixture
def table(qtbot):
    table = ResultTable(
        [Column("image", "Image"), Column("psnr_db", "PSNR (dB)", 2, "Peak"), Column("n", "N", 0)]
    )
    qtbot.addWidget(table)
    for row in ROWS:
        table.addRow(row)
    return table


def click_header(table, column):
    table.view.horizontalHeader().sectionClicked.emit(column)
    order = table.view.horizontalHeader().sortIndicatorOrder()
    flipped = {Qt.SortOrder.AscendingOrder: Qt.SortOrder.DescendingOrder}.get(
        order, Qt.SortOrder.AscendingOrder
    )
    is_same = table.view.horizontalHeader().sortIndicatorSection() == column
    table.view.sortItems(column, flipped if is_same else Qt.SortOrder.AscendingOrder)


def test_rows_accumulate_in_the_order_they_came(table):
    assert table.texts("image") == [row["image"] for row in ROWS]
    assert table.rows()[0] == ROWS[0]
    assert table.rows()[3] == {"image": "cells", "psnr_db": None, "n": None}
    assert [column.key for column in table.columns] == ["image", "psnr_db", "n"]


def test_numbers_are_rounded_for_the_eye_only(table):
    assert table.texts("psnr_db") == ["31.03", "9.50", "∞", "–", "–"]
    assert table.texts("n") == ["10", "9", "100", "–", "2"]
    assert table.view.item(0, 1).toolTip() == "31.0345678"


def test_numbers_stand_at_the_right_and_words_at_the_left(table):
    sides = [table.view.item(3, column).textAlignment() for column in range(3)]
    right, left = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft
    assert [Qt.AlignmentFlag(side) & (right | left) for side in sides] == [left, right, right]


def test_minus_infinity_has_a_sign(table):
    table.addRow({"psnr_db": -math.inf})
    assert table.texts("psnr_db")[-1] == "−∞"


def test_numbers_are_sorted_by_value_and_what_is_missing_stands_apart(table):
    table.view.sortItems(1, Qt.SortOrder.AscendingOrder)
    assert table.texts("psnr_db") == ["–", "–", "9.50", "31.03", "∞"]
    table.view.sortItems(2, Qt.SortOrder.DescendingOrder)
    assert table.texts("n") == ["100", "10", "9", "2", "–"]


def test_words_are_sorted_without_regard_to_case(table):
    table.view.sortItems(0, Qt.SortOrder.AscendingOrder)
    assert table.texts("image") == ["Actin, raw", "beads", "cells", "fish · N2V", "nuclei"]


def test_a_new_row_finds_its_place_in_a_sorted_table(table):
    table.view.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    table.addRow({"image": "new", "psnr_db": 1.0, "n": 50})
    assert table.texts("n") == ["–", "2", "9", "10", "50", "100"]
    assert table.rows()[4] == {"image": "new", "psnr_db": 1.0, "n": 50}


def test_all_rows_are_copied_if_none_is_selected(table):
    table.copyButton.click()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0] == "Image\tPSNR (dB)\tN"
    assert lines[1] == "fish · N2V\t31.0345678\t10"
    assert lines[4] == "cells\t\t"
    assert len(lines) == 6


def test_ctrl_c_copies_the_selected_rows(qtbot, table):
    table.view.selectRow(1)
    qtbot.keyClick(table.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "Image\tPSNR (dB)\tN\nbeads\t9.5\t9\n"


def test_selected_rows_are_removed_by_button_or_key(qtbot, table):
    assert not table.removeButton.isEnabled()
    table.view.selectRow(1)
    with qtbot.waitSignal(table.changed):
        table.removeButton.click()
    assert table.texts("image") == ["fish · N2V", "Actin, raw", "cells", "nuclei"]
    table.view.selectRow(0)
    qtbot.keyClick(table.view, Qt.Key.Key_Delete)
    assert table.texts("image") == ["Actin, raw", "cells", "nuclei"]
    qtbot.keyClick(table.view, Qt.Key.Key_Down)
    assert len(table.rows()) == 3


def test_clear_empties_the_table_and_disables_the_buttons(qtbot, table):
    with qtbot.waitSignal(table.changed):
        table.clearButton.click()
    assert table.rows() == []
    buttons = (table.copyButton, table.saveButton, table.removeButton, table.clearButton)
    assert not any(button.isEnabled() for button in buttons)


def test_a_saved_file_has_all_digits_and_reads_back(table, tmp_path):
    table.saveCsv(tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"image": "fish · N2V", "psnr_db": "31.0345678", "n": "10"}
    assert rows[2] == {"image": "Actin, raw", "psnr_db": "inf", "n": "100"}
    assert rows[3] == {"image": "cells", "psnr_db": "", "n": ""}


def test_a_file_that_cannot_be_written_is_an_error_in_words(table, tmp_path):
    with pytest.raises(FileError, match=r"could not be written \(No such file or directory\)"):
        table.saveCsv(tmp_path / "missing" / "results.csv")


def test_save_asks_for_a_path_and_adds_the_ending(table, tmp_path, monkeypatch):
    answers = iter(["", str(tmp_path / "mine"), str(tmp_path / "missing" / "mine.csv")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (next(answers), ""))
    table.saveButton.click()
    assert list(tmp_path.iterdir()) == []
    table.saveButton.click()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    table.saveButton.click()
    words = [label.text() for label in table.findChildren(QLabel) if not label.isHidden()]
    assert "could not be written" in words[0]


@pytest.fixture
def choosable(qtbot):
    columns = [
        Column("image", "Image"),
        Column("psnr_db", "PSNR", 2),
        Column("note", "Note"),
        Column("slope", "Slope", 3, is_shown=False),
    ]
    table = ResultTable(columns)
    qtbot.addWidget(table)
    return table


def test_a_column_without_values_gives_its_place_to_others(choosable):
    assert choosable.visibleColumns() == ("image", "psnr_db", "note")
    choosable.addRow({"image": "fish", "psnr_db": 30.0, "slope": 1.0})
    assert choosable.visibleColumns() == ("image", "psnr_db")
    choosable.addRow({"image": "mice", "psnr_db": math.nan, "note": "blurred"})
    assert choosable.visibleColumns() == ("image", "psnr_db", "note")
    choosable.clear()
    assert choosable.visibleColumns() == ("image", "psnr_db", "note")


def test_the_user_chooses_columns_in_a_menu_that_stays_open(qtbot, choosable):
    choosable.addRow({"image": "fish", "psnr_db": 30.0, "slope": 1.0})
    menu = next(b for b in choosable.findChildren(QPushButton) if b.menu()).menu()
    slope = menu.actions()[3]
    menu.popup(choosable.pos())
    with qtbot.waitSignal(choosable.columnsChanged):
        qtbot.mouseMove(menu, menu.actionGeometry(slope).center())
        menu.setActiveAction(slope)
        place = menu.actionGeometry(slope).center()
        qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)
    assert menu.isVisible()
    menu.close()
    assert choosable.visibleColumns() == ("image", "psnr_db", "slope")
    choosable.setShownColumns(["image", "slope"])
    assert choosable.shownColumns() == ("image", "slope")
    assert choosable.visibleColumns() == ("image", "slope")


def test_what_is_shown_is_copied_and_everything_is_saved(choosable, tmp_path):
    choosable.addRow({"image": "fish", "psnr_db": 30.0, "slope": 1.0})
    choosable.copy()
    assert QApplication.clipboard().text() == "Image\tPSNR\nfish\t30.0\n"
    choosable.saveCsv(tmp_path / "t.csv")
    header = (tmp_path / "t.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert header == "image,psnr_db,note,slope"


def test_a_table_whose_columns_are_all_shown_has_no_chooser(table):
    assert [b.text() for b in table.findChildren(QPushButton) if b.menu()] == []
