"""Filters inside variance stabilisation: photon noise at any brightness, and the mean kept."""

import json

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import ndimage
from skimage.io import imread

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, SettingsError
from napari_denoise.core.progress import Notice, Progress, run
from napari_denoise.core.recipe import Recipe
from napari_denoise.filters import BM3D, Bilateral, Gaussian, NonLocalMeans, Wavelet
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.instant.denoiser import Instant
from napari_denoise.metrics import psnr

GAIN, OFFSET, READ_NOISE = 4.0, 100.0, 6.0


def camera_image(shape, rng):
    """A scene from 2 to 200 photo-electrons, and what a camera makes of it."""
    electrons = np.exp(ndimage.zoom(rng.uniform(0.7, 5.3, [s // 16 for s in shape]), 16, order=1))
    noisy = rng.poisson(electrons) * GAIN + OFFSET + rng.normal(0, READ_NOISE, electrons.shape)
    return electrons * GAIN + OFFSET, noisy.astype(np.float32)


def run_filter(denoiser, image, layout=None):
    return run(denoise_job(denoiser, image, layout or Layout("YX"))).image.pixels


@pytest.mark.parametrize("inner", [NonLocalMeans(), Wavelet()], ids=lambda d: d.name)
def test_stabilising_helps_a_filter_against_photon_noise(inner, rng):
    clean, noisy = camera_image((128, 128), rng)
    known = Stabilized(denoiser=inner, gain=GAIN, offset=OFFSET, read_noise=READ_NOISE)
    stabilized = run_filter(known, noisy)
    error = np.square(stabilized - clean).mean()
    assert error < 0.7 * np.square(run_filter(inner, noisy) - clean).mean()
    assert stabilized.mean() == pytest.approx(clean.mean(), rel=0.01)


def test_the_camera_is_measured_where_it_is_not_given(rng):
    _, noisy = camera_image((256, 256), rng)
    layout = Layout("YX")
    fitted = run(
        Stabilized(denoiser=Bilateral()).fitted(noisy, layout, list(layout.units(noisy.shape)))
    )
    assert fitted.gain == pytest.approx(GAIN, rel=0.25)
    assert fitted.denoiser.noise_sigma == 1
    known = Stabilized(
        denoiser=Bilateral(), gain=fitted.gain, offset=fitted.offset, read_noise=fitted.read_noise
    )
    blind = run_filter(Stabilized(denoiser=Bilateral()), noisy)
    np.testing.assert_array_equal(blind, run_filter(known, noisy))


def test_each_channel_has_its_own_camera(rng):
    _, noisy = camera_image((192, 192), rng)
    both = np.stack([noisy, 10 * noisy])
    result = run_filter(Stabilized(denoiser=Gaussian()), both, Layout("CYX"))
    np.testing.assert_allclose(result[1], 10 * result[0], rtol=0.05)


def test_an_unreliable_calibration_is_told(rng):
    blurred = ndimage.gaussian_filter(camera_image((160, 160), rng)[1], 1.0)
    events: list[Progress] = []
    run(denoise_job(Stabilized(denoiser=Gaussian()), blurred, Layout("YX")), events.append)
    assert any(isinstance(event, Notice) for event in events)


def test_a_tile_needs_a_camera():
    job = Stabilized(denoiser=Gaussian()).denoise_tile(np.ones((1, 8, 8), np.float32))
    with pytest.raises(SettingsError, match="gain is not known"):
        next(job)


def test_what_the_filter_refuses_is_refused():
    volume, layout = np.ones((9, 9, 9)), Layout("ZYX", "ZYX")
    with pytest.raises(AxesError, match="BM3D denoises planes"):
        next(denoise_job(Stabilized(denoiser=BM3D(), gain=1), volume, layout))


def test_a_recipe_holds_the_filter_and_brings_it_back():
    chosen = Stabilized(denoiser=NonLocalMeans(strength=0.9), gain=2.5)
    stored = json.loads(json.dumps(Recipe.of("denoise", chosen).settings))
    assert stored["denoiser"]["strength"] == 0.9
    assert Stabilized.model_validate(stored) == chosen
    assert chosen.label == "stabilized Non-local means"


def test_only_filters_can_be_stabilised():
    with pytest.raises((SettingsError, ValidationError), match="Choose a filter"):
        Stabilized(denoiser=Instant())
    with pytest.raises((SettingsError, ValidationError), match="no filter 'blur'"):
        Stabilized(denoiser={"name": "blur"})


def test_stabilised_bm3d_with_blind_calibration_on_real_images(real_data):
    noisy = imread(real_data / "fmd_confocal" / "noisy" / "fish.tif")[:256, :256]
    clean = imread(real_data / "fmd_confocal" / "clean" / "fish.tif")[:256, :256]
    result = run_filter(Stabilized(denoiser=BM3D(search_radius=10)), noisy)
    assert psnr(clean, result, data_range=255) > psnr(clean, noisy, data_range=255) + 8.5
