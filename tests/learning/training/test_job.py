"""Training: that it learns, keeps what it has, repeats itself, and lets go."""

import gc
import math
import weakref

import dask.array as da
import numpy as np
import pytest
import torch

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, DenoiseError, DeviceError, InputError
from napari_denoise.core.progress import Notice, Request, run
from napari_denoise.learning.losses.regression import Regression
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.models.file import save_model
from napari_denoise.learning.networks.unet import UNet
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training import trainer as trainer_module
from napari_denoise.learning.training.job import TrainingImage, TrainingProgress, train_job


def denoised(model, image, layout):
    return run(denoise_job(ModelDenoiser.of(model, device="cpu"), image, layout)).image.pixels


def steps_of(events):
    return [event for event in events if isinstance(event, TrainingProgress)]


def test_training_on_a_noisy_image_brings_it_closer_to_the_clean_one(rng):
    y, x = np.mgrid[:128, :128] / 8
    clean = 100 + 50 * np.sin(y) * np.cos(x) + 50 * (np.hypot(y - 8, x - 8) < 4)
    noisy = rng.poisson(clean).astype(np.uint16)
    method = N2V(n_steps=60, n_features=8, patch_size=32, learning_rate=4e-3)
    layout = Layout("YX")
    model = run(train_job(method, [TrainingImage.of(noisy, layout, "spots")], device="cpu"))
    result = denoised(model, noisy, layout)
    gain_db = 10 * math.log10(np.mean((noisy - clean) ** 2) / np.mean((result - clean) ** 2))
    assert gain_db > 4
    assert abs(result.mean() / noisy.mean() - 1) < 0.02


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((20, 24), Layout("YX")),
        ((3, 20, 24), Layout("TYX")),
        ((5, 20, 24), Layout("ZYX", "ZYX")),
        ((1, 20, 24), Layout("ZYX", "ZYX")),
        ((2, 20, 24), Layout("CYX", "YX", "joint")),
        ((2, 3, 2, 20, 24), Layout("TZCYX", "ZYX", "joint")),
    ],
)
def test_any_layout_can_be_trained_on_and_denoised(rng, tiny, shape, layout):
    noisy = rng.normal(100, 10, size=shape)
    method = tiny.model_copy(update={"patch_size": None})
    model = run(train_job(method, [TrainingImage.of(noisy, layout, "noisy")]))
    assert model.spatial == layout.spatial
    assert model.n_channels == (2 if layout.channels == "joint" else 1)
    result = denoised(model, noisy, layout)
    assert result.shape == shape
    assert np.isfinite(result).all()


def test_each_step_is_told_and_the_last_point_of_the_history_is_the_last_step(tiny, image):
    events = []
    model = run(train_job(tiny, [image]), events.append)
    steps = steps_of(events)
    assert [event.step for event in steps] == [1, 2, 3]
    assert all(event.n_steps == 3 and math.isfinite(event.loss) for event in steps)
    assert steps[-1].fraction == 1.0
    assert model.n_steps == model.history[-1].step == 3
    assert model.history[-1].validation_loss == steps[-1].validation_loss
    assert model.recipe.seed == 0
    assert model.recipe.source == "spots"


def test_the_history_stays_short_in_a_long_training(tiny, image):
    model = run(train_job(tiny.model_copy(update={"n_steps": 250, "patch_size": 8}), [image]))
    assert len(model.history) == 51


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tiny, image, tmp_path):
    content, results = [], []
    for seed in (1, 1, 2):
        model = run(train_job(tiny, [image], seed=seed, device="cpu"))
        save_model(model, tmp_path / "model.safetensors")
        content.append((tmp_path / "model.safetensors").read_bytes())
        results.append(denoised(model, image.pixels, image.layout))
    assert content[0] == content[1] != content[2]
    np.testing.assert_array_equal(results[0], results[1])


def test_a_lazy_image_trains_as_the_same_array_does(tiny, image):
    lazy = TrainingImage.of(da.from_array(image.pixels, chunks=32), image.layout, image.name)
    assert run(train_job(tiny, [lazy])).history == run(train_job(tiny, [image])).history


def test_global_state_is_left_alone(tiny, image):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    n_threads = torch.get_num_threads()
    job = train_job(tiny, [image])
    for _ in job:
        assert torch.is_grad_enabled()
        assert not torch.is_autocast_enabled("cpu")
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    assert torch.get_num_threads() == n_threads


@pytest.mark.parametrize("n_done", [1, 2, 7])
def test_stop_keeps_the_model_trained_so_far(image, tiny, n_done):
    def stop(event):
        is_enough = isinstance(event, TrainingProgress) and event.step == n_done
        return Request.STOP if is_enough else None

    method = tiny.model_copy(update={"n_steps": 1000})
    model = run(train_job(method, [image]), stop)
    assert model.n_steps == n_done
    assert np.isfinite(denoised(model, image.pixels, image.layout)).all()


def test_a_stop_before_the_first_step_says_that_there_is_no_model(tiny, image):
    with pytest.raises(DenoiseError, match="before its first step"):
        run(train_job(tiny, [image]), lambda event: Request.STOP)


def test_closing_a_training_frees_its_memory(tiny, image, monkeypatch):
    networks = []
    monkeypatch.setattr(
        "napari_denoise.learning.networks.unet.UNet",
        lambda *args: networks.append(network := UNet(*args)) or network,
    )
    job = train_job(tiny, [image])
    while not isinstance(next(job), TrainingProgress):
        pass
    freed = weakref.ref(networks.pop())
    job.close()
    del job
    gc.collect()
    assert freed() is None


@pytest.fixture
def bad_losses(monkeypatch):
    """Makes the losses of some steps NaN."""

    def make(is_bad):
        count = iter(range(10**6))
        take_loss = Regression.loss

        def loss(self, network, batch):
            learns = next(network.parameters()).requires_grad
            factor = torch.nan if learns and is_bad(next(count)) else 1.0
            return take_loss(self, network, batch) * factor

        monkeypatch.setattr(Regression, "loss", loss)

    return make


def test_a_nan_loss_is_survived_with_a_notice_and_half_the_learning_rate(bad_losses, tiny, image):
    bad_losses(lambda n: n == 2)
    events = []
    model = run(train_job(tiny.model_copy(update={"n_steps": 5}), [image]), events.append)
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert notices == ["The training diverged; going on from step 2 with learning rate 0.001."]
    assert [event.step for event in steps_of(events)] == [1, 2, 3, 4, 5]
    assert np.isfinite(denoised(model, image.pixels, image.layout)).all()


def test_a_training_that_keeps_diverging_ends_with_advice(bad_losses, tiny, image):
    bad_losses(lambda n: True)
    with pytest.raises(DenoiseError, match=r"diverged 6 times.*Lower the learning_rate"):
        run(train_job(tiny, [image]))


def test_a_stop_after_nothing_but_failures_says_that_there_is_no_model(bad_losses, tiny, image):
    bad_losses(lambda n: True)
    with pytest.raises(DenoiseError, match="before it had learned anything"):
        run(
            train_job(tiny, [image]),
            lambda event: Request.STOP if isinstance(event, Notice) else None,
        )


def test_a_validation_loss_that_is_nan_leads_back_to_the_last_good_weights(
    tiny, image, monkeypatch
):
    take_loss = Regression.loss

    count = iter(range(10**6))

    def loss(self, network, batch):
        is_bad = not next(network.parameters()).requires_grad and next(count) > 0
        return take_loss(self, network, batch) * (torch.nan if is_bad else 1.0)

    monkeypatch.setattr(Regression, "loss", loss)

    def stop_at_two(event):
        return Request.STOP if getattr(event, "step", 0) == 2 else None

    method = tiny.model_copy(update={"n_steps": 1000})  # validated at step 1, 20, 40…
    model = run(train_job(method, [image]), stop_at_two)
    assert model.n_steps == 1
    assert np.isfinite(denoised(model, image.pixels, image.layout)).all()


def test_weights_that_are_no_good_are_not_kept(tiny, image, monkeypatch):
    measure = trainer_module.Trainer._validate
    monkeypatch.setattr(
        trainer_module.Trainer,
        "_validate",
        lambda self: None if self._optimizer.n_steps > 4 else measure(self),
    )
    events = []

    def on_event(event):
        events.append(event)
        return Request.STOP if isinstance(event, Notice) else None

    model = run(train_job(tiny.model_copy(update={"n_steps": 8}), [image]), on_event)
    assert model.n_steps == 4
    assert isinstance(events[-1], Notice)


def test_an_extreme_learning_rate_never_gives_a_broken_model(tiny, image):
    method = tiny.model_copy(update={"learning_rate": 1.0, "n_steps": 30})
    try:
        model = run(train_job(method, [image]))
    except DenoiseError:
        return
    assert np.isfinite(denoised(model, image.pixels, image.layout)).all()


def test_images_that_cannot_be_learned_from_are_refused(tiny):
    layout = Layout("YX")
    constant = TrainingImage.of(np.full((32, 32), 7, np.uint8), layout, "constant")
    with pytest.raises(InputError, match="constant: every pixel that was looked at is 7"):
        run(train_job(tiny, [constant]))
    broken = TrainingImage.of(np.full((32, 32), np.nan), layout, "broken")
    with pytest.raises(InputError, match="broken has 1024 pixels that are NaN"):
        run(train_job(tiny, [broken]))
    with pytest.raises(InputError, match="at least 4 × 4"):
        run(train_job(tiny, [TrainingImage.of(np.eye(3), layout, "dot")]))
    stacks = [
        TrainingImage.of(np.ones((n, 8, 8)), Layout("CYX", "YX", "joint"), "") for n in (2, 3)
    ]
    with pytest.raises(AxesError, match="channels to be seen together"):
        run(train_job(tiny, stacks))


def test_an_image_smaller_than_the_wanted_patch_is_trained_on_with_a_notice(tiny, rng):
    events = []
    small = TrainingImage.of(rng.normal(size=(9, 7)), Layout("YX"), "small")
    run(train_job(tiny, [small]), events.append)
    assert events[0].message == "The images have room for patches of 9 × 7 only."


def test_several_images_give_one_model(tiny, rng):
    images = [
        TrainingImage.of(rng.normal(size=shape), Layout(axes), axes)
        for shape, axes in (((20, 30), "YX"), ((3, 25, 18), "TYX"))
    ]
    model = run(train_job(tiny, images))
    assert model.recipe.source == "YX, TYX"


def test_running_out_of_memory_is_said_in_words(tiny, image, monkeypatch):
    def fail(self, batch):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(UNet, "compute", fail)
    with pytest.raises(DeviceError, match="not enough memory for even a single small patch"):
        run(train_job(tiny, [image]))


def test_an_unknown_device_is_refused(tiny, image):
    with pytest.raises(DeviceError, match="no device 'cuda:99'"):
        run(train_job(tiny, [image], device="cuda:99"))


@pytest.mark.parametrize("replacement", ["median", "uniform"])
def test_other_replacements_can_be_trained_with(tiny, image, replacement):
    model = run(train_job(tiny.model_copy(update={"replacement": replacement}), [image]))
    assert math.isfinite(model.history[-1].loss)
