"""What a napari layer means to the core."""

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_denoise._napari.shared.layers import axes_of, calibration_of, read_layer, recipe_of
from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.core.recipe import METADATA_KEY


def test_a_mirrored_layer_has_pixels_of_the_same_size():
    image = read_layer(Image(np.zeros((12, 16)), scale=(-0.5, 0.25), translate=(7, -3)))
    assert image.scale == (0.5, 0.25)
    assert image.origin == (7, -3)


def test_reading_a_lazy_layer_computes_nothing():
    computed = []

    def note(block):
        computed.append(block.shape)
        return block

    pixels = da.zeros((4, 32, 32), chunks=(1, 32, 32)).map_blocks(note, meta=np.empty((0, 0, 0)))
    layer = Image(pixels, contrast_limits=(0, 255))
    computed.clear()  # napari has drawn the first plane
    assert read_layer(layer).pixels is pixels
    assert not computed


def test_the_finest_level_of_a_multiscale_layer_is_read():
    levels = [np.zeros((64, 64)), np.zeros((32, 32))]
    assert read_layer(Image(levels, multiscale=True)).shape == (64, 64)


def test_an_rgb_picture_is_refused_and_the_way_out_is_said():
    with pytest.raises(InputError, match="Split RGB"):
        read_layer(Image(np.zeros((40, 40, 3), np.uint8), rgb=True))


@pytest.mark.parametrize(
    ("labels", "axes"),
    [
        (("z", "y", "x"), "ZYX"),
        (("Time", "y", "x"), "TYX"),
        (("frames", "channel", "rows", "columns"), "TCYX"),
        (("-3", "-2", "-1"), "ZYX"),
        (("a", "y", "x"), "ZYX"),
        (("z", "z", "x"), "ZYX"),
        (("z", "c", "t"), "ZYX"),
    ],
)
def test_axes_come_from_labels_that_make_sense_and_else_from_habit(labels, axes):
    layer = Image(np.zeros((2,) * len(labels)), axis_labels=labels)
    assert axes_of(layer) == axes


def test_a_layer_with_seven_axes_is_refused():
    with pytest.raises(AxesError, match="2 to 6 axes"):
        read_layer(Image(np.zeros((1,) * 5 + (4, 4))))


def test_axes_chosen_by_the_user_win():
    layer = Image(np.zeros((3, 4, 5)), axis_labels=("z", "y", "x"))
    assert read_layer(layer, "TYX").axes == "TYX"


@pytest.mark.parametrize("stored", [None, "text", {"operation": "unknown"}])
def test_metadata_that_hold_no_recipe_are_no_obstacle(stored):
    assert recipe_of({METADATA_KEY: stored}) is None


def test_metadata_that_hold_no_calibration_are_none():
    layer = Image(np.zeros((4, 5)))
    assert calibration_of(layer) is None
    for stored in ([], {}, [{"gain": "much"}], 3):
        layer.metadata["napari-denoise calibration"] = stored
        assert calibration_of(layer) is None
