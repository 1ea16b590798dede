"""What was taken out, against what is known of simulated images."""

import math

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import run
from napari_denoise.metrics import analyse_residual_job


def test_a_perfect_residual_is_white_and_does_not_follow_the_signal(clean, rng):
    noise = rng.normal(0, 10, clean.shape)
    result = run(analyse_residual_job(clean + noise, clean))
    assert result.std == pytest.approx(noise.std())
    assert len(result.along_y) == len(result.along_x) == 5
    for correlation in (*result.along_y, *result.along_x, result.signal_correlation):
        assert abs(correlation) < 4 * result.error


def test_autocorrelation_is_that_of_the_noise(clean, rng):
    weights = np.array([1.0, 0.5])
    noise = ndimage.convolve1d(rng.normal(0, 10, clean.shape), weights, axis=-1, mode="wrap")
    result = run(analyse_residual_job(da.from_array(clean + noise), clean, max_lag=2))
    assert result.along_x == pytest.approx((0.5 / 1.25, 0.0), abs=0.02)
    assert result.along_y == pytest.approx((0.0, 0.0), abs=0.02)
    assert result.lag_1 == pytest.approx(0.2, abs=0.02)


def test_structure_that_went_with_the_noise_shows(clean, rng):
    noisy = clean + rng.normal(0, 10, clean.shape)
    blurred = ndimage.gaussian_filter(noisy, (0, 5, 5))
    result = run(analyse_residual_job(noisy, blurred))
    assert result.lag_1 > 0.1
    assert result.signal_correlation > 20 * result.error


def test_an_offset_of_a_plane_is_no_correlation(rng):
    residual = rng.normal(size=(4, 100, 100)) + np.arange(4)[:, None, None] * 10
    assert abs(run(analyse_residual_job(residual, np.zeros_like(residual))).lag_1) < 0.02


def test_constant_or_tiny_images_have_no_correlation():
    result = run(analyse_residual_job(np.ones((2, 3)), np.zeros((2, 3))))
    assert result.std == 0
    assert math.isnan(result.signal_correlation)
    assert all(map(math.isnan, result.along_y))
    image = np.array([[0.0, 1, 0], [2, 0, 1]])
    assert math.isnan(run(analyse_residual_job(image, 0 * image)).along_y[4])


def test_a_lag_below_one_is_refused(clean):
    with pytest.raises(SettingsError, match="max_lag must be at least 1"):
        run(analyse_residual_job(clean, clean, max_lag=0))


def test_wide_field_noise_is_seen_to_be_correlated(real_data):
    folder = real_data / "fmd_repeats" / "WideField_BPAE_R"
    noisy, clean = (iio.imread(folder / name) for name in ("noisy_1.png", "clean.png"))
    assert run(analyse_residual_job(noisy, clean)).lag_1 == pytest.approx(0.65, abs=0.05)
