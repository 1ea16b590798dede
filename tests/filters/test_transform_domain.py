"""Transform-domain filters: reference values, noise falls, tiles and units do not matter."""

import numpy as np
import pytest
from scipy import ndimage, signal

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import run
from napari_denoise.filters import Butterworth, Wavelet, Wiener

FILTERS = [
    Wavelet(),
    Wavelet(rule="visu", wavelet="db2", levels=2),
    Wiener(),
    Butterworth(cutoff=0.2),
]


def run_filter(denoiser, image, spatial="YX"):
    return run(denoise_job(denoiser, image, Layout(spatial, spatial))).image.pixels


def waves(shape, rng):
    """A smooth image and its noisy version."""
    clean = 1000 + 3000 * ndimage.gaussian_filter(rng.normal(size=shape), 4)
    return clean, clean + rng.normal(0, 100, shape)


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda d: d.name)
@pytest.mark.parametrize("shape", [(96, 75), (16, 48, 40)])
def test_the_error_falls_and_the_mean_stays(denoiser, shape, rng):
    clean, noisy = waves(shape, rng)
    result = run_filter(denoiser, noisy, "ZYX"[-len(shape) :])
    assert np.square(result - clean).mean() < 0.4 * np.square(noisy - clean).mean()
    assert result.mean() == pytest.approx(noisy.mean(), rel=2e-3)


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda d: d.name)
def test_the_unit_of_the_image_does_not_matter(denoiser, rng):
    _, noisy = waves((48, 48), rng)
    result = run_filter(denoiser, noisy)
    np.testing.assert_allclose(run_filter(denoiser, noisy * 20 + 1e4), result * 20 + 1e4, rtol=1e-4)


@pytest.mark.parametrize("denoiser", [*FILTERS, Wavelet(wavelet="haar")], ids=lambda d: d.name)
def test_tiles_leave_no_seam(denoiser, rng):
    _, noisy = waves((140, 150), rng)
    kind = type(denoiser)
    small = type("Small", (kind,), {"tile_size": lambda self, extents: (40,) * len(extents)})
    tiled = run_filter(small(**denoiser.model_dump()), noisy)
    np.testing.assert_allclose(tiled, run_filter(denoiser, noisy), atol=0.01 * 100)


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda d: d.name)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 3), (2, 40)])
def test_tiny_images_come_back_in_their_shape(denoiser, shape, rng):
    assert np.isfinite(run_filter(denoiser, rng.normal(size=shape))).all()


@pytest.mark.parametrize("wavelet", ["haar", "db2", "sym4"])
@pytest.mark.parametrize("shape", [(33, 40), (5, 18, 21)])
def test_a_wavelet_that_removes_nothing_returns_the_image(wavelet, shape, rng):
    image = rng.normal(size=shape).astype(np.float32)
    nothing = Wavelet(rule="visu", threshold=0, wavelet=wavelet, noise_sigma=1)
    np.testing.assert_allclose(run_filter(nothing, image, "ZYX"[-len(shape) :]), image, atol=1e-5)


def test_visushrink_leaves_next_to_no_noise(rng):
    noise = rng.normal(size=(128, 128)).astype(np.float32)
    assert run_filter(Wavelet(rule="visu"), noise).std() < 0.15


def test_visushrink_knows_the_size_of_the_image(rng):
    image = rng.normal(size=(64, 32)).astype(np.float32)
    layout = Layout("YX")
    fitted = run(Wavelet().fitted(image, layout, list(layout.units(image.shape))))
    assert fitted.threshold == pytest.approx(np.sqrt(2 * np.log(64 * 32)))
    assert fitted.noise_sigma == pytest.approx(1, rel=0.1)
    chosen = Wavelet(threshold=2.5, noise_sigma=1)
    assert run(chosen.fitted(image, layout, [])) == chosen


def test_a_single_tile_can_be_denoised_without_being_fitted(rng):
    tile = rng.normal(size=(1, 64, 64)).astype(np.float32)
    assert run(Wavelet(rule="visu").denoise_tile(tile)).std() < 0.2


def test_wiener_agrees_with_scipy_inside(rng):
    noisy = waves((40, 50), rng)[1]
    result = run_filter(Wiener(size=5, noise_sigma=100), noisy)
    expected = signal.wiener(noisy, 5, noise=100**2)
    np.testing.assert_allclose(result[2:-2, 2:-2], expected[2:-2, 2:-2], rtol=1e-4)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_butterworth_halves_a_wave_at_its_cutoff(order):
    wave = np.cos(2 * np.pi * 0.125 * (np.arange(64) + 0.5)) * np.ones((8, 1))
    result = run_filter(Butterworth(cutoff=0.125, order=order), wave)
    np.testing.assert_allclose(result, wave / 2, atol=1e-5)


def test_butterworth_cuts_each_axis_where_it_is_told():
    wave = np.cos(2 * np.pi * 0.125 * (np.arange(64) + 0.5)) * np.ones((8, 1))
    across = run_filter(Butterworth(cutoff=(0.02, 0.5), order=4), wave)
    np.testing.assert_allclose(across, wave, atol=1e-4)


def test_cutoffs_for_more_axes_than_the_image_has_are_refused():
    with pytest.raises(SettingsError, match="cutoff has 3 values"):
        run_filter(Butterworth(cutoff=(0.1, 0.1, 0.1)), np.ones((9, 9)))
