"""Filters: reference values from scipy, per axis, in 2D and 3D, and units kept."""

import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.filters import Box, Gaussian, Median

CASES = [
    (Gaussian(sigma=1.5), lambda p, n: ndimage.gaussian_filter(p, 1.5)),
    (Median(size=3), lambda p, n: ndimage.median_filter(p, 3)),
    (Box(size=5), lambda p, n: ndimage.uniform_filter(p, 5)),
]


def run_filter(denoiser, image, layout):
    return run(denoise_job(denoiser, image, layout)).image.pixels


@pytest.mark.parametrize(("denoiser", "reference"), CASES)
@pytest.mark.parametrize(("axes", "shape"), [("YX", (33, 40)), ("ZYX", (9, 20, 31))])
def test_a_filter_agrees_with_scipy(denoiser, reference, axes, shape, rng):
    image = rng.poisson(20, shape).astype(np.uint16)
    expected = reference(image.astype(np.float64), len(shape))
    result = run_filter(denoiser, image, Layout(axes, axes))
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    ("denoiser", "reference"),
    [
        (Gaussian(sigma=(0, 1, 2)), lambda p: ndimage.gaussian_filter(p, (0, 1, 2))),
        (Median(size=(1, 3, 5)), lambda p: ndimage.median_filter(p, (1, 3, 5))),
        (Box(size=(5, 1, 3)), lambda p: ndimage.uniform_filter(p, (5, 1, 3))),
    ],
)
def test_each_axis_may_have_its_own_width(denoiser, reference, rng):
    image = rng.normal(100, 10, (8, 20, 20))
    result = run_filter(denoiser, image, Layout("ZYX", "ZYX"))
    np.testing.assert_allclose(result, reference(image), rtol=1e-5)


@pytest.mark.parametrize("denoiser", [case[0] for case in CASES])
def test_a_filter_lowers_the_error_and_keeps_the_mean(denoiser, rng):
    clean = ndimage.gaussian_filter(rng.uniform(0, 4000, (128, 128)), 4) * 3
    noisy = rng.poisson(clean).astype(np.uint16)
    result = run_filter(denoiser, noisy, Layout("YX"))
    assert np.square(result - clean).mean() < 0.5 * np.square(noisy - clean).mean()
    assert result.mean() == pytest.approx(noisy.mean(), rel=2e-3)


@pytest.mark.parametrize("denoiser", [case[0] for case in CASES])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3)])
def test_tiny_images_come_back_in_their_shape(denoiser, shape):
    assert run_filter(denoiser, np.ones(shape), Layout("YX")) == pytest.approx(np.ones(shape))


@pytest.mark.parametrize("denoiser", [case[0] for case in CASES])
@pytest.mark.parametrize(("axes", "spatial"), [("XY", "YX"), ("YXZ", "ZYX"), ("XYZ", "ZYX")])
def test_the_order_of_the_axes_does_not_matter(denoiser, axes, spatial, rng):
    image = rng.normal(size=[{"X": 20, "Y": 13, "Z": 6}[letter] for letter in axes])
    turned = image.transpose([axes.index(letter) for letter in spatial])
    expected = run_filter(denoiser, np.ascontiguousarray(turned), Layout(spatial, spatial))
    result = run_filter(denoiser, image, Layout(axes, spatial))
    np.testing.assert_array_equal(
        result.transpose([axes.index(letter) for letter in spatial]), expected
    )


def test_a_median_removes_a_hot_pixel():
    image = np.full((9, 9), 10.0)
    image[4, 4] = 60_000
    assert (run_filter(Median(), image, Layout("YX")) == 10).all()


def test_channels_are_filtered_apart_even_when_joint(rng):
    image = rng.normal(size=(2, 16, 16)).astype(np.float32)
    joint = run_filter(Gaussian(), image, Layout("CYX", channels="joint"))
    np.testing.assert_array_equal(joint, run_filter(Gaussian(), image, Layout("CYX")))


@pytest.mark.parametrize(("size", "axes"), [(3, "YX"), (15, "YX"), (3, "ZYX"), (9, "ZYX")])
def test_a_median_looks_up_often_so_that_cancel_is_quick(size, axes):
    median = Median(size=size)
    tile = np.zeros((1, *median.tile_size((2000,) * len(axes))), np.float32)
    n_events = sum(1 for _ in median.denoise_tile(tile))
    assert tile.size * size ** len(axes) < 2e7 * n_events


@pytest.mark.parametrize(
    "denoiser", [Gaussian(sigma=40), Gaussian(sigma=(2, 15, 15)), Box(size=101)]
)
def test_wide_kernels_are_worked_on_in_slabs_so_that_cancel_is_quick(denoiser):
    sigma = getattr(denoiser, "sigma", 1)
    n_spatial = len(sigma) if isinstance(sigma, tuple) else 2
    core = denoiser.tile_size((2000,) * n_spatial)
    halo = denoiser.halo(n_spatial)
    shape = [size + 2 * margin for size, margin in zip(core, halo, strict=True)]
    n_events = sum(1 for _ in denoiser.denoise_tile(np.zeros((1, *shape), np.float32)))
    n_taps = sum(2 * margin for margin in halo) if isinstance(denoiser, Gaussian) else 0
    assert np.prod(shape) * n_taps < 1e8 * n_events


@pytest.mark.parametrize("size", [(3, 3), (2, 3), (4, 5), (1, 7), (7, 7), (8, 2), (21, 21)])
def test_the_median_of_any_window_is_that_of_scipy(size, rng):
    image = rng.integers(0, 50, (37, 45)).astype(np.float32)  # with ties
    expected = ndimage.median_filter(image, size)
    np.testing.assert_array_equal(run_filter(Median(size=size), image, Layout("YX")), expected)


@pytest.mark.parametrize("size", [(3, 3, 3), (2, 4, 3), (5, 1, 5), (4, 4, 4), (9, 9, 9)])
def test_the_median_of_any_box_is_that_of_scipy(size, rng):
    image = rng.normal(size=(7, 19, 16)).astype(np.float32)
    expected = ndimage.median_filter(image, size)
    result = run_filter(Median(size=size), image, Layout("ZYX", "ZYX"))
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("size", [2, 4, 7, (6, 9)])
def test_box_windows_of_any_width_lie_where_scipy_has_them(size, rng):
    image = rng.normal(size=(11, 30))
    expected = ndimage.uniform_filter(image, size)
    np.testing.assert_allclose(run_filter(Box(size=size), image, Layout("YX")), expected, atol=1e-5)


@pytest.mark.parametrize("sigma", [0, 0.2, 0.7, 12, (30, 0)])
def test_the_gaussian_is_that_of_scipy_even_where_it_is_wider_than_the_image(sigma, rng):
    image = rng.normal(size=(20, 33))
    expected = ndimage.gaussian_filter(image, sigma)
    np.testing.assert_allclose(
        run_filter(Gaussian(sigma=sigma), image, Layout("YX")), expected, atol=1e-6
    )


def test_large_images_are_worked_on_in_many_pieces_without_a_seam(rng):
    image = rng.normal(size=(5, 700, 900)).astype(np.float32)
    for denoiser, reference in CASES:
        result = run_filter(denoiser, image, Layout("ZYX", "ZYX"))
        np.testing.assert_allclose(result, reference(image, 3), atol=1e-5)


def test_volumes_are_averaged_over_boxes_and_the_description_says_so():
    volume = np.zeros((5, 5, 5), np.float32)
    volume[2, 2, 2] = 27
    result = run_filter(Box(), volume, Layout("ZYX", "ZYX"))
    np.testing.assert_allclose(result[1:4, 1:4, 1:4], 1)
    assert "Box3D" in Box.__doc__
