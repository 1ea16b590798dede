"""Noise that belongs to places."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_denoise.core.tiling import Place
from napari_denoise.learning.models.draws import Draws, NoiseField


@settings(max_examples=30, deadline=None)
@given(
    start=st.tuples(st.integers(0, 200), st.integers(0, 200)),
    size=st.tuples(st.integers(1, 150), st.integers(1, 150)),
)
def test_any_part_of_a_field_is_cut_from_the_same_field(start, size):
    field = NoiseField((3, 1))
    whole = field.cut(2, (0, 0), (350, 350))
    part = field.cut(2, start, size)
    window = tuple(slice(first, first + n) for first, n in zip(start, size, strict=True))
    np.testing.assert_array_equal(part, whole[(slice(None), *window)])


def test_a_part_of_a_volume_is_cut_from_the_same_field():
    field = NoiseField((0,))
    whole = field.cut(3, (0, 0, 0), (20, 70, 40))
    np.testing.assert_array_equal(field.cut(3, (7, 30, 5), (3, 40, 30)), whole[:, 7:10, 30:, 5:35])


def test_a_field_is_standard_normal_noise():
    drawn = NoiseField((1,)).cut(4, (0, 0), (200, 200))
    assert drawn.mean() == pytest.approx(0, abs=0.01)
    assert drawn.std() == pytest.approx(1, abs=0.01)
    # The blocks it is made of are no copies of each other.
    assert np.corrcoef(drawn[0, :64, :64].ravel(), drawn[0, :64, 64:128].ravel())[0, 1] < 0.1


@pytest.mark.parametrize(
    "other",
    [
        Draws(seed=1),
        Draws(place=Place(unit=1)),
        Draws(place=Place(start=(8, 0))),
    ],
)
def test_other_seeds_units_and_places_give_other_noise(other):
    shape = (1, 16, 16)
    noise = Draws().noise(0, 0, (2, 2), shape)
    assert not np.array_equal(noise, other.noise(0, 0, (2, 2), shape))


def test_each_further_sample_has_the_next_seed_and_levels_differ():
    shape = (1, 16, 16)
    np.testing.assert_array_equal(
        Draws(seed=3).noise(2, 1, (4, 4), shape), Draws(seed=5).noise(0, 1, (4, 4), shape)
    )
    draws = Draws()
    assert not np.array_equal(draws.noise(0, 0, (2, 2), shape), draws.noise(0, 1, (2, 2), shape))
