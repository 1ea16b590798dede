"""The two colours of a checkerboard: every pixel once, neighbours at the same place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_denoise.learning.data.pairs import split_checkerboard


def numbered(*shape) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@given(
    size=st.tuples(st.integers(1, 3), st.integers(2, 9), st.integers(2, 9)),
    seed=st.integers(0, 99),
)
def test_every_pixel_of_an_even_plane_comes_up_once(size, seed):
    patches = numbered(2, 1, *size)
    halves = split_checkerboard(patches, np.random.default_rng(seed))
    even = patches[..., : size[1] // 2 * 2, : size[2] // 2 * 2]
    np.testing.assert_array_equal(np.sort(np.ravel(halves)), np.sort(even.ravel()))


@pytest.mark.parametrize("seed", range(8))
def test_pixels_at_the_same_place_were_neighbours(seed):
    image = numbered(1, 1, 8, 10)
    first, second = split_checkerboard(image, np.random.default_rng(seed))
    assert set(np.abs(first - second).ravel()) in ({1}, {10})  # a step along X, or along Y


def test_neighbours_within_a_half_are_of_one_colour():
    y, x = np.indices((8, 8))
    colour = ((y + x) % 2).astype(np.float32)[None, None]
    for seed in range(8):
        halves = split_checkerboard(colour, np.random.default_rng(seed))
        assert [half.min() for half in halves] == [half.max() for half in halves]


def test_all_four_halves_come_up():
    image = numbered(1, 1, 6, 6)
    firsts = {
        split_checkerboard(image, np.random.default_rng(seed))[0].tobytes() for seed in range(40)
    }
    assert len(firsts) == 4
