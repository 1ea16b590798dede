"""One camera: arrays and tensors have the same noise, stabilised on the way in, unbiased out."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import run
from napari_denoise.core.settings import describe, make_settings
from napari_denoise.filters import Gaussian
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.instant.denoiser import Instant
from napari_denoise.learning.methods import IDR, PN2V, DivNoising
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.noise import CameraModel, CameraNoise, add_noise_job
from napari_denoise.noise.camera import CameraSettings

N = 100_000

CAMERAS = [(1, 0, 0), (4.3, 3, 0), (0.5, 100, 1), (57, 475, 60), (0, 10, 4)]


def recorded(electrons, rng, *, gain, offset, read_noise):
    return gain * rng.poisson(electrons, N) + offset + rng.normal(0, read_noise, N)


def camera_of(numbers):
    gain, offset, read_noise = numbers
    return CameraModel(gain=gain, offset=offset, read_noise=read_noise)


@pytest.mark.parametrize("camera", [(1, 0, 0), (4.3, 3, 0), (0.5, 100, 1), (57, 475, 60)])
@pytest.mark.parametrize("electrons", [5, 20, 300])
def test_the_noise_has_unit_variance_at_every_intensity(camera, electrons, rng):
    gain, offset, read_noise = camera
    noisy = recorded(electrons, rng, gain=gain, offset=offset, read_noise=read_noise)
    stabilized = camera_of(camera).stabilize(noisy)
    assert stabilized.std() == pytest.approx(1, abs=0.06 if electrons < 9 else 0.02)


@pytest.mark.parametrize("sigma", [0, 0.3, 1, 4, 30])
@pytest.mark.parametrize("electrons", [0, 0.05, 0.3, 1, 3, 10, 99, 101, 2000])
def test_the_inverse_of_a_mean_is_unbiased_down_to_no_photon_at_all(sigma, electrons, rng):
    noisy = recorded(electrons, rng, gain=2, offset=50, read_noise=2 * sigma)
    camera = CameraModel(gain=2, offset=50, read_noise=2 * sigma)
    mean = camera.stabilize(noisy).mean(dtype=np.float64)
    error_electrons = (camera.invert(mean) - 50) / 2 - electrons
    # Four standard errors of the simulation, and what the inverse promises.
    allowed = 4 * np.sqrt((electrons + sigma**2) / N) + 0.002
    assert abs(error_electrons) < allowed


def test_the_inverse_rises_without_steps_where_table_and_formula_meet():
    camera = CameraModel(gain=1, read_noise=1)
    stabilized = np.linspace(0, 40, 20_001)
    steps = np.diff(camera.invert(stabilized).astype(np.float64))
    assert steps.min() > 0
    assert np.abs(np.diff(steps)).max() < 0.004


def test_below_darkness_the_inverse_goes_on_in_a_straight_line():
    camera = CameraModel(gain=2, offset=10, read_noise=4)
    dark = float(camera.stabilize(np.random.default_rng(0).normal(10, 4, N)).mean())
    around = camera.invert([dark - 0.5, dark, dark + 0.01])
    assert around[0] < 9.5
    assert around[1] == pytest.approx(10, abs=0.03)
    assert around[1] - around[0] == pytest.approx(50 * (around[2] - around[1]), rel=0.05)


@pytest.mark.parametrize("gain", [0, 1e-12, 1e-4])
def test_without_gain_the_noise_is_divided_by_the_read_noise(gain):
    image = np.array([[90.0, 100.0, 130.0]])
    camera = CameraModel(gain=gain, offset=100, read_noise=10)
    np.testing.assert_allclose(camera.stabilize(image), [[-1, 0, 3]])
    np.testing.assert_allclose(camera.invert(camera.stabilize(image)), image)
    np.testing.assert_allclose(camera.unstabilize(camera.stabilize(image)), image)


@pytest.mark.parametrize("camera", CAMERAS)
def test_what_was_stabilised_comes_back_as_it_was(camera, rng):
    pixels = camera[1] + rng.uniform(0, 1000, (3, 32, 32))
    model = camera_of(camera)
    np.testing.assert_allclose(model.unstabilize(model.stabilize(pixels)), pixels, rtol=1e-5)
    tensor = torch.from_numpy(pixels)
    torch.testing.assert_close(model.unstabilize(model.stabilize(tensor)), tensor)


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize(
    "question", ["variance", "stabilized_variance", "stabilize", "unstabilize"]
)
def test_arrays_and_tensors_get_the_same_answer(camera, question, rng):
    numbers = rng.uniform(-20, 900, (4, 50))
    answer = getattr(camera_of(camera), question)
    of_array, of_tensor = answer(numbers), answer(torch.from_numpy(numbers))
    assert isinstance(of_array, np.ndarray)
    assert isinstance(of_tensor, torch.Tensor)
    np.testing.assert_allclose(of_array, of_tensor.numpy(), rtol=1e-6)


@pytest.mark.parametrize("gain", [2.0, 18.0])
@pytest.mark.parametrize("read_noise", [0.0, 3.0])
@pytest.mark.parametrize("photons", [3, 60, 900])
def test_the_variance_is_that_of_simulated_frames(gain, read_noise, photons):
    simulated = CameraNoise(
        photons=photons,
        quantum_efficiency=1.0,
        read_noise_electrons=read_noise,
        gain=gain,
        offset=100,
    )
    clean = np.ones((300, 300))
    job = add_noise_job(simulated, clean, rng=np.random.default_rng(4), dtype=np.float64)
    noisy = run(job).image
    camera = CameraModel(gain=gain, offset=100, read_noise=read_noise * gain)
    expected = float(camera.variance(100 + gain * photons))
    # 90 000 pixels: the variance has a standard error of half a per cent.
    assert noisy.mean() == pytest.approx(100 + gain * photons, rel=0.005)
    assert noisy.var() == pytest.approx(expected, rel=0.025)


def test_the_step_of_the_stabilised_scale_is_its_slope():
    camera = CameraModel(gain=2, offset=100, read_noise=5)
    signal = np.array([100.0, 130.0, 1000.0])
    step = 1e-2
    slope = (camera.stabilize(signal + step).astype(float) - camera.stabilize(signal)) / step
    np.testing.assert_allclose(1 / slope**2, camera.stabilized_variance(signal), rtol=0.02)
    np.testing.assert_allclose(camera.stabilized_variance(signal) - camera.variance(signal), 1.5)


def test_shape_is_kept_and_results_are_float32():
    camera = CameraModel(gain=1)
    stabilized = camera.stabilize(np.ones((2, 3, 4), np.uint16))
    assert (stabilized.shape, stabilized.dtype) == ((2, 3, 4), np.float32)
    assert camera.invert(stabilized).dtype == np.float32


@pytest.mark.parametrize(
    "settings", [{"gain": -1}, {"gain": 0}, {"gain": 1, "read_noise": -1}, {"gain": float("nan")}]
)
def test_what_is_no_camera_is_refused(settings):
    with pytest.raises(SettingsError):
        make_settings(CameraModel, settings)


def test_a_camera_without_noise_is_refused_wherever_one_can_be_given():
    told = [Instant, PN2V, IDR, DivNoising]
    assert all(issubclass(cls, CameraSettings) for cls in (*told, Stabilized))
    for cls in told:
        with pytest.raises(SettingsError, match="needs a gain or a read noise above zero"):
            make_settings(cls, {"gain": 0})
        assert make_settings(cls, {"gain": 0, "read_noise": 2}).given_camera() is not None
    with pytest.raises(ValidationError, match="needs a gain or a read noise above zero"):
        Stabilized(denoiser=Gaussian(), gain=0)
    with pytest.raises(ValidationError, match="needs a gain or a read noise above zero"):
        CameraNormalization(gain=0, offset=3, read_noise=0)


def test_each_class_keeps_its_camera_where_files_and_forms_have_it():
    def around(cls):
        names = [field.name for field in describe(cls)]
        first = names.index("gain")
        assert names[first : first + 3] == ["gain", "offset", "read_noise"]
        return names[first - 1]

    assert around(Instant) == "average_flips"
    assert around(Stabilized) == "denoiser"
    assert around(PN2V) == around(IDR) == "calibration"
    assert around(DivNoising) == "kl_weight"
    assert list(CameraNormalization(gain=1).model_dump()) == [
        "name", "gain", "offset", "read_noise", "correlation", "level",
    ]  # fmt: skip


def test_no_variance_is_below_the_least_asked_for():
    camera = CameraModel(gain=2, offset=100)
    dark_and_bright = np.array([90.0, 100.0, 1000.0])
    for signal in (dark_and_bright, torch.from_numpy(dark_and_bright)):
        np.testing.assert_allclose(camera.variance(signal, least=0.05), [0.2, 0.2, 1800])
