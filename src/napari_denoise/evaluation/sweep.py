"""One setting of a learned method, several values: a model for each, and how good it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.settings import describe, make_settings
from napari_denoise.evaluation.self_supervision import estimate_error_of_job
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.metrics import JInvariantError, psnr

if TYPE_CHECKING:
    from napari_denoise.learning.models.model import Model

__all__ = ["Reference", "Trial", "sweep_job", "variants"]


@dataclass(frozen=True, slots=True)
class Reference:
    """What models are measured against.

    Attributes
    ----------
    clean : array-like, axes and shape of the first image
    data_range : float
        As for :func:`napari_denoise.metrics.psnr`.
    """

    clean: Any
    data_range: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one value.

    Attributes
    ----------
    value : str
        As it was given.
    model : Model
    j_invariant : JInvariantError
        On pixels that the model was not shown, the same for all values; lower is better.
    psnr : float
        In dB against the clean image; NaN without one.
    seconds : float
        Wall time of the training.
    """

    value: str
    model: Model
    j_invariant: JInvariantError
    psnr: float
    seconds: float


def variants(method: TrainingMethod, name: str, values: Sequence[str]) -> list[TrainingMethod]:
    """The method with each of the values, as text, for one of its settings.

    Raises
    ------
    SettingsError
        If there is no such setting, or it does not take one of the values.
    """
    known = [field.name for field in describe(type(method))]
    if name not in known:
        raise SettingsError(
            f"{method.title} has no setting {name!r}. Choose from: {', '.join(known)}."
        )
    if not values:
        raise SettingsError(f"There is no value of {name} to try. Give two or more.")
    # All are validated before the first is trained: a typo in the last value costs no hour.
    given = method.model_dump()
    return [make_settings(type(method), {**given, name: value}) for value in values]


def sweep_job(
    method: TrainingMethod,
    name: str,
    values: Sequence[str],
    images: Sequence[TrainingImage],
    *,
    reference: Reference | None = None,
    seed: int = 0,
    device: str = "auto",
    on_trial: Callable[[Trial], None] | None = None,
) -> Job[tuple[Trial, ...]]:
    """Train a model for each value of a setting, and judge each on the first image.

    Parameters
    ----------
    method : TrainingMethod
        With all other settings.
    name : str
        Of the setting.
    values : sequence of str
        As they would be given on the command line.
    images : sequence of TrainingImage
    reference : Reference, optional
        With it, the PSNR is measured.
    seed : int
        The same for all.
    device : str
        "auto", "cpu", "cuda:0", "mps".
    on_trial : callable, optional
        Called with each trial as soon as it is there.

    Raises
    ------
    SettingsError
        If a value does not suit the setting, before any work.
    DenoiseError
        As :func:`napari_denoise.learning.training.job.train_job`.
    """
    trials: list[Trial] = []
    methods = variants(method, name, values)
    for i, (each, value) in enumerate(zip(methods, values, strict=True)):
        job = _try(each, value, images, reference=reference, seed=seed, device=device)
        part = i / len(values), (i + 1) / len(values)
        trials.append((yield from nested(job, *part, f"{name}={value}")))
        if on_trial:
            on_trial(trials[-1])
    return tuple(trials)


def _try(
    method: TrainingMethod,
    value: str,
    images: Sequence[TrainingImage],
    *,
    reference: Reference | None,
    seed: int,
    device: str,
) -> Job[Trial]:
    # Imported here: torch takes seconds.
    from napari_denoise.learning.training.job import train_job  # noqa: PLC0415

    start = time.perf_counter()
    model = yield from nested(train_job(method, images, seed=seed, device=device), 0.0, 0.9)
    seconds = time.perf_counter() - start
    first = images[0]
    denoiser = ModelDenoiser.of(model, device=device)
    judging = estimate_error_of_job(denoiser, first.pixels, first.layout)
    j_invariant = yield from nested(judging, 0.9, 0.95)
    found = nan
    if reference:
        result = yield from nested(denoise_job(denoiser, first.pixels, first.layout), 0.95, 1.0)
        found = psnr(reference.clean, result.image.pixels, data_range=reference.data_range)
    return Trial(value, model, j_invariant, found, seconds)
