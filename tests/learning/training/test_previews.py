"""Previews: what a training makes of a piece of the image by now."""

import numpy as np
import pytest

from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Notice, Request, run
from napari_denoise.learning.training import previews
from napari_denoise.learning.training.job import Preview, PreviewCrop, TrainingProgress, train_job


@pytest.fixture
def eager(monkeypatch):
    """Previews all the time."""
    monkeypatch.setattr(previews, "_INTERVAL_S", 0.0)
    monkeypatch.setattr(previews, "_LARGEST_SHARE", 1e9)


@pytest.fixture
def crop(noisy):
    return PreviewCrop(noisy[None, :48, :40].astype(np.float32), place={"Z": 3})


def of_kind(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_previews_show_the_crop_in_its_own_units(eager, tiny, image, crop):
    events = []
    method = tiny.model_copy(update={"n_steps": 5})
    model = run(train_job(method, [image], device="cpu", preview=lambda: crop), events.append)
    shown = of_kind(events, Preview)
    assert [event.step for event in shown] == [1, 2, 3, 4, 5]
    for event in shown:
        assert event.crop is crop
        assert event.pixels.shape == crop.pixels.shape
        assert abs(event.pixels.mean() / crop.pixels.mean() - 1) < 0.3
    assert not np.array_equal(shown[0].pixels, shown[-1].pixels)
    without = run(train_job(method, [image], device="cpu"))
    assert without.history == model.history


def test_a_short_training_shows_none(tiny, image, crop):
    events = []
    run(train_job(tiny, [image], device="cpu", preview=lambda: crop), events.append)
    assert of_kind(events, Preview) == []


def test_nothing_is_shown_while_nothing_is_wanted(eager, tiny, image):
    events = []
    run(train_job(tiny, [image], device="cpu", preview=lambda: None), events.append)
    assert of_kind(events, Preview) == []


def test_a_crop_that_cannot_be_read_does_not_end_the_training(eager, tiny, image):
    def fail():
        raise InputError("The file is gone.")

    events = []
    assert run(train_job(tiny, [image], device="cpu", preview=fail), events.append).n_steps == 3
    messages = [event.message for event in of_kind(events, Notice)]
    assert messages == ["There are no more previews: The file is gone."]


def test_a_stop_during_a_preview_is_heard(eager, tiny, image, crop):
    def stop(event):
        is_step = isinstance(event, TrainingProgress)
        return None if is_step or event.message or event.fraction == 0 else Request.STOP

    method = tiny.model_copy(update={"n_steps": 1000})
    model = run(train_job(method, [image], device="cpu", preview=lambda: crop), stop)
    assert model.n_steps == 1


def test_previews_take_no_more_than_a_tenth_of_the_time(tiny, image, crop, monkeypatch):
    now = [0.0]

    class Slow:
        device, fraction, step = "cpu", 0.5, 7

        def denoise(self, tile):
            now[0] += 30.0
            yield from ()
            return tile

    shown = previews.Previews(lambda: crop, lambda: now[0])
    assert not shown.is_due
    now[0] = 5.0
    assert shown.is_due
    run(shown.show(Slow()))
    now[0] += 200
    assert not shown.is_due
    now[0] += 101
    assert shown.is_due
