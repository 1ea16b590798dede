"""Trainings that were interrupted, and models that are trained further."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from safetensors.numpy import load, save

from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import AxesError, FileError, ModelError, SettingsError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Notice, Request, run
from napari_denoise.learning.methods import CARE, N2N
from napari_denoise.learning.models.file import (
    load_model,
    read_checkpoint_info,
    read_model_info,
    save_model,
)
from napari_denoise.learning.training import autosave as autosave_module
from napari_denoise.learning.training.autosave import Autosave
from napari_denoise.learning.training.job import TrainingImage, TrainingProgress, train_job


def stop_at(step):
    def stop(event):
        return Request.STOP if getattr(event, "step", 0) == step else None

    return stop


def content(model, folder):
    save_model(model, folder / "compared.safetensors")
    return (folder / "compared.safetensors").read_bytes()


@pytest.fixture
def method(tiny):
    return tiny.model_copy(update={"n_steps": 24})


@pytest.fixture
def eager(monkeypatch):
    """Copies are kept all the time."""
    monkeypatch.setattr(autosave_module, "INTERVAL_S", 0.0)


@pytest.fixture
def stopped(method, image, tmp_path):
    """The file of a training that was stopped after 10 of 24 steps."""
    path = tmp_path / "stopped.safetensors"
    save_model(run(train_job(method, [image], device="cpu", seed=5), stop_at(10)), path)
    return path


@pytest.mark.parametrize("step", [1, 10, 23])
def test_a_stopped_training_gives_the_same_bytes_when_it_has_gone_on(method, image, tmp_path, step):
    method = method.model_copy(update={"patience": 7})
    whole = run(train_job(method, [image], seed=5, device="cpu"))
    part = run(train_job(method, [image], seed=5, device="cpu"), stop_at(step))
    save_model(part, tmp_path / "part.safetensors")
    assert part.n_steps == step
    part = load_model(tmp_path / "part.safetensors")
    events = []
    gone_on = run(train_job(method, [image], device="cpu", resume=part), events.append)
    assert content(gone_on, tmp_path) == content(whole, tmp_path)
    steps = [event.step for event in events if isinstance(event, TrainingProgress)]
    assert steps == list(range(step + 1, whole.n_steps + 1))


def test_pairs_go_on_with_the_same_bytes_too(image, noisy, small_instant, tmp_path):
    pair = replace(image, target=Image(2 * noisy.astype(np.float32), "YX", name="longer"))
    method = CARE(n_steps=8, patch_size=32)
    whole = run(train_job(method, [pair], device="cpu"))
    part = run(train_job(method, [pair], device="cpu"), stop_at(3))
    gone_on = run(train_job(method, [pair], device="cpu", resume=part))
    assert content(gone_on, tmp_path) == content(whole, tmp_path)


def test_a_stopped_model_denoises_as_its_averaged_weights_do(stopped):
    model = load_model(stopped)
    assert model.checkpoint is not None
    assert not torch.equal(
        model.checkpoint.weights,
        torch.cat([p.reshape(-1) for p in model.network.parameters()]),
    )
    assert read_checkpoint_info(stopped).n_done == 10


def test_a_finished_model_carries_no_more_than_its_weights(method, image, stopped, tmp_path):
    model = run(train_job(method, [image], device="cpu"))
    assert model.checkpoint is None
    finished = content(model, tmp_path)
    assert stopped.stat().st_size > 2 * len(finished)
    assert read_checkpoint_info(tmp_path / "compared.safetensors") is None


def test_a_finished_model_is_trained_further_on_other_images(method, image, tmp_path, rng):
    first = run(train_job(method, [image], device="cpu"))
    weights = [p.clone() for p in first.network.parameters()]
    other = TrainingImage.of(rng.normal(900, 300, (40, 40)), Layout("YX"), "other")
    events = []
    second = run(
        train_job(method.model_copy(update={"n_steps": 6}), [other], device="cpu", resume=first),
        events.append,
    )
    assert second.n_steps == 30
    assert second.normalization == first.normalization
    assert [e.step for e in events if isinstance(e, TrainingProgress)] == list(range(25, 31))
    assert [recipe.source for recipe in second.recipe.steps()] == ["spots", "other"]
    assert second.history[: len(first.history)] == first.history
    after = list(second.network.parameters())
    assert not all(torch.equal(a, b) for a, b in zip(weights, after, strict=True))
    for kept, now in zip(weights, first.network.parameters(), strict=True):
        assert torch.equal(kept, now)


def test_more_steps_lead_a_stopped_training_further(method, image, stopped):
    longer = method.model_copy(update={"n_steps": 40})
    assert run(train_job(longer, [image], device="cpu", resume=load_model(stopped))).n_steps == 40


def test_going_on_with_other_images_is_said(method, noisy, stopped):
    other = TrainingImage.of(noisy, Layout("YX"), "other")
    events = []
    run(train_job(method, [other], device="cpu", resume=load_model(stopped)), events.append)
    (notice,) = [event.message for event in events if isinstance(event, Notice)]
    assert notice == "The training began with spots, and goes on with other."


def test_other_images_may_be_smaller_than_the_patches_were(image, noisy, tiny):
    method = tiny.model_copy(update={"patch_size": None, "n_steps": 6})
    model = run(train_job(method, [image], device="cpu"), stop_at(2))
    small = TrainingImage.of(noisy[:24, :20], Layout("YX"), "small")
    assert run(train_job(method, [small], device="cpu", resume=model)).n_steps == 6


def test_too_little_memory_for_a_copy_does_not_end_the_training(
    eager, method, image, tmp_path, monkeypatch
):
    def fail(self):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr("napari_denoise.learning.training.trainer.Trainer.average", fail)
    job = train_job(method, [image], device="cpu", autosave=tmp_path / "copy.safetensors")
    assert run(job).n_steps == 24
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_the_model_is_refused(method, image, noisy, stopped):
    model = load_model(stopped)
    pair = replace(image, target=Image(noisy, "YX", name="again"))
    with pytest.raises(SettingsError, match=r"trained with Noise2Void, and Noise2Noise cannot"):
        run(train_job(N2N(), [pair], resume=model))
    with pytest.raises(SettingsError, match=r"depth 1, and cannot go on with 3"):
        run(train_job(method.model_copy(update={"depth": 3}), [image], resume=model))
    volume = TrainingImage.of(np.stack([noisy] * 4), Layout("ZYX", "ZYX"), "volume")
    with pytest.raises(AxesError, match=r"2D images \(YX\).*volume would give it ZYX"):
        run(train_job(method, [volume], resume=model))
    colours = TrainingImage.of(np.stack([noisy] * 2), Layout("CYX", "YX", "joint"), "colours")
    with pytest.raises(AxesError, match="YX with 2 channels at a time"):
        run(train_job(method, [colours], resume=model))


def change(path, edit):
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"]["napari-denoise"])
    tensors = load(raw)
    edit(header, tensors)
    path.write_bytes(save(tensors, metadata={"napari-denoise": json.dumps(header)}))


@pytest.mark.parametrize(
    "edit",
    [
        lambda header, tensors: tensors.pop("training.mean"),
        lambda header, tensors: tensors.update({"training.mean": np.zeros(3, np.float32)}),
        lambda header, tensors: header["training"].pop("n_done"),
        lambda header, tensors: header["training"].update(n_done="many"),
        lambda header, tensors: header.pop("training"),
        lambda header, tensors: header["training"].update(random={"state": 3}),
    ],
)
def test_a_damaged_state_is_refused_in_words(method, image, stopped, edit):
    change(stopped, edit)
    with pytest.raises(ModelError, match=r"damaged|do not fit"):
        run(train_job(method, [image], device="cpu", resume=load_model(stopped)))


def test_a_state_of_a_newer_format_is_refused(stopped):
    change(stopped, lambda header, tensors: header.update(format=99))
    with pytest.raises(ModelError, match="newer napari-denoise"):
        load_model(stopped)


def test_a_state_that_is_cut_off_is_refused(stopped):
    stopped.write_bytes(stopped.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cut off"):
        load_model(stopped)


def test_a_training_keeps_a_copy_from_which_it_can_go_on(eager, method, image, tmp_path):
    path = tmp_path / "new folder" / "copy.safetensors"
    job = train_job(method, [image], device="cpu", seed=5, autosave=path)
    while not path.exists():
        next(job)
    kept = load_model(path)
    job.close()
    whole = run(train_job(method, [image], device="cpu", seed=5))
    gone_on = run(train_job(method, [image], device="cpu", resume=kept))
    assert content(gone_on, tmp_path) == content(whole, tmp_path)


def test_a_training_that_failed_can_go_on_from_its_copy(
    eager, method, image, tmp_path, monkeypatch
):
    path = tmp_path / "copy.safetensors"

    def fail(self):
        raise RuntimeError("no such kernel")

    job = train_job(method, [image], device="cpu", autosave=path)
    while not path.exists():
        next(job)
    monkeypatch.setattr("napari_denoise.learning.training.trainer.Trainer.take_step", fail)
    with pytest.raises(RuntimeError, match="no such kernel"):
        run(job)
    assert load_model(path).checkpoint is not None


def test_a_copy_that_cannot_be_written_is_said_once_and_costs_nothing(
    eager, method, image, tmp_path, monkeypatch
):
    def refuse(model, path):
        raise FileError("The disk is full.")

    monkeypatch.setattr(autosave_module, "save_model", refuse)
    events = []
    job = train_job(method, [image], device="cpu", autosave=tmp_path / "copy.safetensors")
    assert run(job, lambda event: time.sleep(0.01) or events.append(event)).n_steps == 24
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert notices == ["The training goes on, but no copy of it could be kept: The disk is full."]


def test_copies_come_no_further_apart_than_half_a_minute():
    now = [0.0]
    with Autosave(None, lambda: now[0]) as none, Autosave(os.devnull, lambda: now[0]) as keeper:
        assert not keeper.is_due
        now[0] = 25.0
        assert keeper.is_due
        assert not none.is_due


KILLED = """
import sys, tifffile
from pathlib import Path
from napari_denoise.core.axes import Layout
from napari_denoise.learning.training import autosave
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.training.job import TrainingImage, train_job
autosave.INTERVAL_S = 0.05
method = N2V(n_steps=200_000, batch_size=2, patch_size=16, n_features=4, depth=1)
image = TrainingImage.of(tifffile.imread(sys.argv[1]), Layout("YX"), "spots")
for event in train_job(method, [image], device="cpu", autosave=Path(sys.argv[2])):
    pass
"""


def test_a_killed_process_leaves_a_training_that_goes_on(noisy, tmp_path):
    tifffile.imwrite(tmp_path / "spots.tif", noisy)
    path = tmp_path / "copy.safetensors"
    command = [sys.executable, "-c", KILLED, str(tmp_path / "spots.tif"), str(path)]
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 120
        while not path.exists() or read_checkpoint_info(path).n_done < 20:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    model = load_model(path)
    n_done = model.checkpoint.info.n_done
    assert read_model_info(path).recipe.source == "spots"
    method = model.method.model_copy(update={"n_steps": n_done + 2})
    image = TrainingImage.of(noisy, Layout("YX"), "spots")
    assert run(train_job(method, [image], device="cpu", resume=model)).n_steps == n_done + 2
