"""Training: from noisy images to a model, as a job that can be stopped after every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch

from napari_denoise.errors import DenoiseError
from napari_denoise.learning.architecture import Architecture, choose_pooling
from napari_denoise.learning.config import TrainingMethod
from napari_denoise.learning.device import empty_cache, memory_errors, resolve_device
from napari_denoise.learning.methods import Example, make_example
from napari_denoise.learning.model import Model, ModelInfo
from napari_denoise.learning.networks import UNet
from napari_denoise.learning.normalization import Normalization, measure_normalization
from napari_denoise.learning.patches import (
    PatchSampler,
    TrainingImage,
    check_images,
    choose_patch_size,
    read_image,
)
from napari_denoise.learning.trainer import Trainer, TrainingProgress
from napari_denoise.progress import Job, Notice, Progress, Request
from napari_denoise.recipe import Recipe, software_version
from napari_denoise.settings import per_axis

__all__ = ["TrainingImage", "TrainingProgress", "train"]

_N_SAMPLES = 128
"""Patches that the normalisation is measured on."""

T = TypeVar("T")


def train(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    *,
    seed: int = 0,
    device: str = "auto",
) -> Job[Model]:
    """Train a model.

    Parameters
    ----------
    method : TrainingMethod
    images : sequence of TrainingImage
        With the same spatial axes and, where seen together, as many channels.
    seed : int
        Of all random numbers; the same seed on the same device gives the same model.
    device : str
        "auto", "cpu", "cuda:0", "mps".

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
    patch_size = choose_patch_size(images, method.patch_size)
    target = resolve_device(device)
    source = ", ".join(image.name for image in images)
    recipe = Recipe.of("train", method, images[0].layout, source=source, seed=seed)
    architecture = Architecture(
        n_channels=images[0].unit_shape[0],
        n_features=method.features_for(len(patch_size)),
        pooling=choose_pooling(patch_size, method.depth),
    )
    rng, validation_rng = np.random.default_rng(seed).spawn(2)
    with memory_errors(target):
        preparing = _prepare(method, images, patch_size, rng)
        sampler, normalization = yield from _refuse_stop(preparing)

        def draw(rng: np.random.Generator) -> Example:
            patches = sampler.draw_batch(method.batch_size, normalization, rng)
            return make_example(method, patches, rng)

        network = UNet(architecture, torch.Generator().manual_seed(seed))
        trainer = Trainer(method, network, draw(validation_rng), target)
        while not trainer.is_done:
            if (yield trainer.take_step(draw(rng))) is Request.STOP:
                break
        history, network = trainer.finish()
        del trainer
        empty_cache(target)
    info = ModelInfo(
        version=software_version(),
        method=method,
        architecture=architecture,
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
) -> Job[tuple[PatchSampler, Normalization]]:
    """All that is done before the first step."""
    if method.patch_size and per_axis(method.patch_size, len(patch_size), "") != patch_size:
        extent = " × ".join(str(size) for size in patch_size)
        yield Notice(fraction=0.0, message=f"The images have room for patches of {extent} only.")
    read: list[TrainingImage] = []
    for image in images:
        read += [(yield from read_image(image))]
    sampler = PatchSampler(read, patch_size)
    samples = []
    for _ in range(_N_SAMPLES):
        yield Progress(fraction=0.0, message="measuring intensities")
        samples.append(sampler.draw(rng))
    return sampler, measure_normalization(samples)


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
