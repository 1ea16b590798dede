"""The error estimated from the noisy image alone, against the one that is known."""

import math

import numpy as np
import pytest

from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Progress, run
from napari_denoise.filters import Gaussian
from napari_denoise.metrics import j_invariant_error_job


def test_the_j_invariant_error_is_the_error_against_the_clean_image(clean, rng):
    tile = clean[:1]
    noisy = tile + rng.normal(0, 10, tile.shape)
    for sigma in (1.5, 3.0):
        denoiser = Gaussian(sigma=sigma)
        job = j_invariant_error_job(denoiser.denoise_tile, noisy, noise_variance=100.0, n_passes=16)
        estimate = run(job)
        true = np.mean((run(denoiser.denoise_tile(noisy.astype(np.float32))) - tile) ** 2)
        assert estimate.mse == pytest.approx(true, abs=4 * estimate.error + 0.1 * true)
        assert estimate.loss == pytest.approx(estimate.mse + 100)


def test_the_j_invariant_loss_finds_the_best_filter(clean, rng):
    tile = clean[:1]
    noisy = (tile + rng.normal(0, 10, tile.shape)).astype(np.float32)
    sigmas = (0.5, 1.0, 2.0, 4.0, 8.0)
    denoisers = [Gaussian(sigma=sigma).denoise_tile for sigma in sigmas]
    losses = [run(j_invariant_error_job(denoise, noisy)).loss for denoise in denoisers]
    errors = [np.mean((run(denoise(noisy)) - tile) ** 2) for denoise in denoisers]
    assert np.argmin(losses) == np.argmin(errors)
    assert math.isnan(run(j_invariant_error_job(denoisers[0], noisy)).mse)


def test_a_denoiser_that_copies_the_pixel_gains_nothing(rng):
    noisy = rng.normal(0, 10, (1, 64, 64))

    def copy(tile):
        yield Progress(fraction=0.5)
        return tile

    events = list(j_invariant_error_job(copy, noisy, n_passes=2))
    assert [event.fraction for event in events] == [0.25, 0.75]
    result = run(j_invariant_error_job(copy, noisy, noise_variance=100.0, n_passes=16))
    assert result.mse == pytest.approx(25, abs=3)  # the mean of four neighbours


def test_volumes_and_small_tiles_are_masked_too(rng):
    volume = rng.normal(0, 10, (1, 8, 16, 16))
    result = run(j_invariant_error_job(Gaussian(sigma=1).denoise_tile, volume, n_passes=16))
    assert result.loss > 100
    small = run(j_invariant_error_job(Gaussian(sigma=1).denoise_tile, volume[0, :1, :6, :6]))
    assert math.isfinite(small.loss)


@pytest.mark.parametrize(
    ("tile", "n_passes", "error", "says"),
    [
        (np.zeros((8, 8)), 1, InputError, "2 axes. Give it as CYX"),
        (np.zeros((1, 8, 8)), 17, SettingsError, "n_passes must be from 1 to 16"),
        (np.zeros((1, 8, 8)), 0, SettingsError, "given: 0"),
        (np.zeros((1, 0, 8)), 1, InputError, "empty"),
        (np.zeros((1, 2, 5, 9)), 1, InputError, "5 × 9 pixels; at least 6 × 6"),
        (np.full((1, 8, 8), np.nan), 1, InputError, "NaN"),
    ],
)
def test_what_cannot_be_blinded_is_refused_in_words(tile, n_passes, error, says):
    with pytest.raises(error, match=says):
        run(j_invariant_error_job(Gaussian().denoise_tile, tile, n_passes=n_passes))
