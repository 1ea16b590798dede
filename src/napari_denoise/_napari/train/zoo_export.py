"""*Export for bioimage.io…*: asks what the zoo wants to know, writes the package."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import cast

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QVBoxLayout, QWidget

from napari_denoise._napari.shared.dock import Task, ViewerDock
from napari_denoise._napari.shared.models import ShelvedModel
from napari_denoise._napari.shared.preferences import preferences, remember
from napari_denoise._qt.form import SettingsForm
from napari_denoise._qt.message import ErrorMessage, WrappedLabel
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.progress import Job
from napari_denoise.learning.models.package import PACKAGE_SUFFIX
from napari_denoise.learning.models.zoo import ZooCard, export_model_job
from napari_denoise.learning.models.zoo.extra import require_bioimageio

__all__ = ["CardDialog", "ZooExport"]

_FILTER = f"Packages of the BioImage Model Zoo (*{PACKAGE_SUFFIX})"
_ABOUT = (
    "The package can be run by other programs, such as deepImageJ or ilastik, and uploaded to "
    "bioimage.io. This is what they will say about the model."
)


# Our own form, not magicgui's Dialog: that one closes before the card can be checked, does not
# wrap its texts and does not line up its fields (tried with magicgui 0.10).
class CardDialog(QDialog):
    """A form over a :class:`ZooCard`; it stays until the card is complete.

    Attributes
    ----------
    form : SettingsForm
    """

    def __init__(self, card: ZooCard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export for the BioImage Model Zoo")
        self.setMinimumWidth(440)
        self.form = SettingsForm(ZooCard)
        self.form.setValue(card)
        self._error = ErrorMessage()
        choices = QDialogButtonBox.StandardButton
        self._buttons = QDialogButtonBox(choices.Save | choices.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        about = WrappedLabel(self)
        about.setText(_ABOUT)
        for widget in (about, self.form, self._error, self._buttons):
            layout.addWidget(widget)

    def card(self) -> ZooCard:
        """What was filled in."""
        return cast("ZooCard", self.form.value())

    def errorText(self) -> str:
        """What is missing, since the last try to save."""
        return self._error.text()

    def accept(self) -> None:
        """Close, unless something is missing: then say what."""
        try:
            self.card().check()
        except DenoiseError as error:
            self._error.showError(error, "")
        else:
            super().accept()


class ZooExport(QWidget):
    """The button, and how far the export has come.

    Attributes
    ----------
    runBar : RunBar
    """

    def __init__(self, dock: ViewerDock) -> None:
        super().__init__()
        self._model: ShelvedModel | None = None
        self._card = ZooCard()
        self.runBar = dock.makeRunBar(self._prepare, run_text="Export for bioimage.io…")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.runBar)

    def setModel(self, model: ShelvedModel) -> None:
        """Choose what is exported."""
        self._model = model
        # Authors and license stay from the last export: they seldom change.
        self._card = self._card.model_copy(update={"title": title_of(model.title)})
        self.runBar.clear()

    def _prepare(self) -> Task | None:
        model = self._model.model if self._model else None
        if model is None:
            return None
        # Before the questions: nobody should fill in a form for nothing.
        require_bioimageio()
        dialog = CardDialog(self._card, self)
        # No task and no message: the user has changed their mind, which is no error.
        if not dialog.exec():
            return None
        self._card = card = dialog.card()
        suggested = Path(preferences().model_folder) / f"{card.title}{PACKAGE_SUFFIX}"
        name, _ = QFileDialog.getSaveFileName(self, "Export the model", str(suggested), _FILTER)
        if not name:
            return None
        path = Path(name)
        if path.suffix.lower() != PACKAGE_SUFFIX:
            path = path.with_name(path.name + PACKAGE_SUFFIX)
        remember(model_folder=str(path.parent))

        def make_job() -> Job[None]:
            return export_model_job(model, path, card)

        return Task(make_job, partial(self._tell, path))

    def _tell(self, path: Path, _result: object) -> None:
        self.runBar.setMessage(f"Exported as {path.name}; it passed the zoo's validator.")


def title_of(text: str) -> str:
    """A title that the zoo takes, made of any text."""
    # The zoo's rule for titles: these characters, and 64 of them.
    return " ".join(re.sub(r"[^\w+\-()]+", " ", text, flags=re.ASCII).split())[:64]
