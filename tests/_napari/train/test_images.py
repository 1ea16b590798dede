"""What the Train dock learns from: folders, a region, targets by name, clean images with noise."""

import numpy as np
import pytest
import tifffile

from napari_denoise._napari.shared import models
from napari_denoise._napari.train.images import SkippedMessage
from napari_denoise._napari.train.widget import TrainWidget
from napari_denoise.core.progress import Skipped
from napari_denoise.learning.methods import CARE, N2V, Autoencoder
from napari_denoise.noise import CameraNoise, Composite, GaussianNoise, PoissonNoise

SHORT = {"n_steps": 3, "batch_size": 1, "n_features": 4, "depth": 1, "patch_size": 16}
SCRATCH = {**SHORT, "start": "scratch"}


@pytest.fixture
def dock(qtbot, viewer):
    dock = TrainWidget(viewer)
    qtbot.addWidget(dock)
    dock.deviceChooser.setValue("cpu")
    return dock


@pytest.fixture
def folders(tmp_path, rng):
    """Images a to d, one of them broken; clean ones for b to e."""
    for kind, names in (("noisy", "abcd"), ("clean", "bcde")):
        (tmp_path / kind).mkdir()
        for name in names:
            pixels = np.add.outer(np.arange(24.0), 10 * np.arange(26.0))
            if kind == "noisy":
                pixels = rng.normal(pixels, 5)
            tifffile.imwrite(tmp_path / kind / f"{name}.tif", pixels.astype(np.float32))
    (tmp_path / "noisy" / "c.tif").write_text("no image")
    return tmp_path / "noisy", tmp_path / "clean"


def add_folder(dock, qtbot, folder, monkeypatch):
    dialog = "qtpy.QtWidgets.QFileDialog.getExistingDirectory"
    monkeypatch.setattr(dialog, lambda *args: str(folder))
    dock.images.folderButton.click()
    qtbot.waitUntil(lambda: not dock.images.is_reading)


def model_of(dock, finish):
    assert finish(dock.runBar) == ""
    (model,) = models.shelf_of(dock.viewer).models
    return model.info


def test_a_folder_is_trained_on_and_what_is_broken_in_it_is_listed(
    dock, qtbot, folders, finish, monkeypatch
):
    add_folder(dock, qtbot, folders[0], monkeypatch)
    assert [image.name for image in dock.images.files()] == ["a", "b", "d"]
    assert dock.images.skippedText().startswith("c is skipped: ")
    dock.methodBox.chooser.setValue(N2V(**SHORT))
    assert model_of(dock, finish).recipe.source == "a, b, d"
    dock.images.clearFiles()
    assert dock.images.skippedText() == ""


def test_a_folder_without_images_is_said(dock, qtbot, tmp_path, monkeypatch):
    add_folder(dock, qtbot, tmp_path, monkeypatch)
    assert "There is no image in the folder" in dock.runBar.errorText()


def test_targets_are_found_in_a_folder_and_images_without_one_skipped(
    dock, qtbot, folders, finish, monkeypatch
):
    noisy, clean = folders
    add_folder(dock, qtbot, noisy, monkeypatch)
    dock.methodBox.chooser.setValue(CARE(**SCRATCH))
    assert not dock.runBar.runButton.isEnabled()
    dialog = "qtpy.QtWidgets.QFileDialog.getExistingDirectory"
    monkeypatch.setattr(dialog, lambda *args: str(clean))
    dock.targets.folderButton.click()
    qtbot.waitUntil(lambda: not dock.targets.is_reading)
    said = dock.targets.skippedMessage.toolTip()
    assert "a is skipped: there is no target of that name." in said
    assert "e is skipped: it is a target, and no image has its name." in said
    assert dock.runBar.runButton.isEnabled()
    assert model_of(dock, finish).recipe.source == "b → b, d → d"


def test_a_folder_of_other_names_is_said(dock, qtbot, folders, tmp_path, monkeypatch):
    add_folder(dock, qtbot, folders[0], monkeypatch)
    (tmp_path / "other").mkdir()
    tifffile.imwrite(tmp_path / "other" / "x.tif", np.zeros((24, 26)))
    dock.targets.setFolder(tmp_path / "other")
    qtbot.waitUntil(lambda: not dock.targets.is_reading)
    assert "Give each target the name of its image" in dock.runBar.errorText()


def test_a_long_list_of_images_has_few_rows(dock, qtbot, tmp_path, monkeypatch):
    for i in range(20):
        tifffile.imwrite(tmp_path / f"{i}.tif", np.zeros((24, 26)))
    add_folder(dock, qtbot, tmp_path, monkeypatch)
    assert dock.targets.rowCount() == 8
    assert dock.targets.countText() == "0 of 20 images have a target."


def test_only_the_region_is_looked_at(dock, viewer, finish, rng):
    pixels = rng.normal(100, 10, (2, 24, 24)).astype(np.float32)
    pixels[:, :, 14:] = np.nan
    viewer.add_image(pixels, name="noisy", axis_labels=("t", "y", "x"), scale=(1, 0.5, 0.5))
    dock.methodBox.chooser.setValue(N2V(**SHORT))
    assert "NaN" in finish(dock.runBar)
    corners = np.array([[0, 1.0, 1.0], [0, 1.0, 6.0], [0, 11.0, 6.0], [0, 11.0, 1.0]])
    shapes = viewer.add_shapes([corners], name="cells")
    dock.regionChooser.setLayer(shapes)
    assert model_of(dock, finish).n_steps == 3


def test_an_empty_shapes_layer_is_refused_in_words(dock, viewer, finish):
    viewer.add_image(np.ones((24, 24)), name="noisy")
    dock.regionChooser.setLayer(viewer.add_shapes(name="nothing"))
    assert "nothing has no shape with an area" in finish(dock.runBar)


def test_care_asks_for_targets_or_for_noise(dock, viewer, finish):
    viewer.add_image(np.add.outer(np.arange(24.0), np.arange(24.0)), name="clean")
    dock.methodBox.chooser.setValue(CARE(**SCRATCH))
    assert not dock.targets.isHidden()
    noise = Composite.of([PoissonNoise(photons=30), GaussianNoise(sigma=2)])
    dock.methodBox.noiseBox.setValue(noise)
    assert dock.targets.isHidden()
    assert dock.runBar.runButton.isEnabled()
    info = model_of(dock, finish)
    assert info.method.noise == noise
    dock.methodBox.noiseBox.setValue(None)
    assert not dock.targets.isHidden()


def test_noise_is_asked_for_where_a_method_adds_some(dock, viewer):
    viewer.add_image(np.ones((24, 24)))
    dock.methodBox.noiseBox.setValue(GaussianNoise())
    for method, is_asked in ((N2V(), False), (Autoencoder(), True), (CARE(), True)):
        dock.methodBox.chooser.setValue(method)
        assert dock.methodBox.noiseBox.isHidden() != is_asked
        assert dock.methodBox.value().simulated_noise() == (GaussianNoise() if is_asked else None)
    dock.methodBox.noiseBox.presetBox.activated.emit(0)
    assert dock.methodBox.noiseBox.value() == CameraNoise.emccd()


def test_a_model_that_is_trained_further_brings_its_noise(dock, viewer, finish):
    viewer.add_image(np.add.outer(np.arange(24.0), np.arange(24.0)), name="clean")
    dock.methodBox.chooser.setValue(CARE(**SCRATCH))
    dock.methodBox.noiseBox.setValue(GaussianNoise(sigma=4))
    assert finish(dock.runBar) == ""
    dock.methodBox.noiseBox.setValue(None)
    (model,) = models.shelf_of(viewer).models
    dock.startChooser.setModel(model)
    assert dock.methodBox.noiseBox.value() == GaussianNoise(sigma=4)


def test_many_skipped_images_take_few_lines(qtbot):
    message = SkippedMessage()
    qtbot.addWidget(message)
    message.addEvents([Skipped.because(f"i{n}", "it is <small>.") for n in range(9)])
    lines = message.text().splitlines()
    assert lines[0] == "i0 is skipped: it is <small>."
    assert lines[2:] == ["And 7 more; point here to see all."]
    assert "i8 is skipped: it is &lt;small&gt;." in message.toolTip()
