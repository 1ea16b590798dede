"""Many methods on one image."""

import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import run
from napari_denoise.evaluation.comparison import compare_methods_job
from napari_denoise.filters import Gaussian, Median
from napari_denoise.learning.methods import N2V


@pytest.fixture
def pair(rng):
    clean = ndimage.gaussian_filter(rng.uniform(0, 255, (2, 48, 48)), (0, 3, 3)).astype(np.float32)
    return clean, clean + rng.normal(0, 10, clean.shape).astype(np.float32)


def test_each_method_is_timed_measured_and_says_how(pair):
    clean, noisy = pair
    methods = [Gaussian(sigma=1), Median(), N2V(n_steps=4, patch_size=16, n_features=8)]
    events = []
    outcomes = run(
        compare_methods_job(
            methods, noisy, Layout("ZYX"), clean=clean, data_range=255, device="cpu"
        ),
        events.append,
    )
    assert [outcome.label for outcome in outcomes] == ["Gaussian", "Median", "Noise2Void"]
    for outcome in outcomes:
        assert outcome.image.shape == noisy.shape
        assert outcome.seconds > 0
        assert outcome.scores.data_range == 255
    assert outcomes[0].scores.psnr > 25
    assert outcomes[0].image.recipe.settings["name"] == "gaussian"
    assert outcomes[2].image.recipe.seed == 0
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)


def test_without_a_clean_image_nothing_is_measured(pair):
    (outcome,) = run(compare_methods_job([Gaussian()], pair[1], Layout("ZYX")))
    assert outcome.scores is None


def test_a_method_that_does_not_fit_is_an_error(pair):
    with pytest.raises(SettingsError):
        run(compare_methods_job([Gaussian(sigma=(1, 1, 1))], pair[1], Layout("ZYX")))
