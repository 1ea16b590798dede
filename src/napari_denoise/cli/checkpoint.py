"""Training models further on the command line, and what a training leaves whose process ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_denoise import registry
from napari_denoise.cli.options import Channels, Spatial
from napari_denoise.core.errors import FileError, SettingsError
from napari_denoise.core.settings import make_settings
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.models.file import read_checkpoint_info, read_model_info
from napari_denoise.learning.training.session import unfinished_path

__all__ = ["check_paths", "chosen_method", "usual_roles"]

_SUFFIX = ".safetensors"


def check_paths(model: Path, resume: Path | None) -> None:
    """Refuse a name that is none for a model, and to lose an unfinished training.

    Raises
    ------
    FileError
        If the model cannot be written there, or an unfinished training lies in the way.
    """
    if model.suffix != _SUFFIX:
        raise FileError(f"{model} is no name for a model. Let it end in {_SUFFIX}.")
    if not model.parent.is_dir():
        raise FileError(f"There is no folder {model.parent}. Make it first, or choose another.")
    left = unfinished_path(model)
    if not left.exists() or (resume and resume.exists() and left.samefile(resume)):
        return
    record = read_checkpoint_info(left)
    done = f" after {record.n_done:,} steps" if record else ""
    raise FileError(
        f"A training of {model.name} was interrupted{done}. Go on with it: --resume {left}. Or "
        f"delete that file to begin anew."
    )


def chosen_method(
    name: str, values: Mapping[str, Any], preset: str, resume: Path | None
) -> TrainingMethod:
    """The settings asked for; what is not said is as the model to go on with has it.

    Raises
    ------
    SettingsError
        If one is unknown or out of bounds, or no method is named.
    FileError, ModelError
        If the model cannot be read.
    """
    if resume is None and not name:
        raise SettingsError("Choose a learned method: --method n2v; methods lists them.")
    kept = read_model_info(resume).method if resume else None
    if kept is not None and name in ("", kept.tag()) and not preset:
        return make_settings(type(kept), {**kept.model_dump(), **values})
    return make_settings(registry.method_class(name), values, preset=preset)


def usual_roles(resume: Path | None) -> tuple[Spatial, Channels]:
    """Which axes are space, and how channels are seen, where nothing is said: as in the model.

    Raises
    ------
    FileError, ModelError
        If the model cannot be read.
    """
    if resume is None:
        return Spatial.YX, Channels.INDEPENDENT
    info = read_model_info(resume)
    channels = Channels.INDEPENDENT if info.n_channels == 1 else Channels.JOINT
    return Spatial(info.spatial), channels
