"""What a blind-spot method hides must not show through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_denoise.learning.data.masking import PERIOD, mask_pixels, masked_in_turn

REPLACEMENTS = ("mean", "median", "uniform")


@given(
    size=st.one_of(
        st.tuples(st.integers(4, 9), st.integers(4, 9)),
        st.tuples(st.integers(1, 5), st.integers(4, 7), st.integers(4, 7)),
    ),
    replacement=st.sampled_from(REPLACEMENTS),
    seed=st.integers(0, 999),
)
def test_a_hidden_pixel_never_stands_in_for_itself(size, replacement, seed):
    rng = np.random.default_rng(seed)
    marked = np.zeros((1, 1, *size), np.float32)
    masked, mask = mask_pixels(marked, 0.01, replacement, rng)
    marked[mask == 1] = 1e6
    masked, again = mask_pixels(marked, 0.01, replacement, np.random.default_rng(seed))
    np.testing.assert_array_equal(mask, again)
    assert mask.sum() == 1
    assert masked[mask == 1] == 0


@pytest.mark.parametrize("replacement", REPLACEMENTS)
def test_only_hidden_pixels_change(rng, replacement):
    patches = rng.normal(size=(3, 2, 32, 32)).astype(np.float32)
    original = patches.copy()
    masked, mask = mask_pixels(patches, 5, replacement, rng)
    np.testing.assert_array_equal(masked[mask == 0], patches[mask == 0])
    assert (masked[mask == 1] != patches[mask == 1]).all()
    np.testing.assert_array_equal(patches, original)


def test_about_the_wanted_share_is_hidden_in_each_channel(rng):
    patches = rng.normal(size=(4, 2, 64, 64)).astype(np.float32)
    _, mask = mask_pixels(patches, 3, "mean", rng)
    shares = mask.mean(axis=(2, 3))
    assert ((shares > 0.027) & (shares <= 0.031)).all()
    assert (mask[:, 0] != mask[:, 1]).any()


def test_the_mean_is_that_of_the_eight_neighbours(rng):
    patches = rng.normal(size=(1, 1, 9, 9)).astype(np.float32)
    masked, mask = mask_pixels(patches, 20, "mean", rng)
    for y, x in np.argwhere(mask[0, 0, 1:-1, 1:-1]) + 1:
        window = patches[0, 0, y - 1 : y + 2, x - 1 : x + 2]
        expected = (window.sum() - window[1, 1]) / 8
        np.testing.assert_allclose(masked[0, 0, y, x], expected, rtol=1e-4, atol=1e-6)


def test_uniform_takes_one_of_the_neighbours(rng):
    patches = rng.permutation(81).reshape(1, 1, 9, 9).astype(np.float32)
    masked, mask = mask_pixels(patches, 20, "uniform", rng)
    assert set(masked[mask == 1]) <= set(range(81))


def test_the_same_generator_state_hides_the_same_pixels():
    patches = np.random.default_rng(0).normal(size=(2, 1, 16, 16)).astype(np.float32)
    first, second = (mask_pixels(patches, 5, "uniform", np.random.default_rng(3)) for _ in "ab")
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("size", [(9, 13), (1, 8, 8), (3, 9, 10), (2, 5, 6)])
def test_in_turn_each_pixel_is_hidden_once_and_never_with_a_neighbour(rng, size):
    tile = rng.normal(size=(2, *size)).astype(np.float32)
    turns = masked_in_turn(tile)
    np.testing.assert_array_equal(sum(hidden.astype(int) for _, hidden in turns), 1)
    for shown, hidden in turns:
        np.testing.assert_array_equal(shown[:, ~hidden], tile[:, ~hidden])
        places = np.argwhere(hidden)
        apart = np.abs(places[:, None] - places[None]).max(axis=-1)
        assert (apart[~np.eye(len(places), dtype=bool)] > 1).all()


def test_in_turn_nothing_of_the_hidden_pixels_is_seen(rng):
    tile = rng.normal(size=(1, 4, 9, 10)).astype(np.float32)
    for turn, (shown, hidden) in enumerate(masked_in_turn(tile)):
        changed = np.where(hidden, 1000, tile).astype(np.float32)
        again = masked_in_turn(changed)[turn][0]
        np.testing.assert_allclose(again[:, hidden], shown[:, hidden], atol=1e-3)
        np.testing.assert_array_equal(again[:, ~hidden], shown[:, ~hidden])


def test_in_turn_tiles_that_start_a_period_apart_hide_the_same(rng):
    tile = np.zeros((1, 6, 12, 20), np.float32)
    masks = [hidden for _, hidden in masked_in_turn(tile)]
    for part in ((slice(PERIOD[0], None),), (slice(None), slice(PERIOD[1], None))):
        for mask, shifted in zip(masks, masks, strict=True):
            cut = mask[part]
            np.testing.assert_array_equal(cut, shifted[tuple(slice(n) for n in cut.shape)])
