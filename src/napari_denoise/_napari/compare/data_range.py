"""The data range: part of every PSNR and SSIM, and chosen by the user."""

from __future__ import annotations

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from napari_denoise._qt.number_box import NumberBox
from napari_denoise.core.dtype import dtype_range
from napari_denoise.core.settings import SettingField

__all__ = ["DataRange"]


class DataRange(QWidget):
    """The range PSNR and SSIM are given for: of the type, of the reference, or one's own."""

    _TYPE, _REFERENCE, _OWN = range(3)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dtype: np.dtype | None = None
        self._choice = QComboBox()
        self._choice.addItems(["type", "max − min", "own value"])
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
            "The difference of the largest and smallest possible intensity: of the type, of the "
            "reference (max − min), or a value of your own. PSNR and SSIM mean nothing without it; "
            "quote it with them."
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
        text = f"all of {dtype}" if limits else "all of the type"
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
