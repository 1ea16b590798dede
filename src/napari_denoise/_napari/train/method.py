"""How to train: a method with its settings, and the noise that is added to clean images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QSizePolicy, QVBoxLayout, QWidget

from napari_denoise._napari.shared.settings_chooser import SettingsChooser
from napari_denoise._napari.shared.settings_list import SettingsList
from napari_denoise.learning.methods import CARE, TrainingMethod
from napari_denoise.noise import PRESETS, Composite, Noise
from napari_denoise.registry import METHODS, NOISES

__all__ = ["MethodBox", "NoiseBox"]

_QUESTION = "Add noise of another kind"
_QUESTIONS: dict[type[TrainingMethod], str] = {
    CARE: "Clean images: add noise to them",
}
"""What is asked for a method."""

_TOOLTIP = (
    "Noise as your camera makes it, new in every step. The Noise dock shows what it looks like, "
    "and measures it on an image."
)


class MethodBox(QWidget):
    """A training method with its settings; for those that add noise, which noise.

    Attributes
    ----------
    chooser : SettingsChooser
        Of the method.
    noiseBox : NoiseBox
    """

    valueChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chooser = SettingsChooser(METHODS)
        self.noiseBox = NoiseBox()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.chooser)
        layout.addWidget(self.noiseBox)
        self.chooser.valueChanged.connect(self._on_chooser_value_changed)
        self.noiseBox.valueChanged.connect(self.valueChanged)
        self._on_chooser_value_changed()

    def value(self) -> TrainingMethod:
        """The method as the form has it, with the noise that is chosen beside it.

        Raises
        ------
        SettingsError
            If the settings do not fit together.
        """
        method = cast("TrainingMethod", self.chooser.value())
        noise = self.noiseBox.value()
        return method if noise is None else method.model_copy(update={"noise": noise})

    def setValue(self, method: TrainingMethod) -> None:
        """Show a method's settings, and the noise that it adds."""
        self.chooser.setValue(method)
        self.noiseBox.setSettings(method)

    def setSpatialAxes(self, axes: str) -> None:
        """Say which axes are denoised together, for settings with one value per axis."""
        self.chooser.setSpatialAxes(axes)

    def _on_chooser_value_changed(self) -> None:
        self.noiseBox.setMethod(cast("type[TrainingMethod]", self.chooser.form().settings_class))
        self.valueChanged.emit()


class NoiseBox(QWidget):
    """A question, and if it is ticked the kinds of noise in their order.

    Attributes
    ----------
    addBox : QCheckBox
    presetBox : QComboBox
        Noise of typical detectors.
    """

    valueChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.addBox = QCheckBox(_QUESTION)
        self.addBox.setToolTip(f"<p>{_TOOLTIP}</p>")
        self.presetBox = QComboBox()
        self.presetBox.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.presetBox.setPlaceholderText("typical detectors…")
        self.presetBox.addItems([known.title for known in PRESETS])
        # No preset is shown as chosen: what it fills in can be changed below.
        self.presetBox.setCurrentIndex(-1)
        self._noises = SettingsList(NOISES, what="noise")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.addBox, self.presetBox, self._noises):
            layout.addWidget(widget)
        self.addBox.toggled.connect(self._on_toggled)
        self.presetBox.activated.connect(lambda index: self.setValue(PRESETS[index].noise))
        self._noises.valueChanged.connect(self.valueChanged)
        self._on_toggled()

    def setMethod(self, method: type[TrainingMethod]) -> None:
        """Ask what is to be asked for a method; nothing if it never adds noise."""
        # A method adds noise if it has its own say on which; the base class adds none.
        self.setVisible(method.simulated_noise is not TrainingMethod.simulated_noise)
        self.addBox.setText(_QUESTIONS.get(method, _QUESTION))

    def value(self) -> Noise | None:
        """The noise to add; None if the question is not ticked, or not asked.

        Raises
        ------
        SettingsError
            If the settings of a noise do not fit together.
        """
        # Hidden, its tick is of another method; it stays for when that is chosen again.
        if self.isHidden() or not self.addBox.isChecked():
            return None
        return Composite.of(cast("Sequence[Noise]", self._noises.value()))

    def setSettings(self, method: TrainingMethod) -> None:
        """Show what a method's settings say of the noise that is added."""
        noise = getattr(method, "noise", None)
        # Other methods have a setting of that name for the noise there is.
        self.setValue(noise if isinstance(noise, Noise) else None)

    def setValue(self, noise: Noise | None) -> None:
        """Show this noise, all its parts if it has several; None unticks the question."""
        if noise is not None:
            self._noises.setValue(getattr(noise, "noises", (noise,)))
        self.addBox.setChecked(noise is not None)

    def _on_toggled(self) -> None:
        for widget in (self.presetBox, self._noises):
            widget.setVisible(self.addBox.isChecked())
        self.valueChanged.emit()
