"""The numbers of a comparison: a table that grows, with the columns and rows one asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QVBoxLayout, QWidget

from napari_denoise._napari.compare.measuring import Measured, measure
from napari_denoise._napari.compare.subjects import Subjects
from napari_denoise._napari.shared.dock import Task
from napari_denoise._qt.run_bar import RunBar
from napari_denoise._qt.table import Column, ResultTable
from napari_denoise.evaluation import EACH_PLANE
from napari_denoise.metrics import QUANTITIES

__all__ = ["NumbersPage"]

_WORDS = {"T": "frame", "C": "channel", "Z": "plane along Z", "S": "sample"}
_COLUMNS = (
    Column("layer", "Layer"),
    Column("part", "Part", None, "Position along an axis, counted from 0.", is_narrow=True),
    *(
        Column(q.key, q.title, q.n_decimals, q.meaning, is_narrow=True, is_shown=q.is_main)
        for q in QUANTITIES
    ),
    Column("reference", "Reference", tooltip="What PSNR, SSIM and the other scores are against."),
    Column("noisy", "Noisy image", tooltip="What the residual and the intensities are against."),
)


class NumbersPage(QWidget):
    """Measure, and a table of what was found.

    Parameters
    ----------
    make_run_bar : callable
        As :meth:`~napari_denoise._napari.shared.dock.ViewerDock.makeRunBar`.
    subjects : callable
        Reads from the dock what is to be compared.
    """

    measured = Signal(object)
    """What the last click on Measure gave, a tuple of `Measured`."""

    def __init__(
        self, make_run_bar: Callable[..., RunBar], subjects: Callable[[], Subjects]
    ) -> None:
        super().__init__()
        self._subjects = subjects
        self._axes = ""
        self._rows = QComboBox()
        self._rows_row = QWidget()
        self.table = ResultTable(_COLUMNS)
        self.run_bar = make_run_bar(self._prepare, run_text="Measure")
        self._build()
        self.setAxes("")

    def setAxes(self, axes: str) -> None:
        """Offer a row for each position along one of these axes."""
        if axes == self._axes and self._rows.count():
            return
        chosen, self._axes = self._rows.currentData(), axes
        self._rows.clear()
        self._rows.addItem("one per layer", "")
        for letter in axes:
            self._rows.addItem(f"one per {_WORDS[letter]}", letter)
        if len(axes) > 1:
            self._rows.addItem("one per single plane", EACH_PLANE)
        self._rows.setCurrentIndex(max(self._rows.findData(chosen), 0))
        self._rows_row.setVisible(bool(axes))

    def _build(self) -> None:
        self._rows.setToolTip("Scores of the whole layer, or of each part of it.")
        row = QFormLayout(self._rows_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        row.addRow("Rows", self._rows)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.addWidget(self._rows_row)
        layout.addWidget(self.run_bar)
        layout.addWidget(self.table, 1)

    def _prepare(self) -> Task:
        subjects = self._subjects()
        per = self._rows.currentData() or ""
        return Task(
            partial(measure, subjects, self.table.shownColumns()),
            partial(self._show, subjects, per),
        )

    def _show(self, subjects: Subjects, per: str, found: tuple[Measured, ...]) -> None:
        companions = {
            "reference": subjects.clean.name if subjects.clean else None,
            "noisy": subjects.noisy.name if subjects.noisy else None,
        }
        for each in found:
            if each.assessment is None:
                self.run_bar.showNotice(f"{each.name}: {each.error}")
                continue
            for part, values in each.assessment.rows(per):
                self.table.addRow({"layer": each.name, "part": part, **values, **companions})
            self._warn(each)
        self.measured.emit(found)

    def _warn(self, each: Measured) -> None:
        assessment = each.assessment
        if assessment is None:
            return
        if assessment.photometry and not assessment.photometry.is_safe:
            self.run_bar.showNotice(f"{each.name}: {assessment.photometry.reason}")
        for reason in assessment.missing.values():
            self.run_bar.showNotice(f"{each.name}: {reason}")
