"""Each kind of noise has the statistics its name promises."""

import numpy as np
import pytest

from napari_denoise import registry
from napari_denoise.core.progress import run
from napari_denoise.noise import (
    CameraNoise,
    CorrelatedNoise,
    GaussianNoise,
    SaltAndPepperNoise,
    ScmosNoise,
    SpeckleNoise,
    StripeNoise,
    add_noise_job,
    calibrate_job,
)


def simulate(noise, image, seed=1, **more):
    return run(add_noise_job(noise, image, rng=np.random.default_rng(seed), **more)).image


def lag_1(noise, axis):
    noise = np.moveaxis(noise - noise.mean(), axis, 0)
    return (noise[1:] * noise[:-1]).mean() / noise.var()


@pytest.mark.parametrize("noise", [cls() for cls in registry.NOISES], ids=lambda n: n.name)
def test_every_kind_keeps_shape_and_dtype_and_is_told_by_its_seed(noise):
    clean = np.random.default_rng(0).integers(1, 200, (3, 20, 30)).astype(np.uint8)
    noisy = simulate(noise, clean, axes="TYX")
    assert (noisy.shape, noisy.dtype) == (clean.shape, np.uint8)
    np.testing.assert_array_equal(noisy, simulate(noise, clean, axes="TYX"))
    assert (noisy != clean).any()


@pytest.mark.parametrize("along_y", [0, 0.3, 0.8])
@pytest.mark.parametrize("along_x", [0, 0.6])
def test_correlated_noise_has_the_sigma_and_the_lag_1_asked_for(along_y, along_x):
    noise = CorrelatedNoise(sigma=5, correlation_y=along_y, correlation_x=along_x)
    noisy = simulate(noise, np.zeros((500, 500)))
    assert noisy.std() == pytest.approx(5, rel=0.03)
    assert lag_1(noisy, 0) == pytest.approx(along_y, abs=0.03)
    assert lag_1(noisy, 1) == pytest.approx(along_x, abs=0.03)
    # The first line is as noisy as the rest.
    assert noisy[0].std() == pytest.approx(5, rel=0.3)


def test_the_correlation_of_blurred_noise_falls_off_faster():
    noise = CorrelatedNoise(sigma=5, correlation_y=0.7, correlation_x=0, kernel="gaussian")
    noisy = simulate(noise, np.zeros((500, 500)))
    assert noisy.std() == pytest.approx(5, rel=0.03)
    assert lag_1(noisy, 0) == pytest.approx(0.7, abs=0.03)
    assert lag_1(noisy, 1) == pytest.approx(0, abs=0.03)
    # Of a Gaussian, the fourth power; of an autoregression, the second.
    assert lag_1(noisy[::2], 0) == pytest.approx(0.7**4, abs=0.03)


def test_stripes_are_whole_lines():
    rows = simulate(StripeNoise(sigma=3), np.zeros((400, 5)))
    columns = simulate(StripeNoise(sigma=3, lines="columns"), np.zeros((5, 400)))
    for lines in (rows, columns.T):
        assert np.ptp(lines, axis=1).max() == 0
        assert lines[:, 0].std() == pytest.approx(3, rel=0.15)


def test_salt_and_pepper_hits_the_share_asked_for_with_the_ends_of_the_range():
    clean = np.full((2, 300, 300), 50.0)
    clean[0, 0, 0], clean[1, 1, 1] = 10, 90
    noisy = simulate(SaltAndPepperNoise(share=0.1, salt=0.3), clean)
    assert np.mean(noisy == 90) == pytest.approx(0.03, abs=0.004)
    assert np.mean(noisy == 10) == pytest.approx(0.07, abs=0.004)


def test_speckle_grows_with_brightness():
    noisy = simulate(SpeckleNoise(sigma=0.2), np.outer([10.0, 1000.0], np.ones(20_000)))
    np.testing.assert_allclose(noisy.std(axis=1), [2, 200], rtol=0.03)


def flat(level, peak=100.0, size=400):
    """A flat field with one brightest pixel, which gets the photons."""
    image = np.full((size, size), float(level))
    image[0, 0] = peak
    return image


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_a_camera_adds_up_its_noises(share):
    camera = CameraNoise(
        photons=500,
        quantum_efficiency=0.8,
        dark_electrons=5,
        excess_noise=1.5,
        read_noise_electrons=3,
        gain=2,
        offset=100,
    )
    noisy = simulate(camera, flat(100 * share), dtype=np.float64)[1:]
    electrons = 500 * 0.8 * share + 5
    assert noisy.mean() == pytest.approx(100 + 2 * electrons, rel=0.002)
    # Rounding adds the variance of a whole number.
    assert noisy.var() == pytest.approx(4 * (1.5 * electrons + 9) + 1 / 12, rel=0.03)


def test_a_camera_saturates_at_its_full_well_and_its_bit_depth():
    full = CameraNoise(photons=5000, full_well_electrons=1000, read_noise_electrons=0)
    assert simulate(full, flat(100), dtype=float).max() == 1000 * full.gain + full.offset
    short = CameraNoise(photons=5000, bit_depth=8)
    assert set(np.unique(simulate(short, flat(100), dtype=float))) == {255}


@pytest.mark.parametrize("camera", [CameraNoise.emccd(), CameraNoise.pmt(), ScmosNoise()])
def test_typical_cameras_are_calibrated_to_what_they_are(camera):
    levels = np.random.default_rng(5).permutation(np.linspace(0, 1, 16)).reshape(4, 4)
    clean = np.kron(levels, np.ones((80, 80)))
    found = run(calibrate_job(simulate(camera, clean, dtype=np.uint16), "YX"))
    # Excess noise counts as gain: it is what the variance shows.
    assert found.gain == pytest.approx(camera.gain * camera.excess_noise, rel=0.12)
    range_dn = camera.photons * camera.quantum_efficiency * camera.gain
    assert abs(found.offset - camera.offset) < 0.05 * range_dn


def test_the_pixels_of_an_scmos_camera_differ_in_the_same_way_in_every_frame():
    clean = np.concatenate([np.zeros((40, 50, 50)), np.ones((1, 50, 50))])
    one, other = (
        simulate(ScmosNoise(offset_spread=10, pattern_seed=seed), clean, dtype=float)[:40]
        for seed in (4, 5)
    )
    pattern = one.mean(axis=0)
    assert pattern.std() == pytest.approx(10, rel=0.1)
    noisiest, median = np.quantile(one.std(axis=0), [0.99, 0.5])
    assert noisiest > 1.6 * median
    assert abs(np.corrcoef(pattern.ravel(), other.mean(axis=0).ravel())[0, 1]) < 0.1


def test_a_noise_model_survives_a_file():
    for model in (ScmosNoise(photons=7), CameraNoise.emccd(), GaussianNoise(unit="range")):
        assert type(model).model_validate_json(model.model_dump_json()) == model
