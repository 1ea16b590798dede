"""Blind spots: what is hidden, and what stands in for it."""

import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.filters.tuning.j_invariance import BlindSpots


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.6])
def test_what_a_spot_held_is_nowhere_near_it_any_more(correlation, rng):
    """Else a filter could copy the noise it is to be judged by."""
    blind = BlindSpots.for_correlation(correlation)
    image = rng.normal(size=(1, 64, 64)).astype(np.float32)
    _, spots = blind.hide(image)
    place = tuple(np.argwhere(spots)[len(np.argwhere(spots)) // 2])
    changed = image.copy()
    changed[place] += 100
    different = blind.hide(changed)[0] != blind.hide(image)[0]
    _, rows, columns = np.nonzero(different)
    distances = np.hypot(rows - place[1], columns - place[2])
    assert np.all(distances > blind.radius)


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.6])
def test_stand_ins_have_as_much_noise_as_the_image(correlation, rng):
    noise = rng.normal(size=(4, 256, 256)).astype(np.float32)
    if correlation:
        noise = ndimage.gaussian_filter(noise, (0, 0.5, 0.5))
        noise /= noise.std()
    hidden, spots = BlindSpots.for_correlation(correlation).hide(noise)
    assert hidden[spots].std() == pytest.approx(1, abs=0.05)
    assert hidden.std() == pytest.approx(1, abs=0.03)


def test_stand_ins_follow_smooth_structure():
    y, x = np.mgrid[:64, :64] / 8
    smooth = np.sin(x + y).astype(np.float32)[None]
    hidden, spots = BlindSpots().hide(smooth)
    assert np.abs(hidden - smooth)[spots].max() < 0.003


def test_correlated_noise_is_hidden_with_its_surroundings():
    assert BlindSpots.for_correlation(0).radius == 0
    radii = [BlindSpots.for_correlation(lag_one).radius for lag_one in (0.3, 0.45, 0.6)]
    assert radii == sorted(radii)
    assert 2 < radii[-1] < 3
    image = np.random.default_rng(0).normal(size=(1, 48, 48)).astype(np.float32)
    for radius, lag_one in zip(radii, (0.3, 0.45, 0.6), strict=True):
        hidden, spots = BlindSpots.for_correlation(lag_one).hide(image)
        assert lag_one ** ((int(radius) + 1) ** 2) < 0.1
        assert np.count_nonzero(hidden != image) > 4 * np.count_nonzero(spots)


def test_spots_of_neighbouring_planes_do_not_lie_above_each_other():
    _, spots = BlindSpots().hide(np.ones((1, 6, 32, 32), np.float32))
    assert not np.any(spots[0, 1:] & spots[0, :-1])
    assert spots.any(axis=(2, 3)).all()


def test_only_few_pixels_are_hidden(rng):
    image = rng.normal(size=(1, 64, 64)).astype(np.float32)
    hidden, spots = BlindSpots().hide(image)
    assert 0.04 < spots.mean() < 0.08
    np.testing.assert_array_equal(hidden[~spots], image[~spots])
