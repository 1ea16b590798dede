"""How a trained model is to be applied: which of its images is wanted, and its settings."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_denoise._qt.form import SettingsForm
from napari_denoise.learning.methods import SAMPLES
from napari_denoise.learning.prediction import ModelDenoiser

__all__ = ["ModelForm"]

_OF_SAMPLES = ("n_samples", "seed")
"""Settings that mean something to models that draw samples alone."""


class ModelForm(QWidget):
    """The settings of a model's use; where the model gives one image only, it is not asked for.

    Attributes
    ----------
    outputBox : QComboBox
        Which of the images that the model gives is wanted.
    form : SettingsForm
    """

    valueChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.outputBox = QComboBox()
        self.outputBox.setToolTip("Which of the images that the model gives becomes a layer.")
        self._output_label = QLabel("Output")
        self._output_label.setBuddy(self.outputBox)
        self.form = SettingsForm(ModelDenoiser)
        row = QFormLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addRow(self._output_label, self.outputBox)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.form)
        self.setOutputs(("image",))
        self.outputBox.currentIndexChanged.connect(self.valueChanged)
        self.form.valueChanged.connect(self.valueChanged)

    def setOutputs(self, outputs: tuple[str, ...]) -> None:
        """Offer these images; the one that was chosen stays if it is among them."""
        # The box is emptied and filled: quietly, for its value mostly ends up as it was.
        chosen = self.outputBox.currentData()
        self.outputBox.blockSignals(True)  # noqa: FBT003  # Qt's signature
        self.outputBox.clear()
        for output in outputs:
            self.outputBox.addItem(output.replace("_", " "), output)
        self.outputBox.setCurrentIndex(max(0, self.outputBox.findData(chosen)))
        self.outputBox.blockSignals(False)  # noqa: FBT003
        for widget in (self.outputBox, self._output_label):
            # A choice of one only raises the question what the others were.
            widget.setVisible(len(outputs) > 1)
        for name in _OF_SAMPLES:
            self.form.setFieldVisible(name, SAMPLES in outputs)

    def value(self) -> dict[str, Any]:
        """The settings, for :class:`~napari_denoise.learning.prediction.ModelDenoiser`.

        Raises
        ------
        SettingsError
            If they do not fit together.
        """
        settings = self.form.value().model_dump(exclude={"name", "path", "device"})
        return {**settings, "output": self.outputBox.currentData()}
