"""Procedural samples have a truth, real calibration, and say how they were made."""

import subprocess
import sys

import numpy as np
import pytest

from napari_denoise.core.errors import SettingsError
from napari_denoise.data.samples import PUBLIC, SAMPLES, fetch_public, make_sample
from napari_denoise.io.images import read_image, write_image


@pytest.fixture(scope="module", params=SAMPLES)
def sample(request):
    return SAMPLES[request.param], *make_sample(request.param)


def test_noisy_and_clean_show_the_same_with_the_same_calibration(sample):
    about, noisy, clean = sample
    for image in (noisy, clean):
        assert image.pixels.dtype == np.uint16
        assert (image.axes, image.scale, image.units) == (about.axes, about.scale, about.units)
        assert image.channel_names == about.channel_names
    assert noisy.pixels.shape == clean.pixels.shape
    assert noisy.name != clean.name


def test_the_clean_image_is_what_the_noisy_one_is_on_average(sample):
    _, noisy, clean = sample
    residual = noisy.pixels.astype(float) - clean.pixels
    assert residual.mean() == pytest.approx(0, abs=0.2)
    bright = clean.pixels > np.percentile(clean.pixels, 90)
    assert residual[bright].mean() == pytest.approx(0, abs=2)


def test_noise_grows_with_the_light_as_photons_do(sample):
    _, noisy, clean = sample
    variance = (noisy.pixels.astype(float) - clean.pixels) ** 2
    gain, offset = np.polyfit(clean.pixels.ravel().astype(float), variance.ravel(), 1)
    assert gain == pytest.approx(10, rel=0.15)
    assert offset + gain * 100 == pytest.approx(12**2, rel=0.2)


def test_nothing_is_saturated(sample):
    _, noisy, _ = sample
    assert noisy.pixels.min() > 0
    assert noisy.pixels.max() < 65535


def test_the_recipe_tells_of_photons_and_read_noise(sample):
    about, noisy, clean = sample
    assert [step.settings["name"] for step in noisy.recipe.steps()] == ["poisson", "gaussian"]
    assert noisy.recipe.seed == about.seed
    assert clean.recipe is None


def test_a_sample_is_the_same_each_time():
    for first, again in zip(make_sample("cells"), make_sample("cells"), strict=True):
        np.testing.assert_array_equal(first.pixels, again.pixels)


def test_a_sample_survives_a_file(tmp_path):
    noisy, _ = make_sample("timelapse")
    write_image(tmp_path / "a.ome.tif", noisy)
    again = read_image(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(again.pixels, noisy.pixels)
    assert (again.scale, again.units, again.recipe) == (noisy.scale, noisy.units, noisy.recipe)


def test_an_unknown_sample_is_refused_with_those_there_are():
    with pytest.raises(SettingsError, match=r"'cats'.*timelapse"):
        make_sample("cats")


def test_public_images_are_offered_beside_the_samples():
    assert not PUBLIC.keys() & SAMPLES.keys()
    assert callable(fetch_public)


def test_making_samples_imports_no_torch():
    code = "import sys, napari_denoise.data.samples; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
