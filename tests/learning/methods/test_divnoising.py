"""DivNoising: what its samples are, and that they are the same wherever and whenever drawn."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, InputError, ModelError, SettingsError
from napari_denoise.core.progress import Notice, run
from napari_denoise.core.settings import make_settings
from napari_denoise.learning.methods import DivNoising
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import TrainingImage, train_job
from napari_denoise.metrics import psnr

CAMERA = {"gain": 2.0, "offset": 100.0, "read_noise": 3.0}


@pytest.fixture(scope="module")
def clean():
    """Discs on a dim background, in DN."""
    scene = ndimage.gaussian_filter(np.random.default_rng(4).normal(size=(160, 144)), 5)
    photons = 4 + 40 * ndimage.gaussian_filter((scene > scene.std()).astype(float), 1)
    return photons * CAMERA["gain"] + CAMERA["offset"]


@pytest.fixture(scope="module")
def noisy(clean):
    rng = np.random.default_rng(5)
    photons = (clean - CAMERA["offset"]) / CAMERA["gain"]
    counted = rng.poisson(photons) * CAMERA["gain"] + CAMERA["offset"]
    return rng.normal(counted, CAMERA["read_noise"]).astype(np.float32)


@pytest.fixture(scope="module")
def model(noisy):
    method = DivNoising(n_steps=500, n_features=8, learning_rate=2e-3, **CAMERA)
    return run(train_job(method, [TrainingImage.of(noisy, Layout("YX"), "discs")], device="cpu"))


def apply(model, image, axes="YX", **settings):
    denoiser = ModelDenoiser.of(model, device="cpu", **settings)
    return run(denoise_job(denoiser, image, denoiser.layout_for(axes))).image.pixels


@pytest.fixture(scope="module")
def samples(model, noisy):
    return apply(model, noisy, output="samples", n_samples=12)


def test_the_mean_of_samples_beats_a_single_one_and_the_noisy_image(clean, noisy, samples):
    quality = [
        psnr(clean, each, data_range=100) for each in (noisy, samples[0], samples.mean(axis=0))
    ]
    assert quality[0] + 1 < quality[1]
    assert quality[1] + 2 < quality[2]


def test_samples_differ_most_where_the_result_is_farthest_off(clean, samples):
    spread = ndimage.uniform_filter(samples.std(axis=0, ddof=1), 9)
    error = ndimage.uniform_filter(np.abs(samples.mean(axis=0) - clean), 9)
    sure, unsure = spread < np.quantile(spread, 0.25), spread > np.quantile(spread, 0.75)
    assert error[unsure].mean() > 1.5 * error[sure].mean()


def test_the_mean_intensity_is_kept(noisy, samples):
    light = noisy.mean() - CAMERA["offset"]
    assert samples.mean() == pytest.approx(noisy.mean(), rel=0.002)
    assert samples.mean() - CAMERA["offset"] == pytest.approx(light, rel=0.01)


def test_the_image_is_the_mean_of_the_samples_and_the_uncertainty_their_spread(
    model, noisy, samples
):
    image = apply(model, noisy, n_samples=12)
    np.testing.assert_allclose(image, samples.mean(axis=0), rtol=1e-5)
    spread = apply(model, noisy, n_samples=12, output="uncertainty")
    np.testing.assert_allclose(spread, samples.std(axis=0, ddof=1), rtol=1e-3, atol=1e-3)


def test_a_sample_has_the_number_of_its_seed(model, noisy, samples):
    np.testing.assert_array_equal(apply(model, noisy, output="sample", seed=3), samples[3])
    again = apply(model, noisy, output="samples", seed=2, n_samples=2)
    np.testing.assert_array_equal(again, samples[2:4])
    assert np.abs(samples[0] - samples[1]).mean() > 0.1


def test_tiles_of_a_sample_leave_no_seam(model, noisy, samples, monkeypatch):
    monkeypatch.setattr(ModelDenoiser, "tile_size", lambda self, extents: (32, 48))
    tiled = apply(model, noisy, output="samples", n_samples=2)
    assert np.abs(tiled - samples[:2]).max() < 1e-4 * np.ptp(noisy)


def test_frames_are_drawn_independently(model, noisy):
    film = np.stack([noisy, noisy])
    drawn = apply(model, film, "TYX", output="sample")
    assert np.abs(drawn[0] - drawn[1]).mean() > 0.1


def test_a_model_goes_into_a_file_and_back(tmp_path, model, noisy, samples):
    save_model(model, tmp_path / "discs.safetensors")
    again = load_model(tmp_path / "discs.safetensors")
    assert again.architecture == model.architecture
    np.testing.assert_array_equal(apply(again, noisy, output="sample"), samples[0])


def small_volume(rng):
    return rng.poisson(20, size=(6, 40, 36)).astype(np.uint16)


def test_a_volume_is_learned_and_drawn_in_tiles(rng, monkeypatch):
    method = DivNoising(n_steps=2, n_features=4, gain=1.0)
    volume = small_volume(rng)
    model = run(train_job(method, [TrainingImage.of(volume, Layout("ZYX", "ZYX"), "volume")]))
    whole = apply(model, volume, "ZYX", output="samples", n_samples=2)
    assert whole.shape == (2, *volume.shape)
    monkeypatch.setattr(ModelDenoiser, "tile_size", lambda self, extents: (2, 16, 16))
    tiled = apply(model, volume, "ZYX", output="samples", n_samples=2)
    assert np.abs(tiled - whole).max() < 1e-4 * np.ptp(volume)


def test_the_same_seed_gives_the_same_model(noisy):
    def weights(seed):
        method = DivNoising(n_steps=3, n_features=4, patch_size=16, **CAMERA)
        image = TrainingImage.of(noisy, Layout("YX"), "discs")
        model = run(train_job(method, [image], seed=seed, device="cpu"))
        return torch.cat([each.ravel() for each in model.network.parameters()]).numpy()

    np.testing.assert_array_equal(weights(0), weights(0))
    assert not np.array_equal(weights(0), weights(1))


def test_the_camera_is_measured_where_it_is_not_given(rng):
    photons = 60 + 40 * np.sin(np.arange(256) / 40)[:, None] * np.ones(256)
    image = rng.poisson(photons) * 3.0 + 50
    method = DivNoising(n_steps=1, n_features=4, patch_size=16)
    model = run(train_job(method, [TrainingImage.of(image, Layout("YX"), "cells")], device="cpu"))
    assert model.normalization.gain == pytest.approx(3, rel=0.15)


def test_noise_that_neighbours_share_is_warned_of(rng):
    noise = ndimage.uniform_filter1d(rng.normal(size=(200, 200)), 3)
    image = 500 + 20 * noise
    method = DivNoising(n_steps=1, n_features=4, patch_size=16)
    seen = []
    run(train_job(method, [TrainingImage.of(image, Layout("YX"), "x")], device="cpu"), seen.append)
    assert any("share noise" in each.message for each in seen if isinstance(each, Notice))


def test_an_image_without_noise_is_refused_and_the_way_out_is_said():
    image = np.full((64, 64), 7.0)
    with pytest.raises(InputError, match=r"Or give the camera's gain, offset and read_noise\."):
        run(train_job(DivNoising(), [TrainingImage.of(image, Layout("YX"), "flat")]))


def test_a_camera_without_noise_is_refused():
    with pytest.raises(SettingsError, match="gain or a read noise above zero"):
        make_settings(DivNoising, {"gain": 0})


def test_channels_seen_together_are_refused(rng):
    image = rng.poisson(20, size=(2, 32, 32))
    layout = Layout("CYX", "YX", "joint")
    with pytest.raises(AxesError, match="one channel at a time"):
        next(train_job(DivNoising(gain=1), [TrainingImage.of(image, layout, "two colours")]))


def test_samples_of_an_image_with_samples_are_refused(model):
    with pytest.raises(AxesError, match="has one already"):
        apply(model, np.zeros((2, 16, 16)), "SYX", output="samples")


def test_averaging_over_flips_is_refused(model, noisy):
    with pytest.raises(SettingsError, match="Switch average_flips off"):
        apply(model, noisy, average_flips=True)


def test_other_models_give_no_samples(make_model):
    with pytest.raises(ModelError, match="gives no 'samples'"):
        apply(make_model(), np.zeros((8, 8)), output="samples")


def test_cancelling_between_layers_leaves_nothing_running(model, noisy):
    denoiser = ModelDenoiser.of(model, device="cpu", output="uncertainty")
    job = denoise_job(denoiser, noisy, Layout("YX"))
    for _ in range(8):
        assert next(job).fraction < 0.5
    job.close()
    assert job.gi_frame is None
    assert torch.is_grad_enabled()
