"""A training whose model is not lost: copies on the way, and a file at the end.

What the Train dock and the command line have in common. Importing this does not import torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_denoise.core.errors import FileError
from napari_denoise.core.progress import Job, Request, Skipped
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import TrainingMethod

if TYPE_CHECKING:
    from napari_denoise.learning.models.model import Model

__all__ = ["UNFINISHED_SUFFIX", "TrainingSession", "noting_job", "running", "unfinished_path"]

T = TypeVar("T")

UNFINISHED_SUFFIX = ".unfinished.safetensors"

running: set[Path] = set()
"""Copies that the trainings of this process are writing: no remains of a crash."""


def unfinished_path(path: Path, process: int | None = None) -> Path:
    """Where copies go of a training whose model is going to be at `path`: beside it.

    Parameters
    ----------
    path : Path
        Of the model.
    process : int, optional
        Number of the process that writes, which becomes part of the name, where several may train
        models of the same name: none takes what another one writes for the remains of a crash.
    """
    owner = "" if process is None else f".{process}"
    return path.with_name(f"{path.stem}{owner}{UNFINISHED_SUFFIX}")


@dataclass(frozen=True, slots=True)
class TrainingSession:
    """Trains a model, keeps copies of it meanwhile, and saves it.

    Attributes
    ----------
    path : Path
        File for the model.
    unfinished : Path
        File for the copies, as of :func:`unfinished_path`.
    skipped : list of Skipped
        Images that were not learned from; grows as the training finds them.
    """

    path: Path
    unfinished: Path
    skipped: list[Skipped] = field(default_factory=list)

    def train_job(
        self,
        method: TrainingMethod,
        images: Sequence[TrainingImage],
        *,
        resume: Model | Path | None = None,
        **options: Any,
    ) -> Job[Model]:
        """Train; a copy stays behind if this is the last that is heard of it.

        Parameters
        ----------
        method : TrainingMethod
        images : sequence of TrainingImage
        resume : Model or Path, optional
            To be trained further, in memory or in a file.
        **options
            Of :func:`~napari_denoise.learning.training.job.train_job`.

        Raises
        ------
        DenoiseError
            As ``train_job``; also if the model to be trained further cannot be read.
        """
        # Imported here: this runs in the worker thread, and torch takes seconds.
        from napari_denoise.learning.models.file import load_model  # noqa: PLC0415
        from napari_denoise.learning.training.job import train_job  # noqa: PLC0415

        model = load_model(resume) if isinstance(resume, Path) else resume
        running.add(self.unfinished)
        try:
            job = train_job(method, images, resume=model, autosave=self.unfinished, **options)
            return (yield from noting_job(job, self.skipped))
        finally:
            running.discard(self.unfinished)

    def save(self, model: Model) -> None:
        """Write the model to its file, whose folder is made if need be; the copy goes.

        Raises
        ------
        FileError
            If it cannot be written; the copy, if there is one, stays.
        """
        from napari_denoise.learning.models.file import save_model  # noqa: PLC0415

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"The folder {self.path.parent} cannot be made ({error}).") from error
        save_model(model, self.path)
        self.discard()

    def discard(self) -> None:
        """Remove the copy."""
        self.unfinished.unlink(missing_ok=True)


def noting_job(job: Job[T], skipped: list[Skipped]) -> Job[T]:
    """The job, with what it skips noted in a list.

    Parameters
    ----------
    job : generator of Progress
    skipped : list of Skipped
    """
    request: Request | None = None
    try:
        while True:
            event = job.send(request) if request else next(job)
            if isinstance(event, Skipped):
                skipped.append(event)
            request = yield event
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        job.close()
