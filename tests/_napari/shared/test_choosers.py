"""Choosers of layers follow the layer list."""

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox

from napari_denoise._napari.shared.choosers import LayerChecklist, LayerChooser

PIXELS = np.zeros((8, 8))


@pytest.fixture
def chooser(qtbot, viewer):
    viewer.add_image(PIXELS, name="first")
    viewer.add_image(PIXELS, name="second")
    chooser = LayerChooser(viewer.layers)
    qtbot.addWidget(chooser)
    return chooser


def test_the_active_layer_is_chosen_at_first(qtbot, viewer):
    viewer.add_image(PIXELS, name="first")
    viewer.add_image(PIXELS, name="second")
    viewer.layers.selection.active = viewer.layers["first"]
    chooser = LayerChooser(viewer.layers)
    qtbot.addWidget(chooser)
    assert chooser.layer() is viewer.layers["first"]


def test_without_layers_nothing_is_chosen_until_one_comes(qtbot, viewer):
    chooser = LayerChooser(viewer.layers)
    qtbot.addWidget(chooser)
    assert chooser.layer() is None
    assert not chooser.findChild(QComboBox).isEnabled()
    with qtbot.waitSignal(chooser.layerChanged):
        viewer.add_image(PIXELS)
    assert chooser.layer() is viewer.layers[0]


def test_only_image_layers_are_offered(chooser, viewer):
    viewer.add_labels(PIXELS.astype(int))
    viewer.add_points([[1, 1]])
    assert chooser.names() == ["first", "second"]


def test_an_active_layer_that_is_no_image_leaves_the_topmost_image(qtbot, viewer):
    viewer.add_image(PIXELS, name="first")
    viewer.add_points([[1, 1]])
    chooser = LayerChooser(viewer.layers)
    qtbot.addWidget(chooser)
    assert chooser.layer() is viewer.layers["first"]


def test_a_new_layer_is_offered_and_does_not_change_the_choice(chooser, viewer, qtbot):
    with qtbot.assertNotEmitted(chooser.layerChanged):
        viewer.add_image(PIXELS, name="third")
    assert chooser.names() == ["first", "second", "third"]
    assert chooser.layer().name == "second"


def test_a_renamed_layer_stays_chosen_under_its_new_name(chooser, viewer):
    viewer.layers["second"].name = "renamed"
    assert chooser.text() == "renamed"


def test_a_layer_renamed_to_the_name_of_one_that_is_gone_is_not_taken_for_it(chooser, viewer):
    first, second = viewer.layers
    viewer.layers.remove(first)
    second.name = "first"
    assert chooser.layer() is second
    assert chooser.names() == ["first"]


def test_a_moved_layer_stays_chosen(chooser, viewer):
    viewer.layers.move(1, 0)
    assert chooser.names() == ["second", "first"]
    assert chooser.layer().name == "second"


def test_when_the_chosen_layer_goes_the_active_one_is_chosen(chooser, viewer, qtbot):
    with qtbot.waitSignal(chooser.layerChanged) as signal:
        viewer.layers.remove("second")
    assert signal.args == [viewer.layers["first"]]
    viewer.layers.clear()
    assert chooser.layer() is None


def test_a_choice_is_announced_once(chooser, viewer, qtbot):
    with qtbot.waitSignal(chooser.layerChanged) as signal:
        chooser.setLayer(viewer.layers["first"])
    assert signal.args == [viewer.layers["first"]]


def test_a_layer_of_another_viewer_cannot_be_chosen(chooser):
    chooser.setLayer(None)
    assert chooser.layer().name == "second"


def test_a_closed_chooser_follows_no_more(chooser, viewer):
    chooser.shutdown()
    viewer.add_image(PIXELS, name="third")
    assert chooser.names() == ["first", "second"]


@pytest.fixture
def checklist(qtbot, viewer):
    viewer.add_image(PIXELS, name="first")
    viewer.add_image(PIXELS, name="second")
    checklist = LayerChecklist(viewer.layers, tick_new=lambda layer: layer.name != "first")
    qtbot.addWidget(checklist)
    return checklist


def ticked(checklist):
    return [layer.name for layer in checklist.layers()]


def test_new_layers_are_ticked_as_asked(checklist, viewer):
    viewer.add_image(PIXELS, name="third")
    assert ticked(checklist) == ["second", "third"]


def test_ticks_survive_changes_of_the_layer_list(checklist, viewer):
    checklist.setLayers([viewer.layers["first"]])
    viewer.layers["first"].name = "renamed"
    viewer.layers.move(1, 0)
    viewer.layers.remove("second")
    assert ticked(checklist) == ["renamed"]


def test_a_refused_layer_counts_as_not_ticked_and_says_why(checklist, viewer):
    checklist.setRefusals(lambda layer: "too small" if layer.name == "second" else "")
    assert ticked(checklist) == []
    assert checklist.item(1).toolTip() == "too small"
    checklist.setRefusals(lambda layer: "")
    assert ticked(checklist) == ["second"]


def test_a_tick_is_announced(checklist, viewer, qtbot):
    with qtbot.waitSignal(checklist.checkedChanged):
        checklist.setLayers(list(viewer.layers))
    assert ticked(checklist) == ["first", "second"]


def test_a_closed_checklist_follows_no_more(checklist, viewer):
    checklist.shutdown()
    viewer.add_image(PIXELS)
    assert checklist.count() == 2


def test_no_layer_may_be_meant_and_is_when_the_chosen_one_goes(qtbot, viewer):
    first = viewer.add_image(PIXELS, name="first")
    chooser = LayerChooser(viewer.layers, none_text="none")
    qtbot.addWidget(chooser)
    assert chooser.names() == ["none", "first"]
    assert chooser.layer() is None
    chooser.setLayer(first)
    second = viewer.add_image(PIXELS, name="second")
    assert chooser.layer() is first
    chooser.setLayer(None)
    assert chooser.layer() is None
    chooser.setLayer(second)
    with qtbot.waitSignal(chooser.layerChanged):
        viewer.layers.remove(second)
    assert chooser.layer() is None
