"""Training: from noisy images to a model, as a job that can be stopped after every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from napari_denoise.errors import DenoiseError
from napari_denoise.intensities import FloatArray
from napari_denoise.learning.config import TrainingMethod
from napari_denoise.learning.device import empty_cache, memory_errors, resolve_device
from napari_denoise.learning.examples import make_example
from napari_denoise.learning.model import Model, ModelInfo
from napari_denoise.learning.pairs import check_pairs
from napari_denoise.learning.patches import (
    TrainingImage,
    check_images,
    choose_patch_size,
)
from napari_denoise.learning.preparing import draw_samples, make_sampler
from napari_denoise.learning.psf import make_psf
from napari_denoise.learning.reading import read_images
from napari_denoise.learning.sampler import PatchSampler
from napari_denoise.learning.starting import Start, begin
from napari_denoise.learning.suggestion import suggest
from napari_denoise.learning.trainer import Trainer, TrainingProgress
from napari_denoise.progress import Job, Notice, Request
from napari_denoise.recipe import Recipe, software_version

__all__ = ["TrainingImage", "TrainingProgress", "train"]

T = TypeVar("T")


def train(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    *,
    seed: int = 0,
    device: str = "auto",
    psf: Any = None,
) -> Job[Model]:
    """Train a model.

    Parameters
    ----------
    method : TrainingMethod
    images : sequence of TrainingImage
        With the same spatial axes and, where seen together, as many channels; each with a target
        for methods that learn from pairs, unless the repeats within it are the pairs.
    seed : int
        Of all random numbers; the same seed on the same device gives the same model.
    device : str
        "auto", "cpu", "cuda:0", "mps".
    psf : array-like, ``(Z)YX``, optional
        A measured PSF for DecoNoising, with the images' pixel size; used instead of what the
        settings say.

    Returns
    -------
    Model
        When the job has come to its end, or has been sent ``Request.STOP``.

    Raises
    ------
    InputError, AxesError, SettingsError
        If the images cannot be learned from, before any work.
    DeviceError
        If the device cannot compute or runs out of memory.
    DenoiseError
        If the training is stopped before its first step, or does not converge.
    """
    check_images(images)
    check_pairs(method, images)
    patch_size = choose_patch_size(images, _wanted_size(method, images))
    kernel = make_psf(method, images, patch_size, psf)
    place = resolve_device(device)
    method = yield from _refuse_stop(suggest(method, images))
    source = ", ".join(_name(image) for image in images)
    recipe = Recipe.of("train", method, images[0].layout, source=source, seed=seed)
    rng, validation_rng = np.random.default_rng(seed).spawn(2)
    with memory_errors(place):
        preparing = _prepare(method, images, patch_size, rng, seed, psf=kernel)
        sampler, start = yield from _refuse_stop(preparing)
        normalization = start.normalization
        validation = make_example(method, sampler, validation_rng)
        trainer = Trainer(method, start, validation, place)
        del start
        while not trainer.is_done:
            if (yield trainer.take_step(make_example(method, sampler, rng))) is Request.STOP:
                break
        history, network = trainer.finish()
        del trainer
        empty_cache(place)
    info = ModelInfo(
        version=software_version(),
        method=method,
        architecture=network.architecture,
        normalization=normalization,
        spatial=images[0].layout.spatial,
        history=history,
        recipe=recipe,
    )
    return Model.of(info, network)


def _prepare(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    patch_size: tuple[int, ...],
    rng: np.random.Generator,
    seed: int,
    *,
    psf: FloatArray | None,
) -> Job[tuple[PatchSampler, Start]]:
    """All that is done before the first step."""
    if method.patch_size and _wanted_size(method, images) != patch_size:
        extent = " × ".join(str(size) for size in patch_size)
        yield Notice(fraction=0.0, message=f"The images have room for patches of {extent} only.")
    read = yield from read_images(images)
    sampler = yield from make_sampler(method, read, patch_size, rng)
    samples = yield from draw_samples(sampler, rng, "measuring intensities")
    return sampler, (yield from begin(method, sampler, samples, seed=seed, psf=psf))


def _wanted_size(method: TrainingMethod, images: Sequence[TrainingImage]) -> tuple[int, ...]:
    return method.patch_size_for(images[0].layout.n_spatial)


def _name(image: TrainingImage) -> str:
    return f"{image.name} → {image.target_name}" if image.target_name else image.name


def _refuse_stop(job: Job[T]) -> Job[T]:
    """Run a job during which there is no model yet that a stop could keep.

    Raises
    ------
    DenoiseError
        If the user stops.
    """
    try:
        while True:
            if (yield next(job)) is Request.STOP:
                raise DenoiseError(
                    "The training was stopped before its first step, so there is no model. "
                    "Start it again."
                )
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        job.close()
