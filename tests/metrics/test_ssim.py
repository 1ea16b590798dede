"""SSIM and its relatives: the values of the published programs."""

import math

import numpy as np
import pytest
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity

from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import run
from napari_denoise.metrics import micro_ssim, ms_ssim, ssim, ssim_map_job
from napari_denoise.metrics.ssim import plane_ssim_job


def _reference_ms_ssim(clean, image, data_range):
    """The five formulas of the paper, term by term."""
    g = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(g, g) / g.sum() ** 2
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2

    def smooth(plane):
        return convolve2d(plane, window, mode="valid")

    result = 1.0
    for weight in (0.0448, 0.2856, 0.3001, 0.2363, 0.1333):
        ma, mb = smooth(clean), smooth(image)
        va, vb = smooth(clean**2) - ma**2, smooth(image**2) - mb**2
        cs = (2 * (smooth(clean * image) - ma * mb) + c2) / (va + vb + c2)
        last = weight == 0.1333
        luminance = (2 * ma * mb + c1) / (ma**2 + mb**2 + c1) if last else 1.0
        result *= np.mean(luminance * cs) ** weight
        if not last:
            clean, image = (convolve2d(p, np.full((2, 2), 0.25), "valid") for p in (clean, image))
            clean, image = clean[::2, ::2], image[::2, ::2]
    return result


def test_ms_ssim_is_the_formula_of_the_paper(scene):
    clean, image = (plane[:, :176] for plane in scene)
    assert ms_ssim(clean, image, data_range=600) == pytest.approx(
        _reference_ms_ssim(clean, image, 600), abs=1e-9
    )


def test_ms_ssim_and_micro_ssim_are_those_of_the_published_programs(scene):
    # pytorch-msssim 1.0.0 (in float32) and microssim 0.0.5
    assert ms_ssim(*scene, data_range=600) == pytest.approx(0.6804172, abs=1e-6)
    assert micro_ssim(*scene) == pytest.approx(0.5188687247, abs=1e-6)


def test_the_map_is_that_of_scikit_image_also_at_the_borders(scene):
    stack = np.stack([plane[:60, :50] for plane in scene])
    result = run(ssim_map_job(stack, stack[::-1], data_range=600))
    expected = structural_similarity(
        *stack, data_range=600, gaussian_weights=True, use_sample_covariance=False, full=True
    )[1]
    np.testing.assert_allclose(result[0], expected, atol=1e-6)
    np.testing.assert_allclose(result[1], expected, atol=1e-6)


def test_a_large_plane_in_many_bands_gives_the_same(scene, monkeypatch):
    monkeypatch.setattr("napari_denoise.metrics.local_moments._BAND_PIXELS", 192 * 7)
    expected = structural_similarity(
        *scene, data_range=600, gaussian_weights=True, use_sample_covariance=False, full=True
    )
    assert ssim(*scene, data_range=600) == pytest.approx(expected[0], abs=1e-9)
    one, several = (run(plane_ssim_job(*scene, 600.0, n_threads=n)) for n in (1, 4))
    assert one == several
    assert one[1] == pytest.approx(ms_ssim(*scene, data_range=600), abs=1e-9)
    assert len(list(plane_ssim_job(*scene, 600.0))) > math.ceil(166 / 7)
    np.testing.assert_allclose(run(ssim_map_job(*scene, data_range=600)), expected[1], atol=1e-6)


def test_micro_ssim_does_not_see_offset_and_gain(scene):
    clean, image = scene
    assert micro_ssim(clean, 0.1 * clean + 7) == pytest.approx(1, abs=1e-6)
    assert micro_ssim(clean, 5 * image - 900) == pytest.approx(micro_ssim(clean, image), abs=1e-6)


def test_micro_ssim_fits_many_planes_together(scene):
    clean, image = (np.stack([plane[:40, :30]] * 40) for plane in scene)
    one = micro_ssim(clean[0], image[0])
    assert micro_ssim(clean, image) == pytest.approx(one, abs=1e-6)


def test_micro_ssim_on_a_choice_of_windows_is_nearly_the_same(scene, monkeypatch):
    full = micro_ssim(*scene)
    monkeypatch.setattr("napari_denoise.metrics.microssim._MAX_WINDOWS", 3000)
    monkeypatch.setattr("napari_denoise.metrics.microssim._MAX_PIXELS", 3000)
    assert micro_ssim(*scene) == pytest.approx(full, abs=2e-3)


def test_an_inverted_image_scores_badly_but_does_not_fail(scene):
    clean, _ = scene
    assert ms_ssim(clean, -clean, data_range=600) == 0
    assert micro_ssim(clean, -clean) < 0.1
    assert micro_ssim(clean, np.zeros_like(clean)) < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (10, 200)])
def test_planes_smaller_than_the_window_have_no_index(shape):
    clean = np.arange(math.prod(shape), dtype=float).reshape(shape)
    assert math.isnan(ssim(clean, clean, data_range=9))
    assert math.isnan(ms_ssim(clean, clean, data_range=9))
    assert math.isnan(micro_ssim(clean, clean))
    np.testing.assert_allclose(run(ssim_map_job(clean, clean, data_range=9)), 1)


def test_multi_scale_needs_more_than_160_pixels(rng):
    plane = rng.normal(size=(161, 161))
    assert ms_ssim(plane, plane, data_range=1) == pytest.approx(1)
    assert math.isnan(ms_ssim(plane[:160], plane[:160], data_range=1))


def test_a_constant_clean_plane_has_no_micro_ssim():
    assert math.isnan(micro_ssim(np.zeros((20, 20)), np.ones((20, 20))))


@pytest.mark.parametrize("index", [ssim, ms_ssim])
def test_a_range_that_is_not_positive_is_refused(index):
    with pytest.raises(InputError, match="data range of -1"):
        index(np.zeros((20, 20)), np.zeros((20, 20)), data_range=-1)
