"""What the Train dock runs in the background: a training whose model is not lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_denoise._napari.shared.models import ShelvedModel
from napari_denoise._napari.train.interrupted import unfinished_path
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.progress import Job, Notice
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import TrainingMethod

if TYPE_CHECKING:
    from napari_denoise.learning.models.model import Model
    from napari_denoise.learning.training.progress import PreviewCrop

__all__ = ["running", "train_and_keep"]

running: set[Path] = set()
"""Files that the trainings of this process are writing."""


def train_and_keep(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    *,
    path: Path,
    resume: ShelvedModel | None = None,
    preview: Callable[[], PreviewCrop | None] | None = None,
    **options: Any,
) -> Job[Model]:
    """Train, with copies on the way and the model in a file at the end, in case of a crash.

    Runs in the worker thread: torch is imported here.

    Parameters
    ----------
    path : Path
        File for the model.
    resume : ShelvedModel, optional
        To be trained further.
    **options
        Of :func:`~napari_denoise.learning.training.job.train_job`.
    """
    from napari_denoise.learning.models.file import load_model, save_model  # noqa: PLC0415
    from napari_denoise.learning.training.job import train_job  # noqa: PLC0415

    model = None if resume is None else resume.model
    if resume is not None and model is None and resume.path is not None:
        model = load_model(resume.path)
    unfinished = unfinished_path(path)
    running.add(unfinished)
    try:
        job = train_job(
            method, images, resume=model, autosave=unfinished, preview=preview, **options
        )
        result = yield from job
    finally:
        running.discard(unfinished)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_model(result, path)
    except (DenoiseError, OSError) as error:
        message = f"The model could not be saved automatically, save it yourself: {error}"
        yield Notice(fraction=1.0, message=message)
    else:
        unfinished.unlink(missing_ok=True)
    return result
