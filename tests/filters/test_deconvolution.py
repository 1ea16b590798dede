"""Richardson–Lucy with total variation: sharper and cleaner, and no light lost or made."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.io import imread
from skimage.restoration import richardson_lucy

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import run
from napari_denoise.filters import RichardsonLucy
from napari_denoise.metrics import psnr


def run_filter(denoiser, image):
    axes = "ZYX"[-image.ndim :]
    return run(denoise_job(denoiser, image, Layout(axes, axes))).image.pixels


def spots(shape, rng):
    """Bright spots and bodies, and what a microscope with a blur of 1.5 pixels counts of them."""
    points = 400.0 * (rng.random(shape) > 0.997)
    bodies = ndimage.gaussian_filter(rng.normal(size=shape), 4)
    clean = 2 + ndimage.gaussian_filter(points, 0.5) + 60 * (bodies > bodies.std())
    return clean, rng.poisson(ndimage.gaussian_filter(clean, 1.5)).astype(np.float32)


@pytest.mark.parametrize("shape", [(96, 96), (16, 48, 40)])
def test_the_error_falls_below_that_of_the_best_gaussian(shape, rng):
    clean, noisy = spots(shape, rng)
    result = run_filter(RichardsonLucy(psf_sigma=1.5), noisy)
    blurred = [ndimage.gaussian_filter(noisy, sigma) for sigma in np.arange(0, 2.5, 0.1)]
    best = min(np.square(image - clean).mean() for image in blurred)
    assert np.square(result - clean).mean() < 0.9 * best


def test_total_variation_keeps_noise_from_coming_back(rng):
    clean = 20 + 60.0 * (ndimage.gaussian_filter(rng.normal(size=(96, 96)), 6) > 0)
    noisy = rng.poisson(ndimage.gaussian_filter(clean, 1.5))
    long = {"psf_sigma": 1.5, "n_iterations": 40}
    without, with_tv = (
        np.square(run_filter(RichardsonLucy(tv_weight=w, **long), noisy) - clean).mean()
        for w in (0, 0.03)
    )
    assert with_tv < 0.7 * without


@pytest.mark.parametrize("settings", [{}, {"n_iterations": 40}, {"tv_weight": 0.25}])
@pytest.mark.parametrize("level", [0, 100])
def test_no_light_is_lost_or_made(settings, level, rng):
    """Not even where read noise takes half of the pixels below the background."""
    _, noisy = spots((64, 70), rng)
    image = noisy + rng.normal(level, 5, noisy.shape)
    result = run_filter(RichardsonLucy(psf_sigma=1.5, background=level, **settings), image)
    assert result.mean() - level == pytest.approx(image.mean() - level, rel=1e-4)
    means = [ndimage.uniform_filter(each, 40)[20:-20, 20:-20] for each in (image, result)]
    np.testing.assert_allclose(means[1] - level, means[0] - level, rtol=0.1)


def test_without_total_variation_it_is_the_method_of_richardson_and_lucy(rng):
    clean, _ = spots((48, 48), rng)
    blurred = ndimage.gaussian_filter(clean, 1.5)
    near = np.exp(-0.5 * np.square(np.arange(-6, 7) / 1.5))
    psf = np.outer(near, near) / near.sum() ** 2
    ours = RichardsonLucy(psf_sigma=1.5, tv_weight=0, n_iterations=60)
    expected = richardson_lucy(blurred, psf, num_iter=60, clip=False)
    inside = (slice(16, -16),) * 2
    np.testing.assert_allclose(
        run_filter(ours, blurred)[inside], expected[inside], rtol=0.1, atol=2
    )


def test_a_camera_offset_does_not_matter_once_it_is_named(rng):
    _, noisy = spots((48, 48), rng)
    result = run_filter(RichardsonLucy(), noisy)
    shifted = run_filter(RichardsonLucy(background=100), noisy + 100)
    np.testing.assert_allclose(shifted - 100, result, atol=1e-2)
    np.testing.assert_allclose(run_filter(RichardsonLucy(), noisy * 8), result * 8, rtol=1e-3)


@pytest.mark.parametrize("value", [-5, 0, 7])
def test_a_flat_image_stays_flat(value):
    image = np.full((20, 30), value, np.float32)
    np.testing.assert_allclose(run_filter(RichardsonLucy(), image), image, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 3), (2, 3, 40)])
def test_tiny_and_negative_images_come_back_in_their_shape(shape, rng):
    assert np.isfinite(run_filter(RichardsonLucy(), rng.normal(size=shape))).all()


@pytest.mark.parametrize(("shape", "core"), [((150, 140), (60, 60)), ((20, 70, 66), (10, 30, 30))])
def test_tiles_leave_no_seam(shape, core, rng):
    _, noisy = spots(shape, rng)

    class Small(RichardsonLucy):
        def tile_size(self, extents):
            return core

    whole = run_filter(RichardsonLucy(psf_sigma=1.5), noisy)
    difference = run_filter(Small(psf_sigma=1.5), noisy) - whole
    assert np.sqrt(np.mean(np.square(difference))) < 0.01 * np.sqrt(noisy.mean())


def test_each_axis_may_have_its_own_blur(rng):
    _, noisy = spots((5, 40, 40), rng)
    flat = run_filter(RichardsonLucy(psf_sigma=(1e-3, 1.5, 1.5), tv_weight=0), noisy)
    plane = run_filter(RichardsonLucy(psf_sigma=1.5, tv_weight=0), noisy[2])
    assert np.corrcoef(flat[2].ravel(), plane.ravel())[0, 1] > 0.99
    with pytest.raises(SettingsError, match="psf_sigma has 3 values"):
        run_filter(RichardsonLucy(psf_sigma=(1, 1, 1)), noisy[2])


def test_it_can_be_cancelled_between_and_within_steps(rng):
    tile = rng.poisson(5, (1, 64, 64)).astype(np.float32)
    job = RichardsonLucy().denoise_tile(tile)
    fractions = [next(job).fraction for _ in range(40)]
    assert fractions == sorted(fractions)
    job.close()
    with pytest.raises(StopIteration):
        next(job)


def test_a_real_image_comes_closer_to_the_clean_one(real_data):
    noisy, clean = (
        imread(real_data / "fmd_confocal" / part / "fish.tif")[:256, :256]
        for part in ("noisy", "clean")
    )
    result = run_filter(RichardsonLucy(tv_weight=0.15, background=3), noisy)
    assert psnr(clean, result, data_range=255) > psnr(clean, noisy, data_range=255) + 3
    assert result.mean() == pytest.approx(noisy.mean(), rel=1e-3)
