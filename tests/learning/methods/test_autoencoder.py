"""The denoising autoencoder: clean images in, and nothing past the middle of the network."""

import math

import numpy as np
import pytest
import tifffile

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import run
from napari_denoise.core.settings import make_settings
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import Autoencoder
from napari_denoise.learning.models.file import load_model, save_model
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.learning.training.job import train_job
from napari_denoise.noise import GaussianNoise, PoissonNoise, add_noise_job

YX = Layout("YX")
SMALL = {"n_features": 8, "patch_size": 32, "learning_rate": 4e-3}


@pytest.fixture
def clean():
    """Bright spots on waves, in photons."""
    y, x = np.mgrid[:128, :128] / 8
    return 100 + 50 * np.sin(y) * np.cos(x) + 50 * (np.hypot(y - 8, x - 8) < 4)


def trained(method, clean, layout=YX):
    return run(train_job(method, [TrainingImage.of(clean, layout, "clean")], device="cpu"))


def denoised(model, noisy, layout=YX):
    return run(denoise_job(ModelDenoiser.of(model, device="cpu"), noisy, layout)).image.pixels


def gain_db(clean, noisy, result):
    return 10 * math.log10(np.mean((noisy - clean) ** 2) / np.mean((result - clean) ** 2))


@pytest.mark.parametrize("noise", [None, PoissonNoise(photons=1, per="DN")])
def test_trained_on_a_clean_image_it_cleans_a_noisy_one(clean, rng, noise):
    model = trained(Autoencoder(n_steps=250, noise=noise, **SMALL), clean)
    added = noise or GaussianNoise(sigma=0.07, unit="range")
    noisy = run(add_noise_job(added, clean, rng=rng)).image
    result = denoised(model, noisy)
    assert gain_db(clean, noisy, result) > 3
    assert abs(result.mean() / clean.mean() - 1) < 0.02


def test_the_seed_recipe_is_gaussian_noise_of_seven_hundredths_of_the_range():
    method = make_settings(Autoencoder, {}, preset="seed recipe")
    assert method.simulated_noise() == GaussianNoise(sigma=0.07, unit="range")
    assert Autoencoder(noise_level=0.2).simulated_noise().sigma == 0.2


@pytest.mark.parametrize(
    ("shape", "layout"),
    [((5, 21, 26), Layout("ZYX", "ZYX")), ((2, 4, 20, 24), Layout("CZYX", "ZYX", "joint"))],
)
def test_it_takes_volumes_and_comes_back_from_a_file(rng, tmp_path, shape, layout):
    clean = rng.normal(100, 10, size=shape).cumsum(axis=-1)
    model = trained(Autoencoder(n_steps=3, n_features=4), clean, layout)
    assert model.architecture.skips == "none"
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    result = denoised(loaded, clean, layout)
    assert result.shape == shape
    np.testing.assert_array_equal(result, denoised(model, clean, layout))


def test_a_target_is_refused_as_the_images_are_clean(clean):
    with pytest.raises(InputError, match="Choose one of the two"):
        run(train_job(Autoencoder(n_steps=1), [TrainingImage.of(clean, YX, "clean", target=clean)]))


def test_a_real_image_that_it_has_not_seen_comes_out_clearer(real_data, rng):
    image = tifffile.imread(real_data / "fmd_confocal" / "clean" / "BPAE_G.tif").astype(float)
    seen, clean = image[:256], image[256:, 128:384]
    noisy = clean + 0.07 * np.ptp(seen) * rng.normal(size=clean.shape)
    method = Autoencoder(n_steps=250, **SMALL)
    assert gain_db(clean, noisy, denoised(trained(method, seen), noisy)) > 4
