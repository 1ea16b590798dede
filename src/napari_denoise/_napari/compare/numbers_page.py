"""The numbers of a comparison: a table that grows, with the columns and rows one asks for."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from qtpy.QtWidgets import QComboBox, QFormLayout, QVBoxLayout, QWidget

from napari_denoise._napari.compare.chooser import ComparisonChooser
from napari_denoise._napari.compare.comparison import Comparison, Measured, data_range_job
from napari_denoise._napari.compare.view import View
from napari_denoise._napari.shared.dock import Task, ViewerDock
from napari_denoise._napari.shared.layers import read_layer, refusal
from napari_denoise._qt.run_bar import RunBar
from napari_denoise._qt.table import Column, ResultTable
from napari_denoise.core.axes import AXIS_WORDS
from napari_denoise.core.errors import DenoiseError, InputError
from napari_denoise.core.progress import Job, nested
from napari_denoise.evaluation import EACH_PLANE, assess_job, stack_of
from napari_denoise.metrics import EXTENDED, METRICS, QUANTITIES

__all__ = ["NumbersPage", "measure_job"]

# What tells rows apart first, then every number there is, and last what it was against: a file must
# say it, but in the dock the choosers above do.
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


def measure_job(comparison: Comparison, keys: Collection[str]) -> Job[tuple[Measured, ...]]:
    """Assess each layer; one that cannot be measured does not keep the others from it.

    Parameters
    ----------
    comparison : Comparison
    keys : collection of str
        Of the quantities that are wanted.

    Raises
    ------
    InputError
        If none can be measured.
    """
    # Once for all layers, and not once each.
    comparison = yield from data_range_job(comparison)
    wanted = [metric for metric in METRICS if any(q.key in keys for q in metric.quantities)]
    found: list[Measured] = []
    n_images = len(comparison.others)
    for i, image in enumerate(comparison.others):
        try:
            job = assess_job(
                image,
                clean=comparison.clean,
                noisy=comparison.noisy,
                data_range=comparison.data_range,
                metrics=wanted,
                is_extended=not EXTENDED.isdisjoint(keys),
            )
            share = i / n_images, (i + 1) / n_images
            assessment = yield from nested(job, *share, f"Measuring {image.name}")
        # One broken layer must not cost the numbers of the others.
        except DenoiseError as error:
            found.append(Measured(image.name, None, str(error)))
        else:
            found.append(Measured(image.name, assessment))
    # Nothing could be measured: that is an error, and mostly the same one for all layers.
    if found and all(each.assessment is None for each in found):
        raise InputError("\n".join(dict.fromkeys(each.error for each in found)))
    return tuple(found)


class NumbersPage(View):
    """Measure, and a table of what was found.

    Attributes
    ----------
    table : ResultTable
    rowsBox : QComboBox
        Whether a row stands for a layer, or for a part of it.
    """

    tab = "Numbers"

    def __init__(self, dock: ViewerDock, chooser: ComparisonChooser) -> None:
        super().__init__(dock, chooser)
        self._axes = ""
        self.rowsBox = QComboBox()
        self._rows_row = QWidget()
        self.table = ResultTable(_COLUMNS)
        self.runBar: RunBar = dock.makeRunBar(self._prepare, run_text="Measure")
        self._build()
        self.setAxes("")

    def refresh(self) -> None:
        """Offer rows for the axes of what is compared."""
        reference = self.chooser.reference()
        layers = [layer for layer in (reference, *self.chooser.layers()) if layer]
        shown = [layer for layer in layers if not refusal(layer)]
        self.setAxes(stack_of(read_layer(shown[0])).axes[:-2] if shown and reference else "")

    def setAxes(self, axes: str) -> None:
        """Offer a row for each position along one of these axes."""
        # The list may be open: filled anew with the same, it would close.
        if axes == self._axes and self.rowsBox.count():
            return
        # Kept by letter: per time point stays per time point when another film is compared.
        chosen, self._axes = self.rowsBox.currentData(), axes
        self.rowsBox.clear()
        self.rowsBox.addItem("one per layer", "")
        for letter in axes:
            self.rowsBox.addItem(f"one per {AXIS_WORDS[letter].one} ({letter})", letter)
        # With one axis its positions are the single planes.
        if len(axes) > 1:
            self.rowsBox.addItem("one per single plane", EACH_PLANE)
        self.rowsBox.setCurrentIndex(max(self.rowsBox.findData(chosen), 0))
        self._rows_row.setVisible(bool(axes))

    def _build(self) -> None:
        self.rowsBox.setToolTip("Scores of the whole layer, or of each part of it.")
        row = QFormLayout(self._rows_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        row.addRow("Rows", self.rowsBox)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._rows_row)
        layout.addWidget(self.runBar)
        layout.addWidget(self.table, 1)

    def _prepare(self) -> Task:
        comparison = self.chooser.value()
        per = self.rowsBox.currentData() or ""
        return Task(
            # Columns that are not shown are not measured: some take as long as all others together.
            partial(measure_job, comparison, self.table.shownColumns()),
            partial(self._show, comparison, per),
        )

    def _show(self, comparison: Comparison, per: str, found: tuple[Measured, ...]) -> None:
        # In each row: the table grows over many comparisons.
        companions = {
            "reference": comparison.clean.name if comparison.clean else None,
            "noisy": comparison.noisy.name if comparison.noisy else None,
        }
        for each in found:
            if each.assessment is None:
                self.runBar.showNotice(f"{each.name}: {each.error}")
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
            self.runBar.showNotice(f"{each.name}: {assessment.photometry.reason}")
        for reason in assessment.missing.values():
            self.runBar.showNotice(f"{each.name}: {reason}")
