"""What to do with a model that has just been trained: save it, apply it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._napari.shared.choosers import LayerChooser
from napari_denoise._napari.shared.dock import Task, ViewerDock, dtype_for
from napari_denoise._napari.shared.layers import read_layer
from napari_denoise._napari.shared.model_form import ModelForm
from napari_denoise._napari.shared.models import (
    MODEL_FILTER,
    MODEL_SUFFIX,
    ModelShelf,
    ShelvedModel,
)
from napari_denoise._napari.shared.preferences import preferences, remember
from napari_denoise._napari.shared.results import result_layer, tell_intensities
from napari_denoise._napari.train.zoo_export import ZooExport
from napari_denoise._qt.message import WrappedLabel
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import DenoiseError, InputError
from napari_denoise.core.progress import Job
from napari_denoise.evaluation import Checked, checked_job
from napari_denoise.learning.models.file import save_model

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["ModelBox"]


class ModelBox(QWidget):
    """The model in words, *Save model…*, *Apply*, and *Train further*; hidden without a model.

    Attributes
    ----------
    saveButton, continueButton : QPushButton
    zooExport : ZooExport
    layerChooser : LayerChooser
    modelForm : ModelForm
    runBar : RunBar
        Applies the model.
    """

    continueClicked = Signal(object)
    """The model is to be trained further."""

    def __init__(self, dock: ViewerDock, viewer: ViewerModel, shelf: ModelShelf) -> None:
        super().__init__()
        self._viewer = viewer
        self._shelf = shelf
        self._model: ShelvedModel | None = None
        self._trained_on: dict[int, str] = {}
        self._device = "auto"
        self._title = WrappedLabel(self)
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._summary = WrappedLabel(self)
        self._saved = WrappedLabel(self)
        self.saveButton = QPushButton("Save model…")
        self.saveButton.clicked.connect(self._on_save_clicked)
        self.continueButton = QPushButton("Train further")
        self.continueButton.clicked.connect(lambda: self.continueClicked.emit(self._model))
        self.zooExport = ZooExport(dock)
        self.modelForm = ModelForm()
        self.layerChooser = dock.closing(LayerChooser(viewer.layers))
        self.runBar = dock.makeRunBar(self._prepare, run_text="Apply to layer")
        self._build()
        self.hide()

    def setModel(
        self, model: ShelvedModel, trained_on: Mapping[Image, str], *, device: str = "auto"
    ) -> None:
        """Show a model of the shelf.

        Parameters
        ----------
        trained_on : mapping of Image to str
            The layers it was trained on, each with its axes as the user named them.
        device : str
            Where to apply it: where it was trained.
        """
        self._model = model
        # Not the layers themselves: the box would keep their pixels in memory.
        self._trained_on = {id(layer): axes for layer, axes in trained_on.items()}
        self._device = device
        # What one has trained on is what one wants to clean first.
        for layer in trained_on:
            self.layerChooser.setLayer(layer)
        self._title.setText(model.title)
        self.continueButton.setText("Train further" if model.record is None else "Continue")
        self.continueButton.setToolTip(
            "Another training of as many steps, on the ticked images"
            if model.record is None
            else "Go on with the training where it was stopped"
        )
        self._summary.setText(model.summary)
        self.modelForm.setOutputs(model.info.method.outputs)
        self._saved.setText("Not saved yet; the Denoise dock offers it until napari closes.")
        copy = f"In case of an accident there is a copy in {model.path}."
        self._saved.setToolTip(copy if model.path else "")
        self.zooExport.setModel(model)
        self.runBar.clear()
        self.show()

    def setBusy(self, *, is_busy: bool) -> None:
        """Offer nothing while another model is being trained."""
        self.setEnabled(not is_busy)

    def title(self) -> str:
        """What the model is called."""
        return self._title.text()

    def summary(self) -> str:
        """What the model is."""
        return self._summary.text()

    def savedText(self) -> str:
        """Whether the model is saved, and where."""
        return self._saved.text()

    def save(self, path: Path) -> None:
        """Save the model in a file; what went wrong is shown."""
        if self._model is None or self._model.model is None:
            return
        # Added, not replaced: "cells 0.5" has no suffix, whatever follows its dot.
        path = path if path.suffix == MODEL_SUFFIX else path.with_name(path.name + MODEL_SUFFIX)
        try:
            save_model(self._model.model, path)
        except DenoiseError as error:
            self.runBar.showError(error)
            return
        self._shelf.set_saved(self._model, path)
        self._saved.setText(f"Saved as {path.name}.")
        self._saved.setToolTip(str(path))

    def _build(self) -> None:
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Layer", self.layerChooser)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        for widget in (self._title, self._summary, self._saved):
            layout.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addWidget(self.saveButton, 1)
        buttons.addWidget(self.continueButton)
        layout.addLayout(buttons)
        layout.addWidget(self.zooExport)
        layout.addLayout(form)
        layout.addWidget(self.modelForm)
        layout.addWidget(self.runBar)

    def _on_save_clicked(self) -> None:
        if self._model is None:
            return
        suggested = Path(preferences().model_folder) / f"{self._model.title}{MODEL_SUFFIX}"
        path, _ = QFileDialog.getSaveFileName(self, "Save the model", str(suggested), MODEL_FILTER)
        if path:
            remember(model_folder=str(Path(path).parent))
            self.save(Path(path))

    def _prepare(self) -> Task:
        layer, model = self.layerChooser.layer(), self._model
        if layer is None or model is None:
            raise InputError("There is no image layer. Open or add an image first.")
        # Axes that the user named for the training hold for applying the model too.
        image = read_layer(layer, self._trained_on.get(id(layer), ""))
        denoiser = model.denoiser(self._device, **self.modelForm.value())
        layout = denoiser.layout_for(image.axes)
        dtype = dtype_for(preferences().result_dtype, image.pixels)

        def make_job() -> Job[Checked]:
            job = denoise_job(denoiser, image, layout, dtype=dtype)
            return checked_job(job, image)

        def add(result: Checked) -> None:
            added = result_layer(
                layer,
                result.denoised.image,
                label=model.result_label(denoiser.output),
                is_image=denoiser.gives_image,
            )
            self._viewer.add_layer(added)
            tell_intensities(self.runBar, result)

        return Task(make_job, add)
