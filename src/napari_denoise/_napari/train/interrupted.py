"""Trainings that a crash has cut short: found at the next start, continued, kept or discarded."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import psutil
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_denoise._napari.shared import models
from napari_denoise._napari.shared.models import MODEL_SUFFIX, ShelvedModel, read_model
from napari_denoise._qt.message import Message
from napari_denoise.core.errors import DenoiseError
from napari_denoise.learning.training.session import UNFINISHED_SUFFIX, running

__all__ = [
    "InterruptedBox",
    "finished_path",
    "interrupted_trainings",
    "is_unfinished",
]


def is_unfinished(path: Path) -> bool:
    """Whether a file is a copy of an unfinished training."""
    return path.name.endswith(UNFINISHED_SUFFIX)


def finished_path(unfinished: Path) -> Path:
    """The path that ``unfinished_path`` was made from."""
    stem = unfinished.name.removesuffix(UNFINISHED_SUFFIX).rpartition(".")[0]
    return unfinished.with_name(stem + MODEL_SUFFIX)


def interrupted_trainings(running: Collection[Path] = ()) -> list[ShelvedModel]:
    """What crashed trainings have left, oldest first.

    Parameters
    ----------
    running : collection of Path
        Those that this process is still writing.
    """
    found = []
    for path in sorted(
        models.autosave_folder().glob(f"*{UNFINISHED_SUFFIX}"), key=os.path.getmtime
    ):
        if path in running or _is_written_elsewhere(path):
            continue
        try:
            model = read_model(path)
        except DenoiseError:
            continue
        model.title = f"{model.info.method.title} on {model.info.recipe.source}, interrupted"
        found.append(model)
    return found


def _is_written_elsewhere(path: Path) -> bool:
    process = path.name.removesuffix(UNFINISHED_SUFFIX).rpartition(".")[2]
    is_other = process.isdecimal() and int(process) != os.getpid()
    return is_other and psutil.pid_exists(int(process))


class InterruptedBox(QWidget):
    """Says that a training was interrupted, and asks what is to become of it.

    Attributes
    ----------
    continueButton, keepButton, discardButton : QPushButton
    """

    continued = Signal(object)
    """The model to go on with."""
    kept = Signal(object)
    """The model to be kept as it is; it has a file of its own now."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: ShelvedModel | None = None
        self._message = Message("notice")
        self.continueButton = QPushButton("Continue…")
        self.continueButton.setToolTip("Choose it below, to go on where it was interrupted")
        self.keepButton = QPushButton("Keep as it is")
        self.keepButton.setToolTip("Take what it had learned as a model")
        self.discardButton = QPushButton("Discard")
        buttons = QHBoxLayout()
        for button in (self.continueButton, self.keepButton, self.discardButton):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._message)
        layout.addLayout(buttons)
        self.continueButton.clicked.connect(self._on_continue_clicked)
        self.keepButton.clicked.connect(self._on_keep_clicked)
        self.discardButton.clicked.connect(self._on_discard_clicked)
        self.hide()

    def refresh(self) -> None:
        """Ask about the newest training that a crash has cut short, if there is one."""
        found = interrupted_trainings(running)
        self.setModel(found[-1] if found else None)

    def setModel(self, model: ShelvedModel | None) -> None:
        """Ask about a training; None hides the question."""
        self._model = model
        self._message.clear()
        if model is not None:
            self._message.add(_in_words(model))
        self.setVisible(model is not None)

    def text(self) -> str:
        """What is asked."""
        return self._message.text()

    def _on_continue_clicked(self) -> None:
        model = self._model
        self.setModel(None)
        self.continued.emit(model)

    def _on_keep_clicked(self) -> None:
        model = self._model
        self.setModel(None)
        if model is None or model.path is None:
            return
        path = finished_path(model.path)
        model.path.replace(path)
        model.path, model.is_saved = path, False
        model.title = model.title.removesuffix(", interrupted")
        self.kept.emit(model)

    def _on_discard_clicked(self) -> None:
        model = self._model
        self.setModel(None)
        if model is not None and model.path is not None:
            model.path.unlink(missing_ok=True)


def _in_words(model: ShelvedModel) -> str:
    assert model.path is not None  # noqa: S101  # it was found as a file
    when = datetime.fromtimestamp(model.path.stat().st_mtime).astimezone()
    done = f" after {model.record.n_done:,} steps" if model.record else ""
    return (
        f"A training of {model.info.method.title} on {model.info.recipe.source} was interrupted "
        f"on {when:%Y-%m-%d at %H:%M}{done}."
    )
