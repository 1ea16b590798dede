"""A setting's values, side by side."""

import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import run
from napari_denoise.evaluation.sweep import Reference, sweep_job, variants
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import N2V, DecoNoising

SHORT = {"n_steps": 4, "patch_size": 16, "n_features": 4, "depth": 1}


@pytest.fixture
def pair(rng):
    clean = ndimage.gaussian_filter(rng.uniform(0, 255, (48, 48)), 3).astype(np.float32)
    return clean, clean + rng.normal(0, 10, clean.shape).astype(np.float32)


def test_each_value_is_trained_and_judged_on_the_same_hidden_pixels(pair):
    clean, noisy = pair
    image, seen, events = TrainingImage.of(noisy, Layout("YX"), "noisy"), [], []
    job = sweep_job(
        DecoNoising(**SHORT),
        "psf_sigma",
        ["0.5", "1", "1"],
        [image],
        reference=Reference(clean, 255),
        device="cpu",
        on_trial=seen.append,
    )
    trials = run(job, events.append)
    assert tuple(seen) == trials
    assert [trial.model.method.psf_sigma for trial in trials] == [0.5, 1.0, 1.0]
    assert trials[0].j_invariant.loss != trials[1].j_invariant.loss
    assert trials[1].j_invariant == trials[2].j_invariant
    assert trials[1].psnr == trials[2].psnr > 5
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)


def test_without_a_clean_image_there_is_no_psnr(pair):
    image = TrainingImage.of(pair[1], Layout("YX"), "noisy")
    (trial,) = run(sweep_job(N2V(**SHORT), "replacement", ["median"], [image], device="cpu"))
    assert np.isnan(trial.psnr)
    assert trial.j_invariant.loss > 0
    assert trial.seconds > 0


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("psf", ["1"], "DecoNoising has no setting 'psf'. Choose from: n_steps"),
        ("psf_sigma", ["1", "-1"], "psf_sigma must"),
        ("psf_sigma", [], "no value of psf_sigma"),
    ],
)
def test_what_cannot_be_varied_is_refused_before_the_work(name, values, words):
    with pytest.raises(SettingsError, match=words.replace(".", r"\.")):
        variants(DecoNoising(), name, values)
