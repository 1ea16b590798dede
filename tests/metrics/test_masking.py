"""What is masked, and what replaces it."""

import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.metrics.masking import Masker


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.6])
def test_what_a_masked_pixel_held_is_nowhere_near_it_any_more(correlation, rng):
    """Else a filter could copy the noise it is to be judged by."""
    masker = Masker.for_correlation(correlation)
    image = rng.normal(size=(1, 64, 64)).astype(np.float32)
    _, mask = masker.mask(image)
    place = tuple(np.argwhere(mask)[len(np.argwhere(mask)) // 2])
    changed = image.copy()
    changed[place] += 100
    different = masker.mask(changed)[0] != masker.mask(image)[0]
    _, rows, columns = np.nonzero(different)
    distances = np.hypot(rows - place[1], columns - place[2])
    assert np.all(distances > masker.radius)


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.6])
def test_replacements_have_as_much_noise_as_the_image(correlation, rng):
    noise = rng.normal(size=(4, 256, 256)).astype(np.float32)
    if correlation:
        noise = ndimage.gaussian_filter(noise, (0, 0.5, 0.5))
        noise /= noise.std()
    masked, mask = Masker.for_correlation(correlation).mask(noise)
    assert masked[mask].std() == pytest.approx(1, abs=0.05)
    assert masked.std() == pytest.approx(1, abs=0.03)


def test_replacements_follow_smooth_structure():
    y, x = np.mgrid[:64, :64] / 8
    smooth = np.sin(x + y).astype(np.float32)[None]
    masked, mask = Masker().mask(smooth)
    assert np.abs(masked - smooth)[mask].max() < 0.003


def test_correlated_noise_is_masked_with_its_surroundings():
    assert Masker.for_correlation(0).radius == 0
    radii = [Masker.for_correlation(lag_one).radius for lag_one in (0.3, 0.45, 0.6)]
    assert radii == sorted(radii)
    assert 2 < radii[-1] < 3
    image = np.random.default_rng(0).normal(size=(1, 48, 48)).astype(np.float32)
    for radius, lag_one in zip(radii, (0.3, 0.45, 0.6), strict=True):
        masked, mask = Masker.for_correlation(lag_one).mask(image)
        assert lag_one ** ((int(radius) + 1) ** 2) < 0.1
        assert np.count_nonzero(masked != image) > 4 * np.count_nonzero(mask)


def test_masks_of_neighbouring_planes_do_not_lie_above_each_other():
    _, mask = Masker().mask(np.ones((1, 6, 32, 32), np.float32))
    assert not np.any(mask[0, 1:] & mask[0, :-1])
    assert mask.any(axis=(2, 3)).all()


def test_only_few_pixels_are_masked(rng):
    image = rng.normal(size=(1, 64, 64)).astype(np.float32)
    masked, mask = Masker().mask(image)
    assert 0.04 < mask.mean() < 0.08
    np.testing.assert_array_equal(masked[~mask], image[~mask])


def test_a_plain_mean_has_half_the_noise(rng):
    noise = rng.normal(size=(1, 256, 256)).astype(np.float32)
    masked, mask = Masker(keeps_noise=False).mask(noise)
    assert masked[mask].std() == pytest.approx(0.5, abs=0.02)
