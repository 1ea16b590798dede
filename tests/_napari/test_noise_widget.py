"""The Noise dock."""

import numpy as np
import pytest

from napari_denoise._napari.layers import recipe_of
from napari_denoise._napari.noise_widget import NoiseWidget
from napari_denoise.noise import GaussianNoise


@pytest.fixture
def dock(qtbot, viewer):
    viewer.add_image(np.full((3, 24, 24), 100, np.uint8), name="clean", scale=(2, 1, 1))
    dock = NoiseWidget(viewer)
    qtbot.addWidget(dock)
    return dock


def test_noise_comes_as_a_new_layer_of_the_same_type_and_place(dock, viewer, finish):
    assert finish(dock._run_bar) == ""
    clean, noisy = viewer.layers
    assert noisy.name == "clean · Poisson noise"
    assert noisy.dtype == np.uint8
    assert (clean.data == 100).all()
    assert noisy.data.std() > 1
    np.testing.assert_allclose(noisy.scale, clean.scale)


def test_the_recipe_holds_model_and_seed(dock, viewer, finish):
    dock._seed.setValue(7)
    finish(dock._run_bar)
    recipe = recipe_of(viewer.layers[-1].metadata)
    assert (recipe.operation, recipe.seed, recipe.dtype) == ("simulate", 7, "uint8")
    assert recipe.settings["name"] == "poisson"
    assert recipe.axes == "ZYX"


def test_the_same_seed_gives_the_same_noise(dock, viewer, finish):
    for seed in (1, 1, 2):
        dock._seed.setValue(seed)
        finish(dock._run_bar)
    _, first, second, third = viewer.layers
    np.testing.assert_array_equal(first.data, second.data)
    assert (first.data != third.data).any()


def test_another_noise_model_can_be_chosen(dock, viewer, finish):
    dock._noise.setClass(GaussianNoise)
    finish(dock._run_bar)
    assert viewer.layers[-1].name == "clean · Gaussian noise"


def test_pixels_that_were_clipped_are_counted(dock, viewer, finish):
    viewer.layers["clean"].data = np.full((3, 24, 24), 250, np.uint8)
    finish(dock._run_bar)
    assert "beyond the range of uint8" in dock._run_bar._notices.text()


def test_an_image_that_cannot_have_shot_noise_is_refused_in_words(dock, viewer, finish):
    viewer.layers["clean"].data = np.full((3, 24, 24), -5.0)
    assert "negative intensities" in finish(dock._run_bar)
    assert len(viewer.layers) == 1


def test_without_a_layer_the_user_is_told_so(qtbot, viewer, finish):
    dock = NoiseWidget(viewer)
    qtbot.addWidget(dock)
    assert "no image layer" in finish(dock._run_bar)
