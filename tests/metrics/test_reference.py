"""Metrics: the values of scikit-image, with the range said."""

import math

import dask.array as da
import numpy as np
import pytest
import tifffile
from skimage.metrics import (
    normalized_root_mse,
    peak_signal_noise_ratio,
    structural_similarity,
)

from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import run
from napari_denoise.metrics import (
    compare_job,
    compare_planes_job,
    micro_ssim,
    ms_ssim,
    nrmse,
    psnr,
    si_psnr,
    snr,
    ssim,
)


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
    scores = run(compare_job(da.from_array(clean), da.from_array(image), data_range=255))
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
    assert run(compare_job(clean, clean, data_range=1)).psnr == math.inf
    assert ssim(clean, clean, data_range=100) == pytest.approx(1)
    assert nrmse(clean, clean) == 0
    assert nrmse(np.zeros((3, 3)), np.zeros((3, 3))) == 0
    assert nrmse(np.zeros((3, 3)), np.ones((3, 3))) == math.inf


def test_planes_smaller_than_the_window_have_no_ssim_but_a_psnr():
    scores = run(compare_job(np.zeros((8, 30)), np.ones((8, 30)), data_range=10))
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
        run(compare_job(clean, image, data_range=data_range))


def test_lists_of_numbers_are_arrays_too():
    assert psnr([[0, 1]], [[0, 2]], data_range=10) == pytest.approx(10 * math.log10(200))


def _published_si_psnr(clean, image):
    """CARE's and CAREamics' scale-invariant PSNR, step by step."""
    scaled = (clean - clean.mean()) / clean.std()
    centred = image - image.mean()
    centred = centred * np.sum(scaled * centred) / np.sum(centred * centred)
    data_range = (clean.max() - clean.min()) / clean.std()
    return peak_signal_noise_ratio(scaled, centred, data_range=data_range)


def test_scale_invariant_psnr_is_the_published_one_and_blind_to_offset_and_gain(pair):
    clean, image = (part.astype(float) for part in pair)
    expected = _published_si_psnr(clean, image)
    assert si_psnr(clean, image) == pytest.approx(expected, abs=1e-6)
    assert si_psnr(clean, 3 * image + 500) == pytest.approx(expected, abs=1e-6)
    assert si_psnr(clean, 3 * clean + 500) == math.inf
    assert si_psnr(clean, np.zeros_like(clean)) == pytest.approx(
        20 * math.log10(np.ptp(clean) / clean.std())
    )
    assert math.isnan(si_psnr(np.ones((3, 3)), clean[0, :3, :3]))


def test_snr_is_energy_over_error(pair):
    clean, image = (part.astype(float) for part in pair)
    expected = 10 * math.log10(np.sum(clean**2) / np.sum((clean - image) ** 2))
    assert snr(clean, image) == pytest.approx(expected, abs=1e-6)
    assert snr(np.zeros((3, 3)), np.ones((3, 3))) == -math.inf


def test_each_plane_frame_and_channel_has_the_scores_of_its_own_pixels(rng):
    clean = rng.uniform(0, 100, (2, 3, 30, 40)) * np.array([1, 2, 5])[:, None, None]
    image = clean + rng.normal(0, 5, clean.shape)
    table = run(compare_planes_job(clean, image, data_range=500))
    assert table.overall.psnr == run(compare_job(clean, image, data_range=500)).psnr
    assert table.overall.si_psnr == pytest.approx(_published_si_psnr(clean, image), abs=1e-6)
    assert [len(scores) for scores in table.along] == [2, 3]
    assert list(table.planes) == list(np.ndindex(2, 3))
    parts = [
        (table.planes[1, 2], clean[1, 2], image[1, 2]),
        (table.along[0][1], clean[1], image[1]),
        (table.along[1][2], clean[:, 2], image[:, 2]),
    ]
    for scores, reference, other in parts:
        assert scores.psnr == pytest.approx(psnr(reference, other, data_range=500), abs=1e-6)
        assert scores.si_psnr == pytest.approx(_published_si_psnr(reference, other), abs=1e-6)
        assert scores.ssim == pytest.approx(ssim(reference, other, data_range=500), abs=1e-6)
        assert scores.snr == pytest.approx(-20 * math.log10(scores.nrmse), abs=1e-6)


def test_all_at_once_is_each_on_its_own(scene):
    scores = run(compare_job(*scene, data_range=600))
    assert scores.ms_ssim == pytest.approx(ms_ssim(*scene, data_range=600))
    assert scores.micro_ssim == pytest.approx(micro_ssim(*scene))
    assert scores.si_psnr == pytest.approx(si_psnr(*scene))


def test_the_scores_that_take_longest_can_be_left_out(scene):
    brief, full = (run(compare_job(*scene, data_range=600, is_extended=e)) for e in (False, True))
    assert math.isnan(brief.ms_ssim)
    assert math.isnan(brief.micro_ssim)
    assert (brief.psnr, brief.ssim, brief.nrmse) == (full.psnr, full.ssim, full.nrmse)


def test_a_comparison_reports_often_and_only_forwards(scene):
    clean, image = (np.stack([plane] * 3) for plane in scene)
    fractions = [event.fraction for event in compare_job(clean, image, data_range=600)]
    assert len(fractions) > 12
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)


def test_real_w2s_pairs_are_ranked_by_scale_invariant_psnr_alone(real_data):
    name = min((real_data / "w2s" / "clean").iterdir()).name
    clean, noisy = (tifffile.imread(real_data / "w2s" / part / name) for part in ("clean", "noisy"))
    scores = run(compare_job(clean, noisy, data_range=255))
    assert scores.si_psnr == pytest.approx(18.2149, abs=1e-3)
    assert scores.psnr < scores.si_psnr
