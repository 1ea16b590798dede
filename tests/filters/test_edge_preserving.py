"""Edge-preserving filters: noise falls, edges stay, tiles and units do not matter."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.restoration import denoise_tv_chambolle

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import run
from napari_denoise.filters import AnisotropicDiffusion, Bilateral, NonLocalMeans, TotalVariation

FILTERS = [
    Bilateral(),
    NonLocalMeans(search_radius=3, patch_size=3),
    TotalVariation(n_iterations=30),
    TotalVariation(solver="split_bregman", n_iterations=20),
    AnisotropicDiffusion(),
]


def run_filter(denoiser, image, spatial="YX"):
    return run(denoise_job(denoiser, image, Layout(spatial, spatial))).image.pixels


def squares(shape, rng):
    """Bright blocks on a dark ground, 10 times the noise, and their noisy image."""
    clean = 100 + 200 * (ndimage.zoom(rng.random([size // 8 for size in shape]), 8, order=0) > 0.6)
    return clean, clean + rng.normal(0, 20, shape)


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda d: d.name)
@pytest.mark.parametrize("shape", [(64, 96), (16, 48, 40)])
def test_the_error_falls_below_that_of_the_best_gaussian(denoiser, shape, rng):
    clean, noisy = squares(shape, rng)
    result = run_filter(denoiser, noisy, "ZYX"[-len(shape) :])
    blurred = [ndimage.gaussian_filter(noisy, sigma) for sigma in np.arange(0.4, 2.5, 0.1)]
    best = min(np.square(image - clean).mean() for image in blurred)
    assert np.square(result - clean).mean() < best
    assert result.mean() == pytest.approx(noisy.mean(), rel=2e-3)


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda d: d.name)
def test_the_unit_of_the_image_does_not_matter(denoiser, rng):
    _, noisy = squares((48, 48), rng)
    result = run_filter(denoiser, noisy)
    np.testing.assert_allclose(run_filter(denoiser, noisy / 1e4) * 1e4, result, rtol=1e-4)
    np.testing.assert_allclose(run_filter(denoiser, noisy * 50 + 1e4), result * 50 + 1e4, rtol=1e-4)


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda d: d.name)
def test_tiles_leave_no_seam(denoiser, rng):
    _, noisy = squares((96, 104), rng)
    kind = type(denoiser)
    small = type("Small", (kind,), {"tile_size": lambda self, extents: (40,) * len(extents)})
    tiled = run_filter(small(**denoiser.model_dump()), noisy)
    whole = type("Whole", (kind,), {"tile_size": lambda self, extents: (200,) * len(extents)})
    expected = run_filter(whole(**denoiser.model_dump()), noisy)
    np.testing.assert_allclose(tiled, expected, atol=0.01 * 20)


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda d: d.name)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 3), (2, 40)])
def test_tiny_images_come_back_in_their_shape(denoiser, shape, rng):
    assert np.isfinite(run_filter(denoiser, rng.normal(size=shape))).all()


@pytest.mark.parametrize("denoiser", FILTERS, ids=lambda d: d.name)
def test_a_filter_can_be_cancelled_within_a_tile(denoiser, rng):
    job = denoiser.denoise_tile(rng.normal(size=(1, 64, 64)).astype(np.float32))
    next(job)
    next(job)
    job.close()


def test_the_bilateral_filter_is_what_its_definition_says(rng):
    image = rng.uniform(0, 10, (15, 15))
    near = np.arange(-3, 4)
    window = image[4:11, 4:11]
    weights = np.exp(
        -np.add.outer(near**2, near**2) / (2 * 1.2**2) - (window - image[7, 7]) ** 2 / (2 * 6.0**2)
    )
    result = run_filter(Bilateral(sigma=1.2, range_sigma=3, noise_sigma=2), image)
    assert result[7, 7] == pytest.approx((weights * window).sum() / weights.sum(), rel=1e-5)


def rof_energy(image, noisy, weight):
    slopes = [np.diff(image, axis=axis, append=image.take([-1], axis)) for axis in (0, 1)]
    return np.hypot(*slopes).sum() + np.square(image - noisy).sum() / (2 * weight)


@pytest.mark.parametrize("solver", ["chambolle", "split_bregman"])
def test_total_variation_is_as_low_as_scikit_image_makes_it(solver, rng):
    _, noisy = squares((40, 48), rng)
    peer = denoise_tv_chambolle(noisy, weight=30, eps=0, max_num_iter=200)
    tv = TotalVariation(noise_sigma=20, weight=1.5, solver=solver, n_iterations=200)
    result = run_filter(tv, noisy).astype(np.float64)
    assert rof_energy(result, noisy, 30) <= rof_energy(peer, noisy, 30)
    np.testing.assert_allclose(result, peer, atol=3)


def test_diffusion_crosses_no_strong_edge():
    image = np.where(np.arange(40) < 20, 0.0, 1000.0) * np.ones((40, 1))
    result = run_filter(AnisotropicDiffusion(noise_sigma=10, n_iterations=50), image)
    np.testing.assert_allclose(result, image, atol=1e-3)


def test_each_axis_may_have_its_own_reach(rng):
    image = rng.normal(size=(6, 20, 20)).astype(np.float32)
    flat = run_filter(Bilateral(sigma=(0, 1, 1), noise_sigma=1), image, "ZYX")
    plane = run_filter(Bilateral(sigma=1, noise_sigma=1), image[3])
    np.testing.assert_allclose(flat[3], plane, atol=1e-5)


def test_a_patch_without_a_middle_is_refused():
    with pytest.raises(SettingsError, match="odd number"):
        run_filter(NonLocalMeans(patch_size=4), np.ones((9, 9)))
