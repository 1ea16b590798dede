"""The photometric check: what keeps the light passes, what changes it does not."""

import math

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.dtype import cast_saturating
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import run
from napari_denoise.metrics import check_photometry_job
from napari_denoise.metrics.block_means import Groups, block_sizes, fit_line, group_blocks

BACKGROUND = 100.0


@pytest.fixture
def clean():
    """Cells of several sizes and intensities on a camera's offset, three planes ``ZYX``."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:256, :256]
    planes = np.full((3, 256, 256), BACKGROUND)
    for plane in planes:
        for cy, cx, width, height in rng.uniform((0, 0, 8, 30), (256, 256, 25, 300), (25, 4)):
            cell = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2))
            np.add(plane, height * cell, out=plane)
    return planes


@pytest.fixture
def noisy(clean, rng):
    return rng.poisson(clean).astype(np.float64) + rng.normal(0, 5, clean.shape)


def _blurred(image, sigma=1.5):
    return np.stack([ndimage.gaussian_filter(plane, sigma) for plane in image])


HONEST = {
    "nothing at all": lambda noisy, clean: noisy,
    "a perfect denoiser": lambda noisy, clean: clean,
    "a Gaussian": lambda noisy, clean: _blurred(noisy),
    "a box": lambda noisy, clean: np.stack([ndimage.uniform_filter(p, 5) for p in noisy]),
    "a median, as the noise is symmetric": lambda noisy, clean: np.stack(
        [ndimage.median_filter(p, 3) for p in noisy]
    ),
    "the cast to integers": lambda noisy, clean: cast_saturating(_blurred(noisy), np.uint16)[0],
}

DISHONEST = {
    "a gain 3 % too high": (lambda noisy, clean: 1.03 * clean, "multiplied by 1.03"),
    "a gain 3 % too low about the offset": (
        lambda noisy, clean: BACKGROUND + 0.97 * (_blurred(noisy) - BACKGROUND),
        "multiplied by 0.97",
    ),
    "contrast stretched about the mean": (
        lambda noisy, clean: noisy.mean() + 1.03 * (clean - noisy.mean()),
        "multiplied by 1.03",
    ),
    "a shifted background": (lambda noisy, clean: _blurred(noisy) - 5, r"mean is \S+ too low"),
    "clipping at the top": (
        lambda noisy, clean: np.minimum(_blurred(noisy), 500),
        "of the pixels are clipped",
    ),
    "clipping at the bottom": (
        lambda noisy, clean: np.maximum(_blurred(noisy), 105),
        "of the pixels are clipped",
    ),
    "a bent response": (
        lambda noisy, clean: clean - 12 * np.sin((clean - 100) / 40),
        "intensities near|multiplied by|the mean",
    ),
    "each plane normalised by itself": (
        lambda noisy, clean: (
            np.stack([(p - p.mean()) / p.std() for p in clean]) * clean.std() + clean.mean()
        ),
        "multiplied by|plane",
    ),
    "one plane brighter": (
        lambda noisy, clean: _blurred(noisy) * np.array([0.99, 1.07, 0.95])[:, None, None],
        "plane",
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_it_lets_pass(name, noisy, clean):
    result = run(check_photometry_job(noisy, HONEST[name](noisy, clean)))
    assert result.is_safe, result.reason
    assert result.reason.startswith("Safe to quantify")
    assert result.slope == pytest.approx(1, abs=0.01)
    assert result.mean_ratio == pytest.approx(1, abs=0.01)
    assert len(result.intensities) == len(result.deviations) == 10
    assert max(map(abs, result.deviations)) < 0.02 * np.ptp(result.intensities)
    assert result.n_clipped == 0


@pytest.mark.parametrize("name", DISHONEST)
def test_it_flags(name, noisy, clean):
    make, says = DISHONEST[name]
    result = run(check_photometry_job(noisy, make(noisy, clean)))
    assert not result.is_safe
    assert result.reason.startswith("Not safe to quantify: ")
    assert result.reason.count(". ") == 0
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(result.reason)


def test_a_bend_that_leaves_mean_and_slope_alone_is_flagged(rng):
    ramp = np.tile(np.linspace(100, 600, 256), (256, 1))
    noisy = ramp + rng.normal(0, 20, ramp.shape)
    bent = ramp + 40 * (((ramp - 350) / 250) ** 2 - 1 / 3)
    result = run(check_photometry_job(noisy, bent))
    assert result.slope == pytest.approx(1, abs=0.01)
    assert "intensities near" in result.reason
    assert result.reason.endswith("too high.")


def test_noise_as_strong_as_the_signal_does_not_flatten_the_slope(clean, rng):
    noisy = clean + rng.normal(0, 3 * clean.std(), clean.shape)
    pixelwise = np.polyfit(noisy.ravel(), clean.ravel(), 1)[0]
    assert pixelwise < 0.15  # what a line through pixels would say of a perfect denoiser
    result = run(check_photometry_job(noisy, clean))
    assert result.slope == pytest.approx(1, abs=3 * result.slope_error)
    assert result.slope_error < 0.03
    assert result.is_safe


def test_the_slope_is_unbiased_for_noise_of_any_strength(clean):
    slopes = []
    for seed in range(12):
        noisy = clean[:1] + np.random.default_rng(seed).normal(0, 150, clean[:1].shape)
        slopes.append(run(check_photometry_job(noisy, 1.1 * clean[:1])).slope)
    assert np.mean(slopes) == pytest.approx(1.1, abs=3 * np.std(slopes) / math.sqrt(12))


def test_a_verdict_that_noise_makes_weak_says_so(clean, rng):
    noisy = clean[:1] + rng.normal(0, 4 * clean.std(), clean[:1].shape)
    result = run(check_photometry_job(noisy, clean[:1]))
    assert "as far as the noise lets one see" in result.reason


def test_a_known_offset_makes_the_mean_ratio_that_of_the_light(noisy, clean):
    result = run(check_photometry_job(noisy, clean * 1.03, offset=0.0))
    assert result.mean_ratio == pytest.approx(1.03, abs=1e-3)
    faint = run(check_photometry_job(noisy, clean - 3, offset=BACKGROUND))
    expected = 1 - 3 / (clean.mean() - BACKGROUND)
    assert faint.background == BACKGROUND
    assert faint.mean_ratio == pytest.approx(expected, abs=2e-3)


def test_a_flat_image_is_judged_by_its_mean(rng):
    noisy = rng.normal(50, 5, (128, 128))
    result = run(check_photometry_job(noisy, _blurred(noisy[None])[0]))
    assert result.is_safe
    assert "too little structure" in result.reason
    assert math.isnan(result.slope)
    assert result.intensities == ()
    assert not run(check_photometry_job(noisy, 1.03 * noisy)).is_safe
    assert run(check_photometry_job(noisy, noisy, offset=60.0)).is_safe


def test_a_median_on_few_photons_is_rightly_flagged(rng):
    noisy = rng.poisson(np.full((256, 256), 1.2)).astype(float)
    result = run(check_photometry_job(noisy, ndimage.median_filter(noisy, 3)))
    assert "too low" in result.reason


def test_the_plane_that_is_off_is_named(noisy):
    stack = np.concatenate([noisy] * 4).reshape(4, 3, 256, 256)
    denoised = np.stack([_blurred(frame) for frame in stack])
    denoised[2, 1] += 8
    result = run(check_photometry_job(stack, denoised))
    assert result.worst_plane == (2, 1)
    assert "plane 2, 1" in result.reason
    assert result.plane_deviation > 0.05


def test_pixels_that_the_cast_clipped_count(noisy):
    result = run(check_photometry_job(noisy, _blurred(noisy), n_clipped=1000))
    assert result.n_clipped == 1000
    assert "0.51 % of the pixels are clipped" in result.reason


def test_a_saturated_input_is_not_blamed_on_the_denoiser(clean, rng):
    noisy, _ = cast_saturating(0.6 * rng.poisson(clean), np.uint8)
    assert (noisy == 255).mean() > 1e-3
    denoised, _ = cast_saturating(_blurred(noisy.astype(float)), np.uint8)
    assert run(check_photometry_job(noisy, denoised)).n_clipped == 0


def test_lazy_stacks_give_the_same(noisy):
    denoised = _blurred(noisy).astype(np.float32)
    lazy = [da.from_array(image, chunks=(1, 100, 100)) for image in (noisy, denoised)]
    assert run(check_photometry_job(*lazy)) == run(check_photometry_job(noisy, denoised))


def test_a_choice_of_blocks_is_enough_for_very_large_stacks(noisy, monkeypatch):
    monkeypatch.setattr("napari_denoise.metrics.photometry._MAX_BLOCKS", 200)
    result = run(check_photometry_job(noisy, 1.03 * _blurred(noisy)))
    assert result.slope == pytest.approx(1.03, abs=2e-3)


def test_progress_comes_several_times_a_plane_and_only_forwards(noisy):
    fractions = [event.fraction for event in check_photometry_job(noisy, noisy)]
    assert len(fractions) >= 9
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 5), (2, 40, 9), (30, 3)])
def test_tiny_images_are_judged_by_their_means(shape, rng):
    noisy = rng.normal(100, 5, shape)
    assert run(check_photometry_job(noisy, noisy)).is_safe
    assert not run(check_photometry_job(noisy, noisy * 2)).is_safe


def test_constant_and_zero_images_do_not_fail():
    flat = np.zeros((64, 64))
    result = run(check_photometry_job(flat, flat))
    assert result.is_safe
    assert math.isnan(result.mean_ratio)
    assert not run(check_photometry_job(flat, flat + 1)).is_safe


def test_an_output_without_any_structure_is_flagged(noisy):
    result = run(check_photometry_job(noisy, np.full_like(noisy, noisy.mean())))
    assert "multiplied by 0" in result.reason


def test_surroundings_that_tell_nothing_have_no_strength():
    steps = np.repeat(np.arange(10.0), 10)
    assert group_blocks(np.stack([steps, np.zeros(100), steps])).strength == 0
    assert group_blocks(np.stack([steps, steps, steps])).strength == math.inf
    assert group_blocks(np.stack([steps, steps, steps])[:, :40]) is None


def test_total_least_squares_finds_a_steep_line_too():
    line = np.arange(10.0)
    assert fit_line(Groups(line, 1e6 * line, line * 0, 99.0)).slope == pytest.approx(1e6)
    across = np.tile([1.0, -1.0], 5)
    along = np.repeat([1.0, -1.0], [4, 4])
    unrelated = Groups(across[:8], 10 * along, along * 0, 99.0)
    assert fit_line(unrelated).slope == math.inf


def test_blocks_fit_eight_times_across_a_plane():
    assert block_sizes((512, 128)) == (16, 8)
    assert block_sizes((100, 500)) == (8,)
    assert block_sizes((40, 3)) == (3,)


def test_images_of_other_shape_are_refused():
    with pytest.raises(InputError, match=r"The noisy image has shape \(3, 3\), the denoised one"):
        run(check_photometry_job(np.zeros((3, 3)), np.zeros((3, 4))))


def test_an_offset_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="An offset of nan"):
        run(check_photometry_job(np.zeros((3, 3)), np.zeros((3, 3)), offset=math.nan))


@pytest.mark.parametrize("name", ["BPAE_B", "BPAE_G", "BPAE_R", "fish", "mice"])
def test_on_real_images_a_blur_passes_and_three_percent_of_gain_do_not(name, real_data):
    path = next((real_data / "fmd_confocal" / "noisy").glob(f"{name}*"))
    noisy = iio.imread(path)
    smooth = ndimage.gaussian_filter(noisy.astype(float), 1.0)
    honest = run(check_photometry_job(noisy, smooth))
    assert honest.is_safe, honest.reason
    assert honest.slope == pytest.approx(1, abs=0.01)
    assert not run(check_photometry_job(noisy, 1.03 * smooth)).is_safe
    stretched = smooth.mean() + 1.03 * (smooth - smooth.mean())
    assert not run(check_photometry_job(noisy, stretched)).is_safe
