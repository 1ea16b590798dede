"""Variance stabilisation: unit variance on the way in, no bias on the way out."""

import numpy as np
import pytest

from napari_denoise.core.errors import SettingsError
from napari_denoise.noise import GeneralizedAnscombe

N = 100_000


def recorded(electrons, rng, *, gain, offset, read_noise):
    return gain * rng.poisson(electrons, N) + offset + rng.normal(0, read_noise, N)


@pytest.mark.parametrize("camera", [(1, 0, 0), (4.3, 3, 0), (0.5, 100, 1), (57, 475, 60)])
@pytest.mark.parametrize("electrons", [5, 20, 300])
def test_the_noise_has_unit_variance_at_every_intensity(camera, electrons, rng):
    gain, offset, read_noise = camera
    noisy = recorded(electrons, rng, gain=gain, offset=offset, read_noise=read_noise)
    transform = GeneralizedAnscombe(gain=gain, offset=offset, read_noise=read_noise)
    assert transform.stabilize(noisy).std() == pytest.approx(1, abs=0.06 if electrons < 9 else 0.02)


@pytest.mark.parametrize("sigma", [0, 0.3, 1, 4, 30])
@pytest.mark.parametrize("electrons", [0, 0.05, 0.3, 1, 3, 10, 99, 101, 2000])
def test_the_inverse_of_a_mean_is_unbiased_down_to_no_photon_at_all(sigma, electrons, rng):
    noisy = recorded(electrons, rng, gain=2, offset=50, read_noise=2 * sigma)
    transform = GeneralizedAnscombe(gain=2, offset=50, read_noise=2 * sigma)
    mean = transform.stabilize(noisy).mean(dtype=np.float64)
    error_electrons = (transform.invert(mean) - 50) / 2 - electrons
    # Four standard errors of the simulation, and what the inverse promises.
    allowed = 4 * np.sqrt((electrons + sigma**2) / N) + 0.002
    assert abs(error_electrons) < allowed


def test_the_inverse_rises_without_steps_where_table_and_formula_meet():
    transform = GeneralizedAnscombe(gain=1, read_noise=1)
    stabilized = np.linspace(0, 40, 20_001)
    steps = np.diff(transform.invert(stabilized).astype(np.float64))
    assert steps.min() > 0
    assert np.abs(np.diff(steps)).max() < 0.004


def test_below_darkness_the_inverse_goes_on_in_a_straight_line():
    transform = GeneralizedAnscombe(gain=2, offset=10, read_noise=4)
    dark = float(transform.stabilize(np.random.default_rng(0).normal(10, 4, N)).mean())
    around = transform.invert([dark - 0.5, dark, dark + 0.01])
    assert around[0] < 9.5
    assert around[1] == pytest.approx(10, abs=0.03)
    assert around[1] - around[0] == pytest.approx(50 * (around[2] - around[1]), rel=0.05)


@pytest.mark.parametrize("gain", [0, 1e-12, 1e-4])
def test_without_gain_the_transform_divides_by_the_read_noise(gain):
    image = np.array([[90.0, 100.0, 130.0]])
    transform = GeneralizedAnscombe(gain=gain, offset=100, read_noise=10)
    np.testing.assert_allclose(transform.stabilize(image), [[-1, 0, 3]])
    np.testing.assert_allclose(transform.invert(transform.stabilize(image)), image)


def test_shape_is_kept_and_results_are_float32():
    transform = GeneralizedAnscombe(gain=1)
    stabilized = transform.stabilize(np.ones((2, 3, 4), np.uint16))
    assert (stabilized.shape, stabilized.dtype) == ((2, 3, 4), np.float32)
    assert transform.invert(stabilized).dtype == np.float32


@pytest.mark.parametrize(
    "settings", [{"gain": -1}, {"gain": 0}, {"gain": 1, "read_noise": -1}, {"gain": float("nan")}]
)
def test_what_is_no_camera_is_refused(settings):
    with pytest.raises(SettingsError, match="describes no camera"):
        GeneralizedAnscombe(**settings)
