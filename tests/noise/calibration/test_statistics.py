"""Stripes, correlation at a distance and bleaching: found where they are, and nowhere else."""

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_denoise.core.progress import run
from napari_denoise.noise import Calibration, add_noise_job, calibrate_job, calibrate_repeats_job
from napari_denoise.noise.simulation.kinds import Bleaching, PoissonNoise, StripeNoise


def measure(image, axes="YX"):
    return run(calibrate_job(image, axes))


def cells(size=256, electrons=60.0):
    """Smooth spots on a ground with some light, in photo-electrons."""
    rng = np.random.default_rng(4)
    spots = ndimage.gaussian_filter((rng.random((size, size)) > 0.999).astype(float), 8)
    return 4 + electrons * spots / spots.max()


def shot(clean, seed=0, gain=2.0):
    return 100 + gain * np.random.default_rng(seed).poisson(clean)


@pytest.mark.parametrize("lines", ["rows", "columns"])
@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_stripes_are_measured(lines, sigma):
    noisy = shot(cells())
    noise = StripeNoise(sigma=sigma, lines=lines)
    striped = run(add_noise_job(noise, noisy, rng=np.random.default_rng(1))).image
    found = measure(striped)
    known = {"rows": found.row_stripes, "columns": found.column_stripes}
    assert known.pop(lines) == pytest.approx(sigma, rel=0.25)
    assert list(known.values()) == [0.0]
    assert f"{lines.capitalize()} have offsets of their own" in found.advice
    spans = {"rows": (1, 17), "columns": (17, 1)}
    assert (found.mask_span_y, found.mask_span_x) == spans[lines]
    assert f"{lines.removesuffix('s')} stripes" in found.summary()


def test_stripes_of_single_frames_are_measured_on_repeats():
    noise = StripeNoise(sigma=2.0)
    frames = np.stack([shot(cells(128), seed=i) for i in range(4)])
    striped = run(add_noise_job(noise, frames, rng=np.random.default_rng(1), axes="TYX")).image
    found = run(calibrate_repeats_job(striped, "TYX"))
    assert found.row_stripes == pytest.approx(2, rel=0.25)
    assert found.column_stripes == 0.0


def test_stripes_are_found_by_chance_in_none_of_many_images():
    rng = np.random.default_rng(7)
    for _ in range(60):
        found = measure(rng.normal(100, 5, (128, 128)) + 40 * cells(128) / 60)
        assert found.row_stripes == found.column_stripes == 0.0


def test_structure_along_the_lines_is_no_stripe():
    clean = cells()
    clean[100:103, 20:110] += 40
    clean[60:200, 150:152] += 40
    clean[:, 200:] += 25
    found = measure(shot(clean))
    assert found.row_stripes == found.column_stripes == 0.0


def test_edges_across_the_whole_image_are_no_stripes():
    levels = np.linspace(5, 90, 16).reshape(4, 4)
    for seed in range(5):
        found = measure(shot(np.kron(levels, np.ones((64, 64))), seed))
        assert found.row_stripes == found.column_stripes == 0.0


def test_correlation_is_followed_as_far_as_it_goes():
    noise = np.random.default_rng(0).normal(0, 10, (256, 256))
    found = measure(cells() / 10 + ndimage.uniform_filter1d(noise, 4, axis=1))
    assert found.autocorrelation_x[0] == found.correlation_x
    np.testing.assert_allclose(found.autocorrelation_x[1:5], [0.5, 0.25, 0, 0], atol=0.12)
    np.testing.assert_allclose(found.autocorrelation_y[1:], 0, atol=0.12)
    assert (found.mask_span_y, found.mask_span_x) == (1, 7)
    assert "mask 7 pixels along X with structN2V" in found.advice


def test_independent_noise_needs_no_mask():
    found = measure(shot(cells()))
    assert (found.mask_span_y, found.mask_span_x) == (1, 1)
    assert len(found.autocorrelation_y) == 8
    np.testing.assert_allclose(found.autocorrelation_y, 0, atol=0.08)


def test_where_structure_hides_the_correlation_only_lag_1_is_told():
    points = np.random.default_rng(3).random((256, 256)) < 0.05
    crowded = 400 * ndimage.gaussian_filter(points.astype(float), 2)
    assert len(measure(shot(crowded)).autocorrelation_y) == 1


def film(remaining, n_frames=8):
    clean = np.stack([cells(128, 200.0)] * n_frames)
    noises = [Bleaching(remaining=remaining), PoissonNoise(photons=2, per="DN")]
    job = add_noise_job(noises, clean, rng=np.random.default_rng(0), axes="TYX")
    return run(job).image + 100


@pytest.mark.parametrize("remaining", [0.9, 0.4])
@pytest.mark.parametrize("calibration", [calibrate_job, calibrate_repeats_job])
def test_bleaching_is_measured(remaining, calibration):
    found = run(calibration(film(remaining), "TYX"))
    assert found.bleached == pytest.approx(1 - remaining, abs=0.05)
    assert "fades by" in found.advice


def test_a_steady_film_has_not_bleached_and_a_still_tells_nothing():
    assert measure(film(1.0), "TYX").bleached == 0.0
    assert measure(film(0.4)[0]).bleached is None
    assert measure(film(0.4)[:4], "TYX").bleached is None
    assert measure(film(0.4), "ZYX").bleached is None


def test_a_flickering_lamp_is_no_bleaching():
    light = 1 + 0.2 * np.random.default_rng(1).normal(size=(40, 1, 1))
    assert measure(shot(cells(96) * light), "TYX").bleached == 0.0


def test_cells_that_leave_are_no_bleaching():
    ground = np.full((10, 128, 128), 20.0)
    for frame in range(10):
        ground[frame, 20:60, 20:60] += 100 * (frame < 5)
        ground[frame, 70:110, 50:110] += 80
    assert measure(shot(ground), "TYX").bleached == 0.0


def test_a_calibration_of_an_earlier_version_is_still_read():
    found = measure(shot(cells(128)))
    new = {"autocorrelation_y", "autocorrelation_x", "mask_span_y", "mask_span_x"}
    new |= {"row_stripes", "column_stripes", "bleached"}
    earlier = Calibration.model_validate_json(found.model_dump_json(exclude=new))
    assert (earlier.gain, earlier.mask_span_x, earlier.bleached) == (found.gain, 1, None)


REAL = [
    "fmd_confocal/noisy/BPAE_B.tif",
    "fmd_confocal/noisy/BPAE_G.tif",
    "fmd_confocal/noisy/BPAE_R.tif",
    "fmd_confocal/noisy/fish.tif",
    "fmd_confocal/noisy/mice.tif",
    "fmd_repeats/Confocal_BPAE_B/noisy_1.png",
    "fmd_repeats/TwoPhoton_BPAE_R/noisy_1.png",
    "fmd_repeats/WideField_BPAE_R/noisy_1.png",
    "w2s/noisy/010_0.tif",
    "w2s/noisy/077_2.tif",
    "convallaria/noisy.tif",
    "convallaria/calibration.tif",
    "nuclei/img2d.tif",
]


@pytest.mark.parametrize("name", REAL)
def test_real_images_without_stripes_are_not_said_to_have_them(real_data, name):
    assert "offsets of their own" not in measure(iio.imread(real_data / name)).advice


@pytest.mark.parametrize("name", ["signal", "background"])
def test_a_real_stack_is_not_said_to_have_stripes(real_data, name):
    stack = tifffile.imread(real_data / "lightsheet_3d" / f"{name}.tif")
    assert "offsets of their own" not in measure(stack, "ZYX").advice


def test_real_wide_field_noise_is_correlated_as_the_clean_image_says(real_data):
    folder = real_data / "fmd_repeats" / "WideField_BPAE_R"
    frames = [iio.imread(folder / f"noisy_{i}.png") for i in range(1, 5)]
    noise = frames[0] - iio.imread(folder / "clean.png").astype(float)
    noise -= noise.mean()
    paired = [np.mean(noise[:-lag] * noise[lag:]) / noise.var() for lag in range(1, 9)]
    of_one, of_all = measure(frames[0]), run(calibrate_repeats_job(np.stack(frames), "TYX"))
    np.testing.assert_allclose(of_all.autocorrelation_y, paired, atol=0.03)
    np.testing.assert_allclose(of_one.autocorrelation_y, paired, atol=0.1)
    assert (of_all.mask_span_y, of_all.mask_span_x) == (5, 7)


@pytest.mark.parametrize("name", ["cancer_cell_migration_crop", "membrane_2d_timelapse"])
def test_real_films_that_keep_their_signal_are_not_said_to_bleach(real_data, name):
    film = tifffile.imread(real_data / "timelapse" / f"{name}.tif")
    assert measure(film, "TYX").bleached == 0.0
