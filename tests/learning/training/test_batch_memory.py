"""Trainings on machines with little memory."""

import numpy as np
import pytest
import torch

from napari_denoise.core.errors import DeviceError
from napari_denoise.core.progress import Notice, Request, run
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.device import free_memory
from napari_denoise.learning.networks.unet import UNet
from napari_denoise.learning.training import batch_memory
from napari_denoise.learning.training.batches import Batches
from napari_denoise.learning.training.job import TrainingProgress, train_job
from napari_denoise.learning.training.trainer import Trainer


@pytest.fixture
def room(monkeypatch):
    """Lets torch run out of memory for batches with more than so many pixels."""

    def limit(n_pixels, *, from_step=1):
        forward, n_calls = UNet.compute, [0]

        def forward_or_fail(self, batch):
            n_calls[0] += next(self.parameters()).requires_grad
            if batch.numel() > n_pixels and n_calls[0] >= from_step:
                raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
            return forward(self, batch)

        monkeypatch.setattr(UNet, "compute", forward_or_fail)

    return limit


def notices(events):
    return [event.message for event in events if isinstance(event, Notice)]


def test_the_batch_is_halved_when_memory_runs_out_and_no_step_is_lost(tiny, image, room):
    room(2 * 16 * 16, from_step=4)
    method = tiny.model_copy(update={"batch_size": 8, "n_steps": 8})
    events = []
    model = run(train_job(method, [image], device="cpu"), events.append)
    steps = [event.step for event in events if isinstance(event, TrainingProgress)]
    assert steps == list(range(1, 9))
    assert notices(events) == [
        "Memory ran out; going on from step 3 with 4 patches of 16 × 16 per batch.",
        "Memory ran out; going on from step 3 with 2 patches of 16 × 16 per batch.",
    ]
    assert model.method.batch_size == 8
    assert model.recipe.settings["batch_size"] == 2


def test_patches_are_halved_where_the_batch_cannot_be(tiny, image, room):
    room(40 * 40)
    method = tiny.model_copy(update={"batch_size": 1, "patch_size": (80, 80)})
    events = []
    model = run(train_job(method, [image], device="cpu"), events.append)
    assert notices(events)[0].endswith("with 1 patch of 40 × 40 per batch.")
    assert model.n_steps == 3
    assert model.recipe.settings["patch_size"] == [40, 40]


def test_a_stopped_training_goes_on_with_the_batches_that_fitted(tiny, image, room):
    room(2 * 16 * 16)
    method = tiny.model_copy(update={"batch_size": 8, "n_steps": 6})

    def stop(event):
        return Request.STOP if getattr(event, "step", 0) == 3 else None

    stopped = run(train_job(method, [image], device="cpu"), stop)
    events = []
    run(train_job(method, [image], device="cpu", resume=stopped), events.append)
    assert notices(events) == []


def test_too_little_memory_for_anything_is_said_in_words(tiny, image, room):
    room(10)
    with pytest.raises(DeviceError, match="not enough memory for even a single small patch"):
        run(train_job(tiny, [image], device="cpu"))


def test_batches_that_will_not_fit_are_made_smaller_at_once(tiny, image, monkeypatch):
    monkeypatch.setattr(batch_memory, "_SURE_TO_FIT", 0)
    method = tiny.model_copy(update={"batch_size": 64})
    monkeypatch.setattr(batch_memory, "free_memory", lambda device: 2**20)
    events = []
    model = run(train_job(method, [image], device="cpu"), events.append)
    (notice,) = notices(events)
    assert notice.startswith("A step on 64 patches of 16 × 16 takes some 0.")
    assert 1 <= model.recipe.settings["batch_size"] < 64


def test_free_memory_changes_nothing_as_long_as_it_suffices(tiny, image, monkeypatch):
    plain = run(train_job(tiny, [image], device="cpu"))
    monkeypatch.setattr(batch_memory, "_SURE_TO_FIT", 0)
    events = []
    measured = run(train_job(tiny, [image], device="cpu"), events.append)
    assert notices(events) == []
    assert measured.history == plain.history


def test_there_is_some_free_memory_here():
    assert free_memory(torch.device("cpu")) > 2**24


def test_the_memory_of_a_step_is_about_what_is_measured(tiny, image):
    sampler = PatchSampler([image], (64, 64))
    rng = np.random.default_rng(0)
    start = run(tiny.strategy().initialize(sampler, sampler.draw(8, rng), seed=0))
    batches = Batches(tiny, sampler, rng=rng, validation_rng=np.random.default_rng(1))
    trainer = Trainer(tiny, start, batches, torch.device("cpu"))
    probe, n_pixels = batches.probe()
    assert n_pixels == 64 * 64
    assert 40 < trainer.saved_bytes(probe) / n_pixels < 800
