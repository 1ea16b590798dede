"""The trained models of a viewer: kept until it closes, so that none is lost by a click."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from platformdirs import user_data_path
from qtpy.QtCore import QObject, Signal

from napari_denoise.learning.models.file import read_checkpoint_info, read_model_info
from napari_denoise.learning.models.package import PACKAGE_SUFFIX
from napari_denoise.learning.prediction import ModelDenoiser

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_denoise.learning.methods import TrainingMethod
    from napari_denoise.learning.models.checkpoint import CheckpointInfo
    from napari_denoise.learning.models.model import Model, ModelInfo

__all__ = [
    "MODEL_FILTER",
    "MODEL_SUFFIX",
    "OPEN_FILTER",
    "ModelShelf",
    "ShelvedModel",
    "autosave_folder",
    "autosave_path",
    "read_model",
    "shelf_of",
    "trained_model",
]

MODEL_SUFFIX = ".safetensors"
MODEL_FILTER = f"Models (*{MODEL_SUFFIX})"
OPEN_FILTER = f"Models (*{MODEL_SUFFIX} *{PACKAGE_SUFFIX})"
"""What can be opened: packages of the BioImage Model Zoo, too."""

# Trade-off: more keep older models, fewer keep the disk free.
_N_AUTOSAVED = 20


@dataclass(slots=True, eq=False)
class ShelvedModel:
    """A trained model as the docks offer it.

    Attributes
    ----------
    title : str
        What the list of methods calls it.
    info : ModelInfo
        What it is.
    model : Model or None
        In memory, if it was trained here.
    path : Path or None
        Its file, if it has one.
    is_saved : bool
        Whether that is where the user wants it.
    record : CheckpointInfo or None
        How far its training has come, if that was interrupted.
    """

    title: str
    info: ModelInfo
    model: Model | None = None
    path: Path | None = None
    is_saved: bool = False
    record: CheckpointInfo | None = None

    @property
    def summary(self) -> str:
        """What the model is, in words."""
        steps = f"{self.info.n_steps:,} step{'s' * (self.info.n_steps != 1)}"
        return f"{self.info.method.title} for {self.info.in_words()}, trained for {steps}."

    @property
    def label(self) -> str:
        """What a result is called: the method, or the file the user gave the model."""
        # A name the user gave says more than the method; that of an autosaved file says less.
        return self.path.stem if self.path and self.is_saved else self.info.method.title

    def result_label(self, output: str) -> str:
        """What a result is called, with the one of the model's images that it is."""
        return self.label if output == "image" else f"{self.label} {output}"

    def denoiser(self, device: str, **settings: Any) -> ModelDenoiser:
        """The denoiser that applies the model on a device, with these settings."""
        # Not read from its file again, which may be as large as it is far away.
        if self.model is not None:
            return ModelDenoiser.of(self.model, path=self.path, device=device, **settings)
        return ModelDenoiser(path=self.path, device=device, **settings)


def trained_model(name: str, model: Model, path: Path | None) -> ShelvedModel:
    """A model that has just been trained on the image called `name`."""
    record = model.checkpoint.info if model.checkpoint else None
    title = f"{model.method.title} on {name}"
    return ShelvedModel(title, model, model=model, path=path, record=record)


def read_model(path: Path) -> ShelvedModel:
    """A model in a file, of which only the description is read.

    Raises
    ------
    FileError, ModelError
        If the file cannot be read, or holds no model of ours.
    """
    # The weights wait until the model is used: to describe it takes no time.
    info, record = read_model_info(path), read_checkpoint_info(path)
    return ShelvedModel(path.stem, info, path=path, is_saved=True, record=record)


def autosave_path(method: TrainingMethod, name: str) -> Path:
    """Where a model goes that nobody has saved yet; older ones make room."""
    folder = autosave_folder()
    # The oldest make room. A model that was saved where the user wanted it is none of these.
    kept = sorted(folder.glob(f"*{MODEL_SUFFIX}"), key=lambda path: path.stat().st_mtime)
    for path in kept[: -_N_AUTOSAVED + 1]:
        path.unlink(missing_ok=True)
    # Local time, as the user's clock shows it; dots, because Windows refuses colons in names.
    now = datetime.now(tz=UTC).astimezone().strftime("%Y-%m-%d %H.%M.%S")
    # What no file system minds, and short enough for a path to stay below Windows' 260 letters.
    plain = re.sub(r"[^\w. -]+", "_", name)[:60]
    return folder / f"{now} {plain} {method.tag()}{MODEL_SUFFIX}"


def autosave_folder() -> Path:
    """The folder for models that nobody has saved yet."""
    # Where the system keeps what programs write, and not a temporary folder, which is emptied.
    return user_data_path("napari-denoise", appauthor=False) / "unsaved models"


class ModelShelf(QObject):
    """The models of one viewer, newest last."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._models: list[ShelvedModel] = []

    @property
    def models(self) -> tuple[ShelvedModel, ...]:
        """All models, oldest first."""
        return tuple(self._models)

    def add(self, model: ShelvedModel) -> ShelvedModel:
        """Keep a model; its title gets a number if there is one of that name."""
        titles = {kept.title for kept in self._models}
        title, number = model.title, 1
        # Two trainings on the same layer are two models; the list must tell them apart.
        while title in titles:
            title, number = f"{model.title} [{number}]", number + 1
        model.title = title
        self._models.append(model)
        self.changed.emit()
        return model

    def set_saved(self, model: ShelvedModel, path: Path) -> None:
        """Note where a model was saved."""
        # In place, so that every dock that shows this model shows where it is now.
        model.path, model.is_saved = path, True
        self.changed.emit()


# By viewer, so that two windows keep their models apart; weak, so that they go with theirs.
_shelves: WeakKeyDictionary[ViewerModel, ModelShelf] = WeakKeyDictionary()


def shelf_of(viewer: ViewerModel) -> ModelShelf:
    """The shelf that all docks of a viewer share."""
    return _shelves.setdefault(viewer, ModelShelf())
