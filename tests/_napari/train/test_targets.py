"""The targets of the Train dock: chosen where there is a choice, and let go with their layers."""

import numpy as np
import pytest
import tifffile

from napari_denoise._napari.train.targets import TargetList


@pytest.fixture
def noisy(viewer):
    return viewer.add_image(np.zeros((24, 20)), name="noisy")


@pytest.fixture
def chooser(qtbot, viewer, noisy):
    chooser = TargetList(viewer.layers)
    qtbot.addWidget(chooser)
    chooser.setImages([noisy])
    return chooser


def names(chooser):
    return [target and target.name for target in chooser.targets()]


def test_the_only_other_layer_of_the_same_shape_is_the_target(chooser, viewer):
    assert names(chooser) == [None]
    viewer.add_image(np.zeros((24, 21)), name="other shape")
    viewer.add_image(np.zeros((24, 20, 3), np.uint8), rgb=True, name="picture")
    assert names(chooser) == [None]
    viewer.add_image(np.ones((24, 20)), name="clean")
    assert names(chooser) == ["clean"]


def test_between_several_layers_the_user_chooses(chooser, viewer):
    for name in ("a", "b"):
        viewer.add_image(np.zeros((24, 20)), name=name)
    assert names(chooser) == ["a"]  # it was the only one when it came
    chooser.setTarget(0, viewer.layers["b"])
    assert names(chooser) == ["b"]
    viewer.layers.remove("a")
    assert names(chooser) == ["b"]


def test_a_target_goes_with_its_layer(chooser, viewer):
    viewer.add_image(np.zeros((24, 20)), name="clean")
    viewer.layers.remove("clean")
    assert names(chooser) == [None]


def test_each_image_keeps_its_target_when_others_come_and_go(chooser, viewer, noisy):
    second = viewer.add_image(np.zeros((24, 20)), name="second")
    clean = viewer.add_image(np.zeros((24, 20)), name="clean")
    chooser.setTarget(0, clean)
    chooser.setImages([noisy, second])
    chooser.setTarget(1, noisy)
    assert names(chooser) == ["clean", "noisy"]
    chooser.setImages([second])
    assert names(chooser) == ["noisy"]


def test_a_file_is_a_target_too_and_one_that_is_no_image_is_said(chooser, tmp_path, qtbot):
    path = tmp_path / "long exposure.tif"
    tifffile.imwrite(path, np.ones((24, 20), np.uint16))
    chooser.setFile(0, path)
    assert names(chooser) == ["long exposure"]
    assert chooser.targets()[0].shape == (24, 20)
    (tmp_path / "text.tif").write_text("no image")
    with qtbot.waitSignal(chooser.failed):
        chooser.setFile(0, tmp_path / "text.tif")
    assert names(chooser) == ["long exposure"]


def test_the_file_dialog_is_the_last_entry_and_closing_it_changes_nothing(
    chooser, viewer, monkeypatch
):
    viewer.add_image(np.zeros((24, 20)), name="clean")
    monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getOpenFileName", lambda *args: ("", ""))
    box = chooser.box(0)
    assert [box.itemText(i) for i in range(box.count())] == ["clean", "File…"]
    box.activated.emit(1)
    assert names(chooser) == ["clean"]
    assert chooser.box(0).currentText() == "clean"
