"""Which layers are compared with which, and the data range that goes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image as ImageLayer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from napari_denoise._napari.compare.comparison import (
    Comparison,
    guess_noisy,
    guess_reference,
    is_map,
    reason_against,
)
from napari_denoise._napari.shared.choosers import LayerChecklist, LayerChooser
from napari_denoise._napari.shared.dock import Page
from napari_denoise._qt.number_box import NumberBox
from napari_denoise.core.dtype import dtype_range
from napari_denoise.core.errors import InputError
from napari_denoise.core.settings import SettingField

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["ComparisonChooser", "DataRange"]


class ComparisonChooser(Page):
    """A reference, the noisy image, and any number of layers to compare with them.

    Reference and noisy image are guessed as long as the user has not chosen them.

    Attributes
    ----------
    referenceChooser, noisyChooser : LayerChooser
    layerList : LayerChecklist
    dataRange : DataRange
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._layers = viewer.layers
        self.referenceChooser = LayerChooser(viewer.layers, none_text="none: measure without one")
        self.noisyChooser = LayerChooser(viewer.layers, none_text="none")
        self.layerList = LayerChecklist(viewer.layers, tick_new=lambda _layer: True)
        self.dataRange = DataRange()
        # Once the user has chosen, nothing is guessed any more, not even another "none".
        self._is_reference_chosen = self._is_noisy_chosen = False
        self._build()
        self._connect()
        self._on_layers_changed()

    def reference(self) -> ImageLayer | None:
        """The layer that the others are measured against."""
        return self.referenceChooser.layer()

    def setReference(self, layer: ImageLayer | None) -> None:
        """Choose the layer to measure against."""
        self._is_reference_chosen = True
        self.referenceChooser.setLayer(layer)

    def noisy(self) -> ImageLayer | None:
        """The layer that the others were made from."""
        return self.noisyChooser.layer()

    def setNoisy(self, layer: ImageLayer | None) -> None:
        """Choose the layer the others were made from."""
        self._is_noisy_chosen = True
        self.noisyChooser.setLayer(layer)

    def layers(self) -> list[ImageLayer]:
        """The layers to compare."""
        return self.layerList.layers()

    def value(self) -> Comparison:
        """What is chosen to be compared.

        Raises
        ------
        InputError
            If no layer is ticked.
        """
        others = self.layers()
        if not others:
            what = "ticked" if self._layers else "open"
            raise InputError(f"There is no image layer {what}. Open or tick one first.")
        reference = self.reference()
        # Without a reference there is no PSNR, and so nothing to give a range for.
        data_range = self.dataRange.value() if reference else None
        return Comparison.of(reference, self.noisy(), others, data_range)

    def shutdown(self) -> None:
        """Stop following the viewer."""
        for chooser in (self.referenceChooser, self.noisyChooser, self.layerList):
            chooser.shutdown()

    def _build(self) -> None:
        self.addRow(
            "Reference",
            self.referenceChooser,
            "The clean image, or a second exposure of the same scene. Without one, the noisy image "
            "tells what was taken out.",
        )
        self._range_row = self.addRow("Range", self.dataRange)
        self.addRow(
            "Made from",
            self.noisyChooser,
            "The noisy image that the layers were made from: for the residual, and for checking "
            "intensities.",
        )
        self.addHeading("Layers to compare")
        self.addWidget(self.layerList)

    def _connect(self) -> None:
        self.referenceChooser.layerChanged.connect(self._on_layers_changed)
        self.referenceChooser.activated.connect(self._on_reference_activated)
        self.noisyChooser.layerChanged.connect(self._on_layers_changed)
        self.noisyChooser.activated.connect(self._on_noisy_activated)
        self.layerList.checkedChanged.connect(self._on_layers_changed)

    def _on_reference_activated(self) -> None:
        self._is_reference_chosen = True

    def _on_noisy_activated(self) -> None:
        self._is_noisy_chosen = True

    def _guess(self) -> None:
        layers = [layer for layer in self._layers if isinstance(layer, ImageLayer)]
        # A guess that stands is kept: a clean image that is opened later must not take its place.
        if not self._is_reference_chosen and self.reference() is None:
            self.referenceChooser.setLayer(guess_reference(layers))
        if not self._is_noisy_chosen:
            # Guessed anew at each change: the noisy image of the result that came last.
            guess = guess_noisy(layers, self.layers())
            self.noisyChooser.setLayer(guess if guess is not self.reference() else None)

    def _on_layers_changed(self) -> None:
        """Refuse what cannot be compared."""
        self._guess()
        reference, noisy = self.reference(), self.noisy()
        self.layerList.setHiddenWhere(lambda layer: layer is reference or is_map(layer))
        self.layerList.setRefusals(lambda layer: reason_against(layer, (reference, noisy)))
        self.dataRange.setReference(reference)
        self._range_row.setVisible(reference is not None)
        self.changed.emit()


class DataRange(QWidget):
    """The range PSNR and SSIM are given for: of the type, of the reference, or one's own.

    Attributes
    ----------
    choiceBox : QComboBox
        Which of the three.
    numberBox : NumberBox
        The range itself, in the images' units.
    """

    # Places in the list.
    _TYPE, _REFERENCE, _OWN = range(3)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dtype: np.dtype | None = None
        self.choiceBox = QComboBox()
        self.choiceBox.addItems(["type", "max − min", "own value"])
        self.choiceBox.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.numberBox = NumberBox(
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
        layout.addWidget(self.choiceBox, 3)
        layout.addWidget(self.numberBox, 2)
        self.setToolTip(
            "The difference of the largest and smallest possible intensity: of the type, of the "
            "reference (max − min), or a value of your own. PSNR and SSIM mean nothing without it; "
            "quote it with them."
        )
        self.choiceBox.currentIndexChanged.connect(self._on_choice_changed)
        self._on_choice_changed()

    def setReference(self, layer: ImageLayer | None) -> None:
        """Offer what goes with the reference's type: 255 for a byte, the measured range else."""
        dtype = np.dtype(layer.dtype) if layer is not None else None
        # What the user chose for this type stays for another layer of the same type.
        if dtype == self._dtype:
            return
        self._dtype = dtype
        limits = dtype_range(dtype) if dtype is not None else None
        text = f"all of {dtype}" if limits else "all of the type"
        self.choiceBox.setItemText(self._TYPE, text)
        # Floats have no range of their own.
        self.choiceBox.model().item(self._TYPE).setEnabled(limits is not None)
        # All of a byte is what everybody quotes. 16 bits are hardly ever used to the full, and the
        # PSNR over all of them would look better than it is.
        is_byte = dtype is not None and dtype.itemsize == 1 and limits is not None
        self.choiceBox.setCurrentIndex(self._TYPE if is_byte else self._REFERENCE)
        self._on_choice_changed()

    def value(self) -> float | None:
        """The range; None to measure it on the reference."""
        return (
            None
            if self.choiceBox.currentIndex() == self._REFERENCE
            else float(self.numberBox.value())
        )

    def setValue(self, data_range: float) -> None:
        """Choose a range of one's own."""
        self.choiceBox.setCurrentIndex(self._OWN)
        self.numberBox.setValue(data_range)

    def _on_choice_changed(self) -> None:
        choice = self.choiceBox.currentIndex()
        limits = dtype_range(self._dtype) if self._dtype is not None else None
        if choice == self._TYPE and limits:
            self.numberBox.setValue(limits[1] - limits[0])
        self.numberBox.setVisible(choice != self._REFERENCE)
        # Shown all the same: a PSNR without its range cannot be compared.
        self.numberBox.setReadOnly(choice == self._TYPE)
