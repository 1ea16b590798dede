"""Axes: any order, any singleton, comes back as it went in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_denoise.core.axes import LETTERS, Layout, check_axes, default_axes
from napari_denoise.core.errors import AxesError


@st.composite
def layouts_and_images(draw):
    depth = draw(st.sampled_from(["", "Z", "T"]))
    more = draw(st.sets(st.sampled_from(list(set("STCZ") - {depth}))))
    axes = "".join(draw(st.permutations(["Y", "X", *more, *depth])))
    shape = tuple(draw(st.integers(1, 4)) for _ in axes)
    channels = draw(st.sampled_from(["independent", "joint"]))
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return Layout(axes, depth + "YX", channels), image


@given(layouts_and_images())
def test_reading_and_writing_every_unit_is_identity(case):
    layout, image = case
    copy = np.full_like(image, np.nan)
    units = list(layout.units(image.shape))
    for unit in units:
        pixels = layout.read(image, unit)
        assert pixels.shape == layout.unit_shape(image.shape)
        layout.write(copy, unit, (), pixels)
    np.testing.assert_array_equal(copy, image)
    assert len(units) == layout.n_units(image.shape)


@given(layouts_and_images())
def test_a_window_is_the_same_part_of_the_whole_unit(case):
    layout, image = case
    window = tuple(slice(0, max(1, size // 2)) for size in layout.unit_shape(image.shape)[1:])
    for unit in layout.units(image.shape):
        whole = layout.read(image, unit)
        np.testing.assert_array_equal(
            layout.read(image, unit, window), whole[(slice(None), *window)]
        )


def test_spatial_axes_are_seen_in_their_named_order():
    image = np.zeros((5, 4, 3), np.uint8)  # X, Y, Z
    layout = Layout("XYZ", "ZYX")
    (unit,) = layout.units(image.shape)
    assert layout.read(image, unit).shape == (1, 3, 4, 5)


def test_the_channel_of_a_unit_is_known_where_channels_are_independent():
    layout = Layout("CYX")
    assert [layout.channel_of(unit) for unit in layout.units((2, 3, 3))] == [0, 1]
    assert layout.channel_of(next(Layout("CYX", channels="joint").units((2, 3, 3)))) is None
    assert Layout("YX").channel_of((slice(None), slice(None))) is None


@pytest.mark.parametrize(
    ("axes", "shape", "says"),
    [
        ("QYX", (1, 2, 3), "unknown letters Q"),
        ("YYX", (1, 2, 3), "twice"),
        ("ZYX", (2, 3), "3 axes, but the image has 2"),
        ("ZY", (2, 3), "lack Y or X"),
    ],
)
def test_axes_that_do_not_fit_are_refused_in_words(axes, shape, says):
    with pytest.raises(AxesError, match=says):
        check_axes(axes, shape)


def test_lower_case_axes_are_understood():
    assert check_axes("tzyx", (1, 2, 3, 4)) == "TZYX"


@pytest.mark.parametrize("spatial", ["XY", "CYX", "YX ", "SZYX"])
def test_spatial_axes_that_no_method_knows_are_refused(spatial):
    with pytest.raises(AxesError, match="YX, ZYX or TYX"):
        Layout("STCZYX", spatial)


def test_a_spatial_axis_the_image_lacks_is_named():
    with pytest.raises(AxesError, match="without Z"):
        Layout("TYX", "ZYX")


@pytest.mark.parametrize("n_dims", range(2, 7))
def test_default_axes_are_valid(n_dims):
    axes = default_axes(n_dims)
    assert check_axes(axes, (1,) * n_dims) == axes
    assert set(axes) <= set(LETTERS)


@pytest.mark.parametrize("n_dims", [0, 1, 7])
def test_too_few_or_too_many_axes_have_no_default(n_dims):
    with pytest.raises(AxesError):
        default_axes(n_dims)


@pytest.mark.parametrize(
    ("layout", "shape", "words"),
    [
        (Layout("ZYX"), (24, 512, 512), "24 planes of 512 × 512, denoised as 2D images"),
        (
            Layout("ZYX", "ZYX"),
            (24, 512, 512),
            "one image of 24 × 512 × 512, denoised as a 3D volume",
        ),
        (
            Layout("TCYX", channels="joint"),
            (1, 2, 9, 9),
            "1 time point of 9 × 9, denoised as 2D images, 2 channels jointly",
        ),
    ],
)
def test_a_layout_says_in_words_what_a_method_will_see(layout, shape, words):
    assert layout.describe(shape) == words
