"""Where to train: shapes and labels of the viewer, in pixels of the images."""

import numpy as np
import pytest

from napari_denoise._napari.shared.layers import read_layer
from napari_denoise._napari.train.region import RegionChooser, region_of
from napari_denoise.core.errors import InputError
from napari_denoise.learning.training.selection import region_for


@pytest.fixture
def chooser(qtbot, viewer):
    chooser = RegionChooser(viewer.layers)
    qtbot.addWidget(chooser)
    yield chooser
    chooser.shutdown()


def mask_of(layer, image, axes):
    named = read_layer(image, axes)
    return region_for(named, region_of(layer, image, named))


def test_shapes_and_labels_are_offered_and_go_with_their_layers(chooser, viewer, qtbot):
    viewer.add_image(np.zeros((8, 8)))
    viewer.add_points(np.zeros((1, 2)))
    labels = viewer.add_labels(np.ones((8, 8), int), name="cells")
    viewer.add_shapes(name="rois")
    offered = [chooser.itemText(i) for i in range(chooser.count())]
    assert offered == ["everywhere", "in cells", "in rois"]
    assert chooser.layer() is None
    chooser.setLayer(labels)
    labels.name = "nuclei"
    assert chooser.currentText() == "in nuclei"
    with qtbot.waitSignal(chooser.valueChanged):
        viewer.layers.remove(labels)
    assert chooser.layer() is None


def test_a_rectangle_holds_for_all_planes_wherever_it_was_drawn(viewer):
    image = viewer.add_image(np.zeros((5, 20, 30)))
    corners = np.array([[3, 4.6, 9.6], [3, 4.6, 19.4], [3, 11.4, 19.4], [3, 11.4, 9.6]])
    mask = mask_of(viewer.add_shapes([corners]), image, "ZYX")
    expected = np.zeros((1, 20, 30), bool)
    expected[0, 5:12, 10:20] = True
    np.testing.assert_array_equal(mask, expected)


def test_shapes_are_taken_where_they_lie_in_the_world(viewer):
    image = viewer.add_image(np.zeros((20, 30)), scale=(0.5, 0.25), translate=(10, 100))
    corners = np.array([[12.3, 102.4], [12.3, 104.9], [15.8, 104.9], [15.8, 102.4]])
    mask = mask_of(viewer.add_shapes([corners], shape_type="polygon"), image, "YX")
    expected = np.zeros((20, 30), bool)
    expected[5:12, 10:20] = True
    np.testing.assert_array_equal(mask, expected)


def test_an_ellipse_is_round_and_lines_have_no_area(viewer):
    image = viewer.add_image(np.zeros((101, 101)))
    box = np.array([[10.0, 30.0], [10.0, 70.0], [90.0, 70.0], [90.0, 30.0]])
    mask = mask_of(viewer.add_shapes([box], shape_type="ellipse"), image, "YX")
    assert mask.sum() == pytest.approx(np.pi * 40 * 20, rel=0.02)
    assert mask[50, 31]
    assert not mask[13, 33]
    lines = viewer.add_shapes([box], shape_type="path", name="lines")
    with pytest.raises(InputError, match="lines has no shape with an area"):
        mask_of(lines, image, "YX")


@pytest.mark.parametrize(("shape", "expected"), [((9, 8), (1, 9, 8)), ((3, 9, 8), (3, 9, 8))])
def test_labels_of_a_plane_or_of_the_whole_stack_are_a_region(viewer, rng, shape, expected):
    image = viewer.add_image(np.zeros((3, 9, 8)))
    labels = viewer.add_labels(rng.integers(0, 3, shape))
    mask = mask_of(labels, image, "TYX")
    np.testing.assert_array_equal(mask, (labels.data > 0).reshape(expected))
