"""One image for files, layers and arrays: checked when it is made, an array where one is needed."""

import dask.array as da
import numpy as np
import pytest

from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.core.image import Image, as_image


def test_numpy_takes_an_image_as_its_pixels():
    image = Image(np.arange(6.0).reshape(2, 3), "YX")
    assert np.mean(image) == 2.5
    np.testing.assert_array_equal(np.asarray(image, np.float32), image.pixels)
    assert np.array(image, copy=True) is not image.pixels


def test_a_lazy_image_is_not_read_to_be_described():
    def refuse(block):
        raise AssertionError("read")

    pixels = da.zeros((4, 8, 8)).map_blocks(refuse, dtype=float)
    image = Image(pixels, "TYX", name="film")
    assert (image.shape, image.sizes, image.dtype) == ((4, 8, 8), {"T": 4, "Y": 8, "X": 8}, float)
    assert repr(image) == "Image('film', TYX 4 × 8 × 8, float64)"


def test_pixel_sizes_are_given_in_micrometers_where_all_are_known():
    image = Image(np.ones((2, 3, 4)), "ZYX", scale=(2, 65, 65), units=("um", "nm", "nm"))
    assert image.pixel_sizes_um("ZYX") == pytest.approx((2, 0.065, 0.065))
    assert image.pixel_sizes_um("TYX") is None
    assert Image(np.ones((3, 4)), "YX").pixel_sizes_um("YX") is None
    in_nm = Image(np.ones((3, 4)), "YX", scale=(500, 100), units=("um", "nm"))
    assert in_nm.pixel_sizes_um("YX") == pytest.approx((500, 0.1))
    assert in_nm.pixel_sizes_um("ZYX") is None


def test_other_pixels_keep_place_scale_and_names():
    image = Image(np.ones((3, 4)), "YX", scale=(2, 3), units=("um", "um"), origin=(5, 6))
    several = image.with_pixels(np.ones((7, 3, 4)), name="samples")
    assert (several.axes, several.scale, several.origin) == ("SYX", (1, 2, 3), (0, 5, 6))
    assert several.name == "samples"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scale": (1,)}, "1 scales, 2 units and 2 origins for 2 axes"),
        ({"origin": (np.nan, 0)}, "no place"),
        ({"scale": (0, 1)}, "no size"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(changes, words):
    with pytest.raises(InputError, match=words):
        Image(np.ones((2, 2)), "YX", **changes)


def test_an_array_of_two_axes_is_a_plane_and_others_have_to_be_named():
    plane = np.ones((3, 4))
    assert as_image(plane).axes == "YX"
    assert as_image(plane[np.newaxis], "zyx").axes == "ZYX"
    with pytest.raises(AxesError, match='Say so, as in axes="ZYX"'):
        as_image(plane[np.newaxis])


def test_a_list_is_refused_with_what_to_give():
    with pytest.raises(InputError, match="A list was given where an image is needed"):
        as_image([[1, 2], [3, 4]])


def test_an_image_stays_itself_unless_its_axes_are_named_otherwise():
    image = Image(np.ones((3, 4, 5)), "ZYX", scale=(2, 1, 1))
    assert as_image(image) is image
    assert as_image(image, "TYX").axes == "TYX"


def test_under_another_letter_channels_lose_their_names():
    image = Image(np.ones((3, 4, 5)), "CYX", channel_names=("a", "b", "c"))
    assert as_image(image, "TYX").channel_names == ()
    assert as_image(image, "CXY").channel_names == ("a", "b", "c")
