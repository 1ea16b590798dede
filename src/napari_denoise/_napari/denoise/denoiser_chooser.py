"""Any way to clean an image in one list: filters, models of this session, models in files."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._napari.shared.model_form import ModelForm
from napari_denoise._napari.shared.models import (
    OPEN_FILTER,
    ModelShelf,
    ShelvedModel,
    autosave_folder,
    read_model,
)
from napari_denoise._napari.shared.preferences import preferences, remember
from napari_denoise._napari.shared.settings_chooser import explain
from napari_denoise._qt.form import SettingsForm
from napari_denoise._qt.message import WrappedLabel
from napari_denoise.core.denoiser import Denoiser
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.settings import Settings
from napari_denoise.registry import denoisers, make_denoiser

__all__ = ["DenoiserChooser"]

_OPEN_FILE = "Saved model…"
_DEVICE = "device"
"""The setting of denoisers that compute on a device; a form does not show it, the dock does."""


class DenoiserChooser(QWidget):
    """The list of methods over the settings of a method, or over what a model is.

    Parameters
    ----------
    shelf : ModelShelf
        The viewer's trained models.

    Attributes
    ----------
    methodBox : QComboBox
        Filters, models and, at the end, *Saved model…*.
    modelForm : ModelForm
    stabilizeBox : QCheckBox
    """

    valueChanged = Signal()
    failed = Signal(object)
    """A model file that could not be read."""

    def __init__(self, shelf: ModelShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._forms = [SettingsForm(cls) for cls in denoisers()]
        self.methodBox = QComboBox()
        # One long title, such as that of a model, must not make the whole dock wider.
        self.methodBox.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._about = WrappedLabel(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.methodBox)
        layout.addWidget(self._about)
        for form in self._forms:
            layout.addWidget(form)
            form.valueChanged.connect(self.valueChanged)
        self.modelForm = ModelForm()
        self.modelForm.valueChanged.connect(self.valueChanged)
        layout.addWidget(self.modelForm)
        self.stabilizeBox = QCheckBox("Even out photon noise first")
        # As make_denoiser has it for a name, so that dock, Python and command line do the same.
        self.stabilizeBox.setChecked(True)
        self.stabilizeBox.setToolTip(
            "This method expects noise of the same strength everywhere, but photon noise grows "
            "with the signal. Measures the camera on the image and transforms the intensities, so "
            "that it is; afterwards they are brought back (generalised Anscombe transform)."
        )
        self.stabilizeBox.toggled.connect(lambda _checked: self.valueChanged.emit())
        layout.addWidget(self.stabilizeBox)
        # Not the place in the list, which is filled anew with each model that is trained.
        self._chosen: SettingsForm | ShelvedModel = self._forms[0]
        self._fill()
        self._shelf.changed.connect(self._fill)
        # Not at each change of the index: filling the list changes it too.
        self.methodBox.activated.connect(self._on_methods_activated)

    def model(self) -> ShelvedModel | None:
        """The chosen model; None while a filter is chosen."""
        return self._chosen if isinstance(self._chosen, ShelvedModel) else None

    def about(self) -> str:
        """What stands below the list of methods."""
        return self._about.text()

    def hasDevice(self) -> bool:
        """Whether the chosen method computes on a device of the user's choice."""
        method = self.method()
        return method is None or _DEVICE in method.model_fields

    def needsCamera(self) -> bool:
        """Whether the chosen method has to know the camera's noise."""
        method = self.method()
        if method is None:
            return False
        is_stabilized = method.expects_even_noise and self.stabilizeBox.isChecked()
        return is_stabilized or "gain" in method.model_fields

    def label(self) -> str:
        """What a result is called."""
        model = self.model()
        if model:
            return model.result_label(self.modelForm.value()["output"])
        return self.value("auto").label

    def value(self, device: str) -> Denoiser:
        """The denoiser as it stands; `device` matters to networks only.

        Raises
        ------
        SettingsError
            If a filter's settings do not fit together.
        """
        if isinstance(self._chosen, ShelvedModel):
            return self._chosen.denoiser(device, **self.modelForm.value())
        chosen = cast("Denoiser", self._chosen.value())
        if _DEVICE in type(chosen).model_fields:
            chosen = chosen.model_copy(update={_DEVICE: device})
        return make_denoiser(
            chosen, stabilize=chosen.expects_even_noise and self.stabilizeBox.isChecked()
        )

    def method(self) -> type[Denoiser] | None:
        """The class of the chosen settings; None while a model is chosen."""
        if isinstance(self._chosen, ShelvedModel):
            return None
        return cast("type[Denoiser]", self._chosen.settings_class)

    def settings(self) -> Denoiser | None:
        """The chosen method as its form says, not stabilised; None while a model is chosen.

        Raises
        ------
        SettingsError
            If its settings do not fit together.
        """
        if isinstance(self._chosen, ShelvedModel):
            return None
        return cast("Denoiser", self._chosen.value())

    def setSettings(self, settings: Denoiser) -> None:
        """Show these settings in the form they belong to; the chosen method stays."""
        self._form_of(type(settings)).setValue(settings)

    def setMethod(self, method: type[Denoiser]) -> None:
        """Choose a method that needs no training."""
        self._choose(self._form_of(method))

    def setModel(self, model: ShelvedModel) -> None:
        """Choose a model of the shelf."""
        self._choose(model)

    def setModelFile(self, path: Path) -> None:
        """Put a model's file on the shelf and choose it; `failed` says if it is none."""
        try:
            model = read_model(path)
        except DenoiseError as error:
            self.failed.emit(error)
            return
        # Opened twice, it would stand in the list twice.
        known = [kept for kept in self._shelf.models if kept.path == path]
        self._choose(known[-1] if known else self._shelf.add(model))

    def setSpatialAxes(self, axes: str) -> None:
        """Say which axes are denoised together, for settings with one value per axis."""
        for form in self._forms:
            form.setSpatialAxes(axes)

    def shutdown(self) -> None:
        """Follow the shelf no longer."""
        self._shelf.changed.disconnect(self._fill)

    def _form_of(self, method: type[Settings]) -> SettingsForm:
        return next(form for form in self._forms if form.settings_class is method)

    def _fill(self) -> None:
        self.methodBox.clear()
        for form in self._forms:
            self.methodBox.addItem(form.settings_class.title, form)  # type: ignore[attr-defined]
        for model in self._shelf.models:
            self.methodBox.addItem(model.title, model)
        # Between what needs no training and what has been trained.
        self.methodBox.insertSeparator(len(self._forms))
        self.methodBox.addItem(_OPEN_FILE)
        self._show()

    def _show(self) -> None:
        places = range(self.methodBox.count())
        index = next(i for i in places if self.methodBox.itemData(i) is self._chosen)
        self.methodBox.setCurrentIndex(index)
        self.methodBox.setToolTip(self.methodBox.currentText())
        for form in self._forms:
            form.setVisible(form is self._chosen)
        self.modelForm.setVisible(isinstance(self._chosen, ShelvedModel))
        if isinstance(self._chosen, ShelvedModel):
            self._about.setText(self._chosen.summary)
            self.modelForm.setOutputs(self._chosen.info.method.outputs)
            self.stabilizeBox.hide()
        else:
            explain(self._about, self._chosen.settings_class)
            method = self.method()
            self.stabilizeBox.setVisible(bool(method and method.expects_even_noise))
        self.valueChanged.emit()

    def _choose(self, chosen: SettingsForm | ShelvedModel) -> None:
        self._chosen = chosen
        self._show()

    def _on_methods_activated(self, index: int) -> None:
        if self.methodBox.itemText(index) == _OPEN_FILE:
            self._ask_for_file()
        else:
            self._chosen = self.methodBox.itemData(index)
        self._show()

    def _ask_for_file(self) -> None:
        folder = preferences().model_folder or str(autosave_folder())
        path, _ = QFileDialog.getOpenFileName(self, "Open a model", folder, OPEN_FILTER)
        if path:
            remember(model_folder=str(Path(path).parent))
            self.setModelFile(Path(path))
