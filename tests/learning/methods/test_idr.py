"""Iterative data refinement: a network that learns from what another one made of the image."""

import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, SettingsError
from napari_denoise.core.progress import Request, run
from napari_denoise.learning.methods import IDR
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training import autosave as autosave_module
from napari_denoise.learning.training.job import TrainingImage, train_job
from napari_denoise.learning.training.progress import TrainingProgress

YX = Layout("YX")
SMALL = {"n_features": 8, "patch_size": 32, "learning_rate": 4e-3}
GIVEN = {"gain": 3.0, "offset": 100.0, "read_noise": 4.0}
TINY = {"n_steps": 2, "n_features": 4, "depth": 1, "patch_size": 16, "n_rounds": 1, **GIVEN}


def scene(rng, shape):
    """Electrons: round bodies of different brightness."""
    seeds = ndimage.gaussian_filter((rng.random(shape) < 0.01) * rng.random(shape), 3)
    return 10 + 50 * seeds / seeds.max()


def recorded(rng, electrons):
    dn = rng.poisson(electrons) * 3.0 + 100 + rng.normal(0, 4, electrons.shape)
    return dn.astype(np.float32)


def training(method, noisy, layout=YX, **more):
    return train_job(method, [TrainingImage.of(noisy, layout, "image")], device="cpu", **more)


def given(model, noisy, layout=YX):
    return run(denoise_job(ModelDenoiser.of(model, device="cpu"), noisy, layout)).image.pixels


def rmse(image, clean):
    return float(np.sqrt(np.mean((image - clean) ** 2)))


def test_a_refined_network_is_better_than_the_first_one(rng):
    electrons = scene(rng, (160, 160))
    noisy, clean = recorded(rng, electrons), 100 + 3 * electrons
    first, refined = (
        given(run(training(IDR(n_steps=100, n_rounds=n, **SMALL, **GIVEN), noisy)), noisy)
        for n in (0, 1)
    )
    assert rmse(refined, clean) < 0.95 * rmse(first, clean)
    assert refined.mean() == pytest.approx(noisy.mean(), rel=0.01)


@pytest.mark.parametrize("noise", ["mixture", "histogram"])
def test_its_model_is_the_same_again_and_after_a_file(rng, noise, tmp_path):
    noisy = recorded(rng, scene(rng, (64, 64)))
    path, contents = tmp_path / "model.safetensors", []
    for _ in "ab":
        model = run(training(IDR(noise=noise, **TINY), noisy))
        save_model(model, path)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]
    loaded = load_model(path)
    assert loaded.method == IDR(noise=noise, **TINY)
    np.testing.assert_array_equal(given(loaded, noisy), given(model, noisy))


def test_it_takes_volumes(rng):
    noisy, layout = recorded(rng, np.full((5, 21, 26), 20.0)), Layout("ZYX", "ZYX")
    noisy[:, :10] += 60
    model = run(training(IDR(**{**TINY, "patch_size": None}), noisy, layout))
    result = given(model, noisy, layout)
    assert result.shape == noisy.shape
    assert np.isfinite(result).all()


def test_a_stop_in_the_first_round_keeps_what_it_has_learned(rng):
    noisy = recorded(rng, scene(rng, (64, 64)))

    def stop(event):
        return Request.STOP if isinstance(event, TrainingProgress) else None

    model = run(training(IDR(**{**TINY, "n_steps": 1000}), noisy), stop)
    assert model.n_steps < 10


def stopped_after(n_steps):
    """A driver that stops the training when so many steps of all rounds are done."""

    def stop(event):
        is_there = isinstance(event, TrainingProgress) and event.step >= n_steps
        return Request.STOP if is_there else None

    return stop


def n_rounds(model):
    n, recipe = 0, model.recipe
    while recipe:
        n, recipe = n + 1, recipe.previous
    return n


def test_a_first_round_that_was_interrupted_goes_on_to_the_same_bytes(rng, tmp_path):
    noisy = recorded(rng, scene(rng, (64, 64)))
    method = IDR(**{**TINY, "n_steps": 6})
    whole = run(training(method, noisy, seed=3))
    part = run(training(method, noisy, seed=3), stopped_after(2))
    save_model(part, tmp_path / "part.safetensors")
    again = run(training(method, noisy, resume=load_model(tmp_path / "part.safetensors")))
    for name, model in (("whole", whole), ("again", again)):
        save_model(model, tmp_path / name)
    assert part.checkpoint is not None
    assert (tmp_path / "again").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_later_round_that_was_interrupted_begins_again_with_what_was_learned(rng, tmp_path):
    noisy = recorded(rng, scene(rng, (64, 64)))
    method = IDR(**{**TINY, "n_steps": 4, "n_rounds": 2})
    part = run(training(method, noisy), stopped_after(6))
    assert part.n_steps == 6
    for _ in "ab":  # interrupted twice
        save_model(part, tmp_path / "part.safetensors")
        part = run(
            training(method, noisy, resume=load_model(tmp_path / "part.safetensors")),
            stopped_after(part.n_steps + 2),
        )
        assert n_rounds(part) == 2
    again = run(training(method, noisy, resume=part))
    assert n_rounds(again) == 3
    assert again.checkpoint is None
    assert again.method == method


def test_copies_are_kept_of_every_round(rng, tmp_path, monkeypatch):
    monkeypatch.setattr(autosave_module, "INTERVAL_S", 0.0)
    noisy, path = recorded(rng, scene(rng, (64, 64))), tmp_path / "copy.safetensors"
    seen = set()
    for _ in training(IDR(**{**TINY, "n_steps": 20}), noisy, autosave=path):
        if path.exists():
            copy = load_model(path)
            assert copy.checkpoint is not None
            seen.add(n_rounds(copy))
    assert seen == {1, 2}


def test_what_it_cannot_do_is_refused_in_words(rng):
    both = recorded(rng, np.full((2, 40, 40), 20.0))
    with pytest.raises(AxesError, match="takes one at a time"):
        run(training(IDR(**TINY), both, Layout("CYX", "YX", "joint")))
    noisy = recorded(rng, scene(rng, (64, 64)))
    model = run(training(IDR(**{**TINY, "n_rounds": 0}), noisy))
    with pytest.raises(SettingsError, match="Begin with a new network"):
        run(training(IDR(**TINY), noisy, resume=model))
