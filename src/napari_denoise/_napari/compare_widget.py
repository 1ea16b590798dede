"""The Compare dock: layers against a reference, in numbers and side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from napari_denoise._napari.choosers import LayerChecklist, LayerChooser
from napari_denoise._napari.dock import Task, ViewerDock
from napari_denoise._napari.layers import Source, read_layer, refusal
from napari_denoise._napari.measuring import measure
from napari_denoise._napari.side_by_side import SideBySide
from napari_denoise._qt.number_box import NumberBox
from napari_denoise._qt.table import Column, ResultTable
from napari_denoise.errors import InputError
from napari_denoise.intensities import dtype_range
from napari_denoise.metrics import Scores
from napari_denoise.settings import SettingField

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["CompareWidget", "DataRange"]

_MIN_WIDTH = 345
"""Pixels; in these the table shows a name with its three numbers."""

_COLUMNS = (
    Column("layer", "Layer"),
    Column("psnr_db", "PSNR dB", 2, "Peak signal-to-noise ratio; higher is better."),
    Column("ssim", "SSIM", 3, "Structural similarity, 1 for equal images; higher is better."),
    Column("nrmse", "NRMSE", 3, "Root mean square error over the reference's; lower is better."),
    Column("data_range", "Range", 0, "The data range that PSNR and SSIM are given for."),
    Column("reference", "Reference"),
)


class CompareWidget(ViewerDock):
    """A reference, layers to measure against it, a table, and a grid with one contrast."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        layers = napari_viewer.layers
        reference = LayerChooser(layers)
        self._reference = self.closing(reference, reference.close_watch)
        images = LayerChecklist(layers, tick_new=lambda _layer: True)
        self._images = self.closing(images, images.close_watch)
        self._range = DataRange()
        self._side_by_side = SideBySide(napari_viewer)
        self._side_button = QPushButton("Side by side")
        self.closing(self._side_button, self._side_by_side.hide)
        self._table = ResultTable(_COLUMNS)
        self._run_bar = self.makeRunBar(self._prepare, run_text="Measure")
        self._build()
        self._connect()
        self._on_layers_changed()

    @property
    def is_measuring(self) -> bool:
        """Whether numbers are still to come."""
        return self._run_bar.is_running

    def setReference(self, layer: Image) -> None:
        """Choose the layer to measure against."""
        self._reference.setLayer(layer)

    def setDataRange(self, data_range: float) -> None:
        """Choose the range PSNR and SSIM are given for, in the images' units."""
        self._range.setValue(data_range)

    def showSideBySide(self) -> None:
        """Show the reference and the ticked layers in a grid."""
        self._side_button.setChecked(True)

    def measure(self) -> None:
        """Add a row for each ticked layer, as a click on Measure does."""
        self._run_bar.run()

    def _build(self) -> None:
        self.setMinimumWidth(_MIN_WIDTH)
        self._side_button.setCheckable(True)
        self._side_button.setToolTip(
            "Show the reference and the ticked layers in a grid, with names and the reference's "
            "contrast locked across all. Click again to get the previous view back."
        )
        self.addRow("Reference", self._reference, "The clean image, or what stands for it.")
        self.addHeading("Layers to compare with it")
        self.addWidget(self._images)
        self.addWidget(self._side_button)
        self.addHeading("Data range")
        self.addWidget(self._range)
        self.addWidget(self._run_bar)
        self.addWidget(self._table, stretch=1)

    def _connect(self) -> None:
        self._reference.layerChanged.connect(self._on_layers_changed)
        self._images.checkedChanged.connect(self._on_layers_changed)
        self._side_button.toggled.connect(self._on_side_button_toggled)

    def _on_layers_changed(self) -> None:
        """Refuse what cannot be compared, and keep the grid in step."""
        reference = self._reference.layer()
        self._images.setLeftOut(reference)
        self._images.setRefusals(partial(_refusal, reference))
        self._range.setReference(reference)
        is_ready = bool(reference and self._images.layers())
        reason = "" if is_ready else "Tick a layer of the same shape as the reference."
        self._run_bar.setRunEnabled(is_ready, reason)
        self._side_button.setEnabled(is_ready or self._side_by_side.is_shown)
        if self._side_by_side.is_shown:
            self._side_button.setChecked(is_ready)
            self._on_side_button_toggled(is_on=is_ready)

    def _on_side_button_toggled(self, is_on: bool) -> None:  # noqa: FBT001
        reference = self._reference.layer()
        if is_on and reference is not None:
            self._side_by_side.show([reference, *self._images.layers()], reference)
        else:
            self._side_by_side.hide()

    def _prepare(self) -> Task:
        reference = self._reference.layer()
        if reference is None:
            raise InputError("There is no image layer. Open or add images first.")
        clean, images = read_layer(reference), [read_layer(a) for a in self._images.layers()]
        make_job = partial(measure, clean, images, data_range=self._range.value())
        return Task(make_job, partial(self._add_rows, clean, images))

    def _add_rows(self, clean: Source, images: Sequence[Source], scores: Sequence[Scores]) -> None:
        for image, score in zip(images, scores, strict=True):
            self._table.addRow(
                {
                    "layer": image.name,
                    "psnr_db": score.psnr,
                    "ssim": score.ssim,
                    "nrmse": score.nrmse,
                    "data_range": score.data_range,
                    "reference": clean.name,
                }
            )


def _refusal(reference: Image | None, layer: Image) -> str:
    """Why a layer cannot be compared with the reference; empty if it can."""
    if reason := refusal(layer):
        return reason
    if reference is not None and not refusal(reference):
        own, other = read_layer(layer).shape, read_layer(reference).shape
        if own != other:
            return f"Its shape is {own}, the reference's is {other}."
    return ""


class DataRange(QWidget):
    """The range PSNR and SSIM are given for: of the type, of the reference, or one's own."""

    _TYPE, _REFERENCE, _OWN = range(3)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dtype: np.dtype | None = None
        self._choice = QComboBox()
        self._choice.addItems(["type", "maximum − minimum of the reference", "a value of my own"])
        self._choice.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._number = NumberBox(
            SettingField(
                name="data_range",
                type="float",
                default=1.0,
                description="",
                minimum=0.0,
                exclusive_minimum=True,
            )
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._choice, 3)
        layout.addWidget(self._number, 2)
        self.setToolTip(
            "The difference of the largest and smallest possible intensity. PSNR and SSIM mean "
            "nothing without it; quote it with them."
        )
        self._choice.currentIndexChanged.connect(self._on_choice_changed)
        self._on_choice_changed()

    def setReference(self, layer: Image | None) -> None:
        """Offer what goes with the reference's type: 255 for a byte, the measured range else."""
        dtype = np.dtype(layer.dtype) if layer is not None else None
        if dtype == self._dtype:
            return
        self._dtype = dtype
        limits = dtype_range(dtype) if dtype is not None else None
        text = f"all values of {dtype}" if limits else "all values of the type"
        self._choice.setItemText(self._TYPE, text)
        self._choice.model().item(self._TYPE).setEnabled(limits is not None)
        is_byte = dtype is not None and dtype.itemsize == 1 and limits is not None
        self._choice.setCurrentIndex(self._TYPE if is_byte else self._REFERENCE)
        self._on_choice_changed()

    def value(self) -> float | None:
        """The range; None to measure it on the reference."""
        return (
            None if self._choice.currentIndex() == self._REFERENCE else float(self._number.value())
        )

    def setValue(self, data_range: float) -> None:
        """Choose a range of one's own."""
        self._choice.setCurrentIndex(self._OWN)
        self._number.setValue(data_range)

    def _on_choice_changed(self) -> None:
        choice = self._choice.currentIndex()
        limits = dtype_range(self._dtype) if self._dtype is not None else None
        if choice == self._TYPE and limits:
            self._number.setValue(limits[1] - limits[0])
        self._number.setVisible(choice != self._REFERENCE)
        self._number.setReadOnly(choice == self._TYPE)
