"""Metrics: the values of scikit-image, with the range said."""

import math

import dask.array as da
import numpy as np
import pytest
from skimage.metrics import (
    normalized_root_mse,
    peak_signal_noise_ratio,
    structural_similarity,
)

from napari_denoise.errors import InputError
from napari_denoise.metrics import compare, nrmse, psnr, ssim
from napari_denoise.progress import run


@pytest.fixture
def pair(rng):
    clean = rng.integers(0, 200, (3, 40, 50)).astype(np.uint8)
    return clean, clean + rng.normal(0, 12, clean.shape).astype(np.float32)


def test_values_agree_with_scikit_image(pair):
    clean, image = pair
    reference = clean.astype(float)
    assert psnr(clean, image, data_range=255) == pytest.approx(
        peak_signal_noise_ratio(reference, image, data_range=255), abs=1e-6
    )
    assert nrmse(clean, image) == pytest.approx(normalized_root_mse(reference, image), abs=1e-6)
    expected = [
        structural_similarity(
            a, b, data_range=255, gaussian_weights=True, use_sample_covariance=False
        )
        for a, b in zip(reference, image.astype(float), strict=True)
    ]
    assert ssim(clean, image, data_range=255) == pytest.approx(np.mean(expected), abs=1e-6)


def test_all_at_once_gives_the_same_also_lazily(pair):
    clean, image = pair
    scores = run(compare(da.from_array(clean), da.from_array(image), data_range=255))
    assert scores.psnr == pytest.approx(psnr(clean, image, data_range=255))
    assert scores.ssim == pytest.approx(ssim(clean, image, data_range=255))
    assert scores.nrmse == pytest.approx(nrmse(clean, image))
    assert scores.data_range == 255


def test_the_range_counts_as_published():
    clean, image = np.zeros((16, 16)), np.full((16, 16), 2.55)
    assert psnr(clean, image, data_range=255) == pytest.approx(40.0)
    assert psnr(clean, image, data_range=2.55) == pytest.approx(0.0)


def test_more_noise_gives_worse_numbers(rng):
    clean = rng.uniform(0, 100, (32, 32))
    little, much = (clean + rng.normal(0, s, clean.shape) for s in (1, 10))
    assert psnr(clean, little, data_range=100) > psnr(clean, much, data_range=100) + 15
    assert ssim(clean, little, data_range=100) > ssim(clean, much, data_range=100)
    assert nrmse(clean, little) < nrmse(clean, much)


def test_equal_images_are_perfect(rng):
    clean = rng.uniform(0, 100, (16, 16))
    assert run(compare(clean, clean, data_range=1)).psnr == math.inf
    assert ssim(clean, clean, data_range=100) == pytest.approx(1)
    assert nrmse(clean, clean) == 0
    assert nrmse(np.zeros((3, 3)), np.zeros((3, 3))) == 0
    assert nrmse(np.zeros((3, 3)), np.ones((3, 3))) == math.inf


def test_planes_smaller_than_the_window_have_no_ssim_but_a_psnr():
    scores = run(compare(np.zeros((8, 30)), np.ones((8, 30)), data_range=10))
    assert math.isnan(scores.ssim)
    assert scores.psnr == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("clean", "image", "data_range", "says"),
    [
        (np.zeros((3, 3)), np.zeros((3, 4)), 255, r"shape \(3, 3\), the other \(3, 4\)"),
        (np.zeros((3, 3)), np.zeros((3, 3)), 0, "data range of 0"),
        (np.zeros((3, 3)), np.zeros((3, 3)), math.nan, "data range of nan"),
        (np.zeros((3, 3)), np.full((3, 3), np.nan), 255, "NaN"),
        (np.zeros((0, 3)), np.zeros((0, 3)), 255, "The clean image is empty"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(clean, image, data_range, says):
    with pytest.raises(InputError, match=says):
        run(compare(clean, image, data_range=data_range))


def test_lists_of_numbers_are_arrays_too():
    assert psnr([[0, 1]], [[0, 2]], data_range=10) == pytest.approx(10 * math.log10(200))
