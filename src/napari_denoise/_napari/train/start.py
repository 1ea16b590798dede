"""What a training begins with: a new network, or a model that is trained further."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QSizePolicy, QVBoxLayout, QWidget

from napari_denoise._napari.shared.models import (
    MODEL_FILTER,
    ModelShelf,
    ShelvedModel,
    autosave_folder,
    read_model,
)
from napari_denoise._napari.shared.preferences import preferences, remember
from napari_denoise._qt.message import WrappedLabel
from napari_denoise.core.errors import DenoiseError

__all__ = ["StartChooser"]

_NEW = "a new network"
_OPEN_FILE = "Model file…"


class StartChooser(QWidget):
    """A list of the models there are, under *a new network*; below it what is going to happen.

    Parameters
    ----------
    shelf : ModelShelf
        The viewer's trained models.

    Attributes
    ----------
    modelBox : QComboBox
        A new network, the models, and at the end *Model file…*.
    """

    valueChanged = Signal()
    failed = Signal(object)
    """A model file that could not be read."""

    def __init__(self, shelf: ModelShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._model: ShelvedModel | None = None
        self.modelBox = QComboBox()
        self.modelBox.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._about = WrappedLabel(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.modelBox)
        layout.addWidget(self._about)
        self._fill()
        self._shelf.changed.connect(self._fill)
        # Not at each change of the index: filling the list changes it too.
        self.modelBox.activated.connect(self._on_activated)

    def model(self) -> ShelvedModel | None:
        """The model to go on with; None for a new network."""
        return self._model

    def setModel(self, model: ShelvedModel | None) -> None:
        """Choose a model, of the shelf or not, or a new network."""
        has_changed = model is not self._model
        self._model = model
        self._fill()
        if has_changed:
            self.valueChanged.emit()

    def setModelFile(self, path: Path) -> None:
        """Choose the model in a file; `failed` says if there is none in it."""
        try:
            self.setModel(read_model(path))
        except DenoiseError as error:
            self.failed.emit(error)

    def about(self) -> str:
        """What stands below the list: what is going to happen."""
        return self._about.text()

    def shutdown(self) -> None:
        """Follow the shelf no longer."""
        self._shelf.changed.disconnect(self._fill)

    def _fill(self) -> None:
        models = list(self._shelf.models)
        # A model from a file is not on the shelf; it would stand in the Denoise dock's list too.
        if self._model is not None and self._model not in models:
            models.append(self._model)
        self.modelBox.clear()
        self.modelBox.addItem(_NEW, None)
        for model in models:
            self.modelBox.addItem(model.title, model)
        self.modelBox.insertSeparator(self.modelBox.count())
        self.modelBox.addItem(_OPEN_FILE)
        self.modelBox.setCurrentIndex(models.index(self._model) + 1 if self._model else 0)
        self.modelBox.setToolTip(self.modelBox.currentText())
        self._about.setText(_in_words(self._model) if self._model else "")

    def _on_activated(self, index: int) -> None:
        if self.modelBox.itemText(index) == _OPEN_FILE:
            self._ask_for_file()
            # Whether or not a file was chosen: the box must not say "Model file…".
            self._fill()
        else:
            self.setModel(self.modelBox.itemData(index))

    def _ask_for_file(self) -> None:
        folder = preferences().model_folder or str(autosave_folder())
        path, _ = QFileDialog.getOpenFileName(self, "Train a model further", folder, MODEL_FILTER)
        if path:
            remember(model_folder=str(Path(path).parent))
            self.setModelFile(Path(path))


def _in_words(model: ShelvedModel) -> str:
    record = model.record
    if record is None:
        return (
            f"Trained for {model.info.n_steps:,} steps. Trains for the steps above once more, on "
            f"the ticked images, with its own network and normalisation."
        )
    return (
        f"{record.n_done:,} of {model.info.method.n_steps:,} steps are done. Tick the images it "
        f"began with: the training goes on where it was interrupted."
    )
