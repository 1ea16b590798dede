"""Intensities: never changed without being asked, never wrapped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_denoise.core.dtype import as_float32, cast_saturating, check_pixels, dtype_range
from napari_denoise.core.errors import InputError

INTEGERS = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]


@given(st.floats(-(2.0**99), 2.0**99, width=32), st.sampled_from(INTEGERS))
def test_a_cast_rounds_to_the_nearest_value_of_the_type(value, dtype):
    cast, n_clipped = cast_saturating(np.array([value], np.float32), dtype)
    low, high = dtype_range(dtype)
    expected = min(max(np.rint(float(value)), low), high)
    assert float(cast[0]) == pytest.approx(expected, rel=1e-6)
    assert cast.dtype == dtype
    assert n_clipped == int(not low <= np.rint(float(value)) <= high)


def test_values_out_of_range_saturate_and_are_counted():
    cast, n_clipped = cast_saturating(np.array([-3.0, 12.4, 255.6, 1e9]), "uint8")
    assert cast.tolist() == [0, 12, 255, 255]
    assert n_clipped == 3


def test_integers_saturate_too():
    cast, n_clipped = cast_saturating(np.array([-1, 70_000, 5]), "uint16")
    assert cast.tolist() == [0, 65_535, 5]
    assert n_clipped == 2


def test_floats_are_only_converted():
    cast, n_clipped = cast_saturating(np.array([-1.25, 1e9]), np.float32)
    assert cast.tolist() == [-1.25, 1e9]
    assert (cast.dtype, n_clipped) == (np.float32, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_pixels_that_are_no_float32_number_are_counted_and_refused(value):
    with pytest.raises(InputError, match="1 pixels that are NaN or infinite"):
        as_float32(np.array([0.0, value]))


def test_float32_keeps_the_units():
    image = np.array([[0, 65_535]], np.uint16)
    assert as_float32(image).tolist() == [[0.0, 65_535.0]]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.zeros((3, 0)), "empty"),
        (np.zeros((3, 3), complex), "complex"),
        (np.array([["a"]]), "U1"),
    ],
)
def test_arrays_no_method_can_use_are_refused(image, says):
    with pytest.raises(InputError, match=says):
        check_pixels(image)
