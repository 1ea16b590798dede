"""Training: from noisy images to a model, as a job that can be stopped after every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import AxesError, DenoiseError, OutOfMemoryError
from napari_denoise.core.progress import Job, Notice, Request, nested
from napari_denoise.learning.data.images import (
    TrainingImage,
    check_images,
    choose_patch_size,
    read_images,
)
from napari_denoise.learning.data.sampler import PatchSampler, draw_samples
from napari_denoise.learning.device import empty_cache, memory_errors, resolve_device
from napari_denoise.learning.losses.strategy import Start, Strategy
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.models.checkpoint import Checkpoint, CheckpointInfo
from napari_denoise.learning.models.model import Model
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.training.autosave import Autosave
from napari_denoise.learning.training.batch_memory import fit_to_memory
from napari_denoise.learning.training.batches import Batches
from napari_denoise.learning.training.previews import Previews
from napari_denoise.learning.training.progress import Preview, PreviewCrop, TrainingProgress
from napari_denoise.learning.training.provenance import Provenance, method_to_go_on_with
from napari_denoise.learning.training.selection import make_sampler
from napari_denoise.learning.training.threads import ThreadWatch
from napari_denoise.learning.training.trainer import Trainer

__all__ = ["Preview", "PreviewCrop", "TrainingImage", "TrainingProgress", "train_job"]

MakeModel = Callable[[Network, CheckpointInfo, Checkpoint | None], Model]
T = TypeVar("T")


def train_job(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    *,
    seed: int = 0,
    device: str = "auto",
    psf: Any = None,
    resume: Model | None = None,
    autosave: Path | None = None,
    preview: Callable[[], PreviewCrop | None] | None = None,
) -> Job[Model]:
    """Train a model.

    Parameters
    ----------
    method : TrainingMethod
    images : sequence of TrainingImage
        With the same spatial axes and, where seen together, as many channels; each with a target
        for methods that learn from pairs, unless the repeats within it are the pairs.
    seed : int
        Of all random numbers; the same seed on the same device gives the same model, unless a
        notice says that the training went on with another number of threads.
    device : str
        "auto", "cpu", "cuda:0", "mps".
    psf : array-like, ``(Z)YX``, optional
        A measured PSF for DecoNoising, with the images' pixel size; used instead of what the
        settings say.
    resume : Model, optional
        A model to train further, with its network and its normalisation. If its training was
        interrupted, that one goes on, with its own seed: on the CPU, with the same images and
        settings, the result is the same to the byte as without the interruption, unless they are
        too large for memory. Else another
        training, of as many steps as `method` says, begins with its weights.
    autosave : Path, optional
        File for the unfinished model, written every 20 s, from which a training can go on
        whose process was killed. It is the caller's to remove.
    preview : callable, optional
        Asked every few seconds for a crop to denoise, which then comes as a :class:`Preview`;
        never in short trainings. Called in the thread that runs the job.

    Returns
    -------
    Model
        When the job has come to its end, or has been sent ``Request.STOP``; then with the
        checkpoint from which the training can go on.

    Raises
    ------
    InputError, AxesError, SettingsError
        If the images cannot be learned from, or do not fit the model to go on with, before any
        work.
    DeviceError
        If the device cannot compute, or runs out of memory even with the smallest batches.
    DenoiseError
        If the training is stopped before its first step, or does not converge.
    """
    # All that can be refused without reading a pixel, before any work.
    check_images(images)
    method.check_images(images)
    _check_channels(method, images[0])
    # An interrupted training keeps its own seed, in every round.
    seed = Provenance(method, tuple(images), seed, resume).seed
    once = partial(
        _train_once, seed=seed, device=device, psf=psf, autosave=autosave, preview=preview
    )
    strategy: Strategy[TrainingMethod] = method.strategy()
    return (yield from strategy.train(once, images, device=device, resume=resume))


def _train_once(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    *,
    seed: int,
    device: str,
    psf: Any = None,
    resume: Model | None = None,
    autosave: Path | None = None,
    preview: Callable[[], PreviewCrop | None] | None = None,
) -> Job[Model]:
    """As :func:`train_job`, of methods that train several times once."""
    patch_size = choose_patch_size(images, _wanted_size(method, images))
    if resume:
        method = method_to_go_on_with(method, images, resume)
    # A model to go on with has its own.
    kernel = None if resume else method.make_psf(images, patch_size, psf)
    place = resolve_device(device)
    if resume is None:
        method = yield from _refuse_stop(method.strategy().suggest(images))
    provenance = Provenance(method, tuple(images), seed, resume)
    rng, validation_rng = provenance.generators()
    with memory_errors(place), Autosave(autosave) as keeper, ThreadWatch(place) as threads:
        preparing = _prepare(method, images, patch_size, rng, provenance, psf=kernel)
        preparing = nested(preparing, provenance.fraction, provenance.fraction)
        sampler, start = yield from _refuse_stop(preparing)
        batches = Batches(method, sampler, rng=rng, validation_rng=validation_rng)
        if resume:
            batches.go_on_from(resume)
        trainer = Trainer(method, start, batches, place, resumed=resume)
        # Not the start itself: its network, which is being trained, is the trainer's alone.
        make_model = partial(provenance.model, start.normalization)
        del start
        yield from fit_to_memory(trainer, batches)
        yield from _steps(trainer, batches, keeper, Previews(preview), make_model, threads=threads)
        parts = yield from _finish(trainer)
        # Its memory is to be free before the model is handed on.
        del trainer
        empty_cache(place)
        return make_model(*parts)


def _finish(trainer: Trainer) -> Job[tuple[Network, CheckpointInfo, Checkpoint | None]]:
    """What has been learned, how it came about, and what an unfinished training goes on from."""
    # Before the trainer goes back to weights that are good for use: a training goes on with others.
    checkpoint = None if trainer.is_done else trainer.checkpoint()
    if words := trainer.schedule.ending_in_words():
        yield Notice(fraction=1.0, message=words)
    return *trainer.finish(), checkpoint


def _steps(
    trainer: Trainer,
    batches: Batches,
    keeper: Autosave,
    previews: Previews,
    make_model: MakeModel,
    *,
    threads: ThreadWatch,
) -> Job[None]:
    """Train until the training is done or the user stops it."""
    request: Request | None = None
    while not trainer.is_done and request is not Request.STOP:
        if (yield from batches.read_ahead(trainer.fraction)) is Request.STOP:
            return
        try:
            with memory_errors(trainer.device):
                event = trainer.take_step()
        except OutOfMemoryError:
            event = trainer.shrink()
        request = yield event
        if request is Request.STOP:
            return
        if keeper.is_due:
            _keep_copy(trainer, keeper, make_model)
        for words in filter(None, (threads.look(), keeper.failure())):
            request = (yield Notice(fraction=trainer.fraction, message=words)) or request
        if previews.is_due:
            request = (yield from previews.show(trainer)) or request


def _keep_copy(trainer: Trainer, keeper: Autosave, make_model: MakeModel) -> None:
    """Have a copy written; if there is no memory to spare, the training matters more."""
    # The average and the optimiser's state are copied first: the file is written while training
    # goes on.
    with suppress(OutOfMemoryError), memory_errors(trainer.device):
        if checkpoint := trainer.checkpoint():
            keeper.write(partial(make_model, trainer.average(), checkpoint.info, checkpoint))


def _prepare(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    patch_size: tuple[int, ...],
    rng: np.random.Generator,
    provenance: Provenance,
    *,
    psf: FloatArray | None,
) -> Job[tuple[PatchSampler, Start]]:
    """All that is done before the first step."""
    if words := provenance.in_words():
        yield Notice(fraction=0.0, message=words)
    if method.patch_size and _wanted_size(method, images) != patch_size:
        extent = " × ".join(str(size) for size in patch_size)
        yield Notice(fraction=0.0, message=f"The images have room for patches of {extent} only.")
    # Before the sampler, which draws from memory what is in memory.
    read = yield from read_images(images)
    sampler = yield from make_sampler(method, read, patch_size, rng)
    if provenance.resumed:
        return sampler, _start_from(provenance.resumed)
    samples = yield from draw_samples(sampler, rng, "measuring intensities")
    start = method.strategy().initialize(sampler, samples, seed=provenance.seed, psf=psf)
    return sampler, (yield from start)


def _start_from(model: Model) -> Start:
    """Begin with the weights and the normalisation of a model, which stays as it is."""
    network: Network = deepcopy(model.network)
    return Start(network.requires_grad_(requires_grad=True), model.normalization)


def _check_channels(method: TrainingMethod, image: TrainingImage) -> None:
    """Refuse channels seen together where a method cannot.

    Raises
    ------
    AxesError
        With what to do.
    """
    n_channels = image.unit_shape[0]
    if n_channels > 1 and not method.sees_channels_jointly:
        raise AxesError(
            f"{method.title} sees one channel at a time, and is given {n_channels} together. "
            f"Choose independent channels."
        )


def _wanted_size(method: TrainingMethod, images: Sequence[TrainingImage]) -> tuple[int, ...]:
    return method.patch_size_for(images[0].layout.n_spatial)


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
