import csv

import pytest
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_denoise._qt.fact_sheet import Fact, FactSheet

FACTS = [
    Fact("gain", 4.2718281828, "DN/e⁻", (4.1, 4.4), "Per electron."),
    Fact("offset", 12345.678, "DN"),
    Fact("saturated", 0.01234, "%"),
    Fact("correlation", -0.0891),
    Fact("signal lost", None, "%"),
]


@pytest.fixture
def sheet(qtbot):
    sheet = FactSheet()
    qtbot.addWidget(sheet)
    sheet.setValue(FACTS)
    return sheet


def test_facts_are_shown_rounded_with_unit_and_interval(sheet):
    shown = sheet.texts()
    assert shown[:3] == ["gain (DN/e⁻)", "<b>4.27</b>", "<small>4.1…4.4</small>"]
    assert "<b>12346</b>" in shown
    assert shown[5:7] == ["saturated (%)", "<b>1.2</b>"]
    assert shown[7:9] == ["correlation", "<b>−0.089</b>"]
    assert shown[-1] == "<b>–</b>"


def test_new_facts_replace_the_old_ones(sheet):
    sheet.setValue(FACTS[:1])
    assert sheet.texts() == ["gain (DN/e⁻)", "<b>4.27</b>", "<small>4.1…4.4</small>"]
    assert sheet.value() == tuple(FACTS[:1])


def test_all_digits_are_copied(sheet):
    sheet.copyButton.click()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[1] == "gain\t4.2718281828\t4.1\t4.4\tDN/e⁻"
    assert lines[3] == "saturated\t0.01234\t\t\t"
    assert lines[5] == "signal lost\t\t\t\t"


def test_saving_asks_for_a_path_and_says_what_went_wrong(sheet, tmp_path, monkeypatch):
    answers = iter(["", str(tmp_path / "mine"), str(tmp_path / "missing" / "mine.csv")])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (next(answers), ""))
    for _ in range(2):
        sheet.saveButton.click()
    with (tmp_path / "mine.csv").open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.DictReader(file))["value"] == "4.2718281828"
    sheet.saveButton.click()
    assert "could not be written" in sheet.errorText()
