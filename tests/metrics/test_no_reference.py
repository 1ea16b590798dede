"""What can be told without a clean image, against what is known of simulated ones."""

import math

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Progress, run
from napari_denoise.filters import Gaussian
from napari_denoise.metrics import analyse_residual, blind_spot_error, checkerboard_score


@pytest.fixture
def clean(rng):
    return 1000 * ndimage.gaussian_filter(rng.normal(size=(2, 128, 160)), (0, 4, 4)) + 200


def test_a_perfect_residual_is_white_and_does_not_follow_the_signal(clean, rng):
    noise = rng.normal(0, 10, clean.shape)
    result = run(analyse_residual(clean + noise, clean))
    assert result.std == pytest.approx(noise.std())
    assert len(result.along_y) == len(result.along_x) == 5
    for correlation in (*result.along_y, *result.along_x, result.signal_correlation):
        assert abs(correlation) < 4 * result.error


def test_autocorrelation_is_that_of_the_noise(clean, rng):
    weights = np.array([1.0, 0.5])
    noise = ndimage.convolve1d(rng.normal(0, 10, clean.shape), weights, axis=-1, mode="wrap")
    result = run(analyse_residual(da.from_array(clean + noise), clean, max_lag=2))
    assert result.along_x == pytest.approx((0.5 / 1.25, 0.0), abs=0.02)
    assert result.along_y == pytest.approx((0.0, 0.0), abs=0.02)
    assert result.lag_1 == pytest.approx(0.2, abs=0.02)


def test_structure_that_went_with_the_noise_shows(clean, rng):
    noisy = clean + rng.normal(0, 10, clean.shape)
    blurred = ndimage.gaussian_filter(noisy, (0, 5, 5))
    result = run(analyse_residual(noisy, blurred))
    assert result.lag_1 > 0.1
    assert result.signal_correlation > 20 * result.error


def test_an_offset_of_a_plane_is_no_correlation(rng):
    residual = rng.normal(size=(4, 100, 100)) + np.arange(4)[:, None, None] * 10
    assert abs(run(analyse_residual(residual, np.zeros_like(residual))).lag_1) < 0.02


def test_constant_or_tiny_images_have_no_correlation():
    result = run(analyse_residual(np.ones((2, 3)), np.zeros((2, 3))))
    assert result.std == 0
    assert math.isnan(result.signal_correlation)
    assert all(map(math.isnan, result.along_y))
    image = np.array([[0.0, 1, 0], [2, 0, 1]])
    assert math.isnan(run(analyse_residual(image, 0 * image)).along_y[4])


def test_a_lag_below_one_is_refused(clean):
    with pytest.raises(SettingsError, match="max_lag must be at least 1"):
        run(analyse_residual(clean, clean, max_lag=0))


def test_white_noise_has_no_checkerboard_and_smooth_images_even_less(clean, rng):
    noise = rng.normal(size=(256, 256))
    assert run(checkerboard_score(noise)) == pytest.approx(1, abs=0.4)
    assert run(checkerboard_score(clean)) < 0.5
    assert run(checkerboard_score(clean.astype(np.float32))) < 1.5
    assert 2 < run(checkerboard_score(ndimage.uniform_filter(noise, 3))) < 4


@pytest.mark.parametrize("pattern", ["rows", "columns", "checkerboard"])
def test_a_pattern_of_two_pixels_shows_far_below_the_noise(pattern, rng):
    y, x = np.mgrid[:256, :256]
    sign = (-1.0) ** {"rows": y, "columns": x, "checkerboard": x + y}[pattern]
    image = rng.normal(size=(256, 256)) + 0.15 * sign
    assert run(checkerboard_score(da.from_array(image))) > 2


def test_checkerboards_of_special_images():
    assert run(checkerboard_score(np.ones((40, 40)))) == 0
    assert math.isnan(run(checkerboard_score(np.ones((31, 400)))))
    y, x = np.mgrid[:64, :64]
    assert run(checkerboard_score((-1.0) ** (x + y))) > 1e6
    with pytest.raises(InputError, match="NaN"):
        run(checkerboard_score(np.full((40, 40), np.nan)))


def test_the_checkerboard_reports_for_every_row_of_tiles():
    assert len(list(checkerboard_score(np.zeros((2, 64, 64))))) == 6


def test_the_blind_spot_error_is_the_error_against_the_clean_image(clean, rng):
    tile = clean[:1]
    noisy = tile + rng.normal(0, 10, tile.shape)
    for sigma in (1.5, 3.0):
        denoiser = Gaussian(sigma=sigma)
        job = blind_spot_error(denoiser.denoise_tile, noisy, noise_variance=100.0, n_passes=16)
        estimate = run(job)
        true = np.mean((run(denoiser.denoise_tile(noisy.astype(np.float32))) - tile) ** 2)
        assert estimate.mse == pytest.approx(true, abs=4 * estimate.error + 0.1 * true)
        assert estimate.loss == pytest.approx(estimate.mse + 100)


def test_the_blind_spot_loss_finds_the_best_filter(clean, rng):
    tile = clean[:1]
    noisy = (tile + rng.normal(0, 10, tile.shape)).astype(np.float32)
    sigmas = (0.5, 1.0, 2.0, 4.0, 8.0)
    denoisers = [Gaussian(sigma=sigma).denoise_tile for sigma in sigmas]
    losses = [run(blind_spot_error(denoise, noisy)).loss for denoise in denoisers]
    errors = [np.mean((run(denoise(noisy)) - tile) ** 2) for denoise in denoisers]
    assert np.argmin(losses) == np.argmin(errors)
    assert math.isnan(run(blind_spot_error(denoisers[0], noisy)).mse)


def test_a_denoiser_that_copies_the_pixel_gains_nothing(rng):
    noisy = rng.normal(0, 10, (1, 64, 64))

    def copy(tile):
        yield Progress(fraction=0.5)
        return tile

    events = list(blind_spot_error(copy, noisy, n_passes=2))
    assert [event.fraction for event in events] == [0.25, 0.75]
    result = run(blind_spot_error(copy, noisy, noise_variance=100.0, n_passes=16))
    assert result.mse == pytest.approx(25, abs=3)  # the mean of four neighbours


def test_volumes_and_tiny_tiles_have_blind_spots_too(rng):
    volume = rng.normal(0, 10, (1, 8, 16, 16))
    result = run(blind_spot_error(Gaussian(sigma=1).denoise_tile, volume, n_passes=64))
    assert result.loss > 100
    tiny = run(blind_spot_error(Gaussian(sigma=1).denoise_tile, volume[0, :1, :2, :2]))
    assert math.isfinite(tiny.loss)


@pytest.mark.parametrize(
    ("tile", "n_passes", "error", "says"),
    [
        (np.zeros((8, 8)), 1, InputError, "2 axes. Give it as CYX"),
        (np.zeros((1, 8, 8)), 17, SettingsError, "n_passes must be from 1 to 16"),
        (np.zeros((1, 8, 8)), 0, SettingsError, "given: 0"),
        (np.zeros((1, 0, 8)), 1, InputError, "empty"),
        (np.full((1, 8, 8), np.nan), 1, InputError, "NaN"),
    ],
)
def test_what_has_no_blind_spot_is_refused_in_words(tile, n_passes, error, says):
    with pytest.raises(error, match=says):
        run(blind_spot_error(Gaussian().denoise_tile, tile, n_passes=n_passes))


def test_wide_field_noise_is_seen_to_be_correlated(real_data):
    folder = real_data / "fmd_repeats" / "WideField_BPAE_R"
    noisy, clean = (iio.imread(folder / name) for name in ("noisy_1.png", "clean.png"))
    assert run(analyse_residual(noisy, clean)).lag_1 == pytest.approx(0.65, abs=0.05)
