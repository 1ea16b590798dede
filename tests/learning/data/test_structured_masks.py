"""structN2V hides whole structures, the right way round, and none of them shows through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_denoise.learning.data.masking import mask_shape, mask_structures

ORIENTATIONS = ("Y", "X", "cross", "block")


def hidden_around_the_centre(orientation, span, size=(15, 17)) -> set[tuple[int, ...]]:
    """Steps from the guessed pixel to all that changed."""
    image = np.arange(np.prod(size), dtype=np.float32).reshape(1, 1, *size)
    shape = mask_shape(orientation, span, len(size))
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        masked, mask = mask_structures(image, 0.01, shape, "neighbour", rng)
        (centre,) = np.argwhere(mask[0, 0])
        if all(span <= place < n - span for place, n in zip(centre, size, strict=True)):
            return {tuple(place - centre) for place in np.argwhere(masked[0, 0] != image[0, 0])}
    raise AssertionError("no structure came to lie in the middle")


def test_a_mask_along_x_lies_in_a_row_and_one_along_y_in_a_column():
    assert hidden_around_the_centre("X", 5) == {(0, x) for x in range(-2, 3)}
    assert hidden_around_the_centre("Y", 5) == {(y, 0) for y in range(-2, 3)}


def test_a_cross_is_both_lines_and_a_block_is_filled():
    lines = hidden_around_the_centre("X", 3) | hidden_around_the_centre("Y", 3)
    assert hidden_around_the_centre("cross", 3) == lines
    assert hidden_around_the_centre("block", 3) == {(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)}


def test_masks_of_volumes_lie_in_a_plane_or_across_planes():
    assert mask_shape("X", 3, 3) == ((0, 0, -1), (0, 0, 0), (0, 0, 1))
    assert mask_shape("Z", 3, 3) == ((-1, 0, 0), (0, 0, 0), (1, 0, 0))


@given(
    size=st.one_of(
        st.tuples(st.integers(4, 12), st.integers(4, 12)),
        st.tuples(st.integers(1, 5), st.integers(4, 9), st.integers(4, 9)),
    ),
    orientation=st.sampled_from(ORIENTATIONS),
    span=st.sampled_from((1, 3, 5, 9)),
    seed=st.integers(0, 999),
)
def test_no_hidden_pixel_stands_in_for_another(size, orientation, span, seed):
    shape = mask_shape(orientation, span, len(size))
    blank = np.zeros((1, 1, *size), np.float32)
    _, mask = mask_structures(blank, 0.01, shape, "neighbour", np.random.default_rng(seed))
    (centre,) = np.argwhere(mask[0, 0])
    bright = blank.copy()
    for step in shape:
        place = centre + step
        if (place >= 0).all() and (place < size).all():
            bright[(0, 0, *place)] = 1.0
    masked, _ = mask_structures(bright, 0.01, shape, "neighbour", np.random.default_rng(seed))
    # Where nothing else is in reach it is the mean, which gives no single pixel away.
    mean = np.float32(bright.mean())
    assert set(masked[bright > 0]) <= {0.0, mean}


@pytest.mark.parametrize("replacement", ["neighbour", "range"])
def test_other_pixels_stay_and_the_input_too(rng, replacement):
    patches = rng.normal(size=(3, 2, 32, 32)).astype(np.float32)
    original = patches.copy()
    shape = mask_shape("X", 5, 2)
    masked, mask = mask_structures(patches, 10, shape, replacement, rng)
    np.testing.assert_array_equal(patches, original)
    changed = masked != patches
    assert 0.05 < changed.mean() <= 0.1
    assert changed[mask == 1].all()
    assert (patches.min() <= masked).all()
    assert (masked <= patches.max()).all()
    assert 0.01 < mask.mean() <= 0.0201
    assert (mask[:, 0] != mask[:, 1]).any()
