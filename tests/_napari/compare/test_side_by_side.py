"""A grid that leaves no trace."""

import numpy as np
import pytest

from napari_denoise._napari.compare.side_by_side import SideBySide


@pytest.fixture
def layers(viewer):
    for i in range(3):
        viewer.add_image(
            np.zeros((4, 32, 32)), name=f"layer {i}", contrast_limits=(0, i + 1), gamma=1 + i / 10
        )
    viewer.layers[2].visible = False
    return list(viewer.layers)


@pytest.fixture
def side_by_side(viewer):
    return SideBySide(viewer)


def state(viewer, layers):
    camera = viewer.scene.camera
    return (
        viewer.canvas.grid.model_dump(),
        viewer.canvas.overlays.scale_bar.gridded,
        (camera.center, camera.zoom, camera.angles),
        [
            (
                layer.visible,
                tuple(layer.contrast_limits),
                tuple(layer.contrast_limits_range),
                layer.gamma,
                layer.name_overlay.visible,
            )
            for layer in layers
        ],
    )


def test_only_the_chosen_layers_are_shown_each_in_its_cell_with_its_name(
    viewer, layers, side_by_side
):
    side_by_side.show(layers[::2], layers[0])
    assert side_by_side.is_shown
    assert viewer.canvas.grid.enabled
    assert viewer.canvas.grid.actual_shape(viewer.layers) == (1, 2)
    assert [layer.visible for layer in layers] == [True, False, True]
    assert [layer.name_overlay.visible for layer in layers] == [True, False, True]


def test_the_contrast_is_that_of_the_reference_and_locked(layers, side_by_side):
    side_by_side.show(layers, layers[1])
    assert [tuple(layer.contrast_limits) for layer in layers] == [(0, 2)] * 3
    assert [layer.gamma for layer in layers] == [1.1] * 3
    layers[2].contrast_limits = (0.5, 1.5)
    assert [tuple(layer.contrast_limits) for layer in layers] == [(0.5, 1.5)] * 3


def test_everything_is_put_back(viewer, layers, side_by_side):
    viewer.canvas.grid.shape = (3, 1)
    before = state(viewer, layers)
    side_by_side.show(layers[1:], layers[1])
    assert state(viewer, layers) != before
    layers[1].contrast_limits = (0.2, 0.4)
    side_by_side.hide()
    assert state(viewer, layers) == before
    assert not side_by_side.is_shown


def test_contrast_is_free_again_afterwards(layers, side_by_side):
    side_by_side.show(layers, layers[0])
    side_by_side.hide()
    layers[0].contrast_limits = (0.2, 0.4)
    assert tuple(layers[1].contrast_limits) == (0, 2)


def test_everything_is_put_back_after_layers_were_removed(viewer, layers, side_by_side):
    before = state(viewer, layers)
    side_by_side.show(layers, layers[0])
    viewer.layers.remove(layers[1])
    side_by_side.hide()
    assert state(viewer, layers) == before


def test_a_grid_the_user_had_on_stays_on(viewer, layers, side_by_side):
    viewer.canvas.grid.enabled = True
    side_by_side.show(layers, layers[0])
    side_by_side.hide()
    assert viewer.canvas.grid.enabled


def test_more_layers_can_be_shown_without_losing_the_contrast_set_or_the_state_before(
    viewer, layers, side_by_side
):
    before = state(viewer, layers)
    side_by_side.show(layers[:2], layers[0])
    layers[0].contrast_limits = (0.2, 0.4)
    side_by_side.show(layers, layers[0])
    assert [tuple(layer.contrast_limits) for layer in layers] == [(0.2, 0.4)] * 3
    side_by_side.hide()
    assert state(viewer, layers) == before


def test_hiding_what_is_not_shown_does_nothing(viewer, layers, side_by_side):
    before = state(viewer, layers)
    side_by_side.hide()
    assert state(viewer, layers) == before
