"""What the Train dock runs in the background: a training whose model is not lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_denoise._napari.shared.models import ShelvedModel
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.progress import Job, Notice
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.training.session import TrainingSession, unfinished_path

if TYPE_CHECKING:
    from napari_denoise.learning.models.model import Model

__all__ = ["train_and_keep_job"]


def train_and_keep_job(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    *,
    path: Path,
    resume: ShelvedModel | None = None,
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
    session = TrainingSession(path, unfinished_path(path, os.getpid()))
    start = None if resume is None else resume.model or resume.path
    model = yield from session.train_job(method, images, resume=start, **options)
    try:
        session.save(model)
    except DenoiseError as error:
        message = f"The model could not be saved automatically, save it yourself: {error}"
        yield Notice(fraction=1.0, message=message)
    return model
