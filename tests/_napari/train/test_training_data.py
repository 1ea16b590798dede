"""What the Train dock learns from: folders, a region, targets by name, clean images with noise."""

import numpy as np
import pytest
import tifffile

from napari_denoise._napari.shared import models
from napari_denoise._napari.train.skipped import LeftOutMessage
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
    dock._device.setValue("cpu")
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
    dock._images._folder_button.click()
    qtbot.waitUntil(lambda: not dock._images._runner.is_running)


def model_of(dock, finish):
    assert finish(dock._run_bar) == ""
    (model,) = models.shelf_of(dock.viewer).models
    return model.info


def test_a_folder_is_trained_on_and_what_is_broken_in_it_is_listed(
    dock, qtbot, folders, finish, monkeypatch
):
    add_folder(dock, qtbot, folders[0], monkeypatch)
    assert [image.name for image in dock._images.files()] == ["a", "b", "d"]
    assert dock._images._left_out.text().startswith("c is left out: ")
    dock._method.setValue(N2V(**SHORT))
    assert model_of(dock, finish).recipe.source == "a, b, d"
    dock._images.clearFiles()
    assert dock._images._left_out.text() == ""


def test_a_folder_without_images_is_said(dock, qtbot, tmp_path, monkeypatch):
    add_folder(dock, qtbot, tmp_path, monkeypatch)
    assert "There is no image in the folder" in dock._run_bar.errorText()


def test_targets_are_found_in_a_folder_and_images_without_one_left_out(
    dock, qtbot, folders, finish, monkeypatch
):
    noisy, clean = folders
    add_folder(dock, qtbot, noisy, monkeypatch)
    dock._method.setValue(CARE(**SCRATCH))
    assert not dock._run_bar.runButton.isEnabled()
    dialog = "qtpy.QtWidgets.QFileDialog.getExistingDirectory"
    monkeypatch.setattr(dialog, lambda *args: str(clean))
    dock._targets._folder_button.click()
    qtbot.waitUntil(lambda: not dock._targets._runner.is_running)
    said = dock._targets._left_out.toolTip()
    assert "a is left out: there is no target of that name." in said
    assert "e is left out: it is a target, and no image has its name." in said
    assert dock._run_bar.runButton.isEnabled()
    assert model_of(dock, finish).recipe.source == "b → b, d → d"


def test_a_folder_of_other_names_is_said(dock, qtbot, folders, tmp_path, monkeypatch):
    add_folder(dock, qtbot, folders[0], monkeypatch)
    (tmp_path / "other").mkdir()
    tifffile.imwrite(tmp_path / "other" / "x.tif", np.zeros((24, 26)))
    dock._targets.setFolder(tmp_path / "other")
    qtbot.waitUntil(lambda: not dock._targets._runner.is_running)
    assert "Give each target the name of its image" in dock._run_bar.errorText()


def test_a_long_list_of_images_has_few_rows(dock, qtbot, tmp_path, monkeypatch):
    for i in range(20):
        tifffile.imwrite(tmp_path / f"{i}.tif", np.zeros((24, 26)))
    add_folder(dock, qtbot, tmp_path, monkeypatch)
    assert len(dock._targets._boxes) == 8
    assert dock._targets._more.text() == "0 of 20 images have a target."


def test_only_the_region_is_looked_at(dock, viewer, finish, rng):
    pixels = rng.normal(100, 10, (2, 24, 24)).astype(np.float32)
    pixels[:, :, 14:] = np.nan
    viewer.add_image(pixels, name="noisy", axis_labels=("t", "y", "x"), scale=(1, 0.5, 0.5))
    dock._method.setValue(N2V(**SHORT))
    assert "NaN" in finish(dock._run_bar)
    corners = np.array([[0, 1.0, 1.0], [0, 1.0, 6.0], [0, 11.0, 6.0], [0, 11.0, 1.0]])
    shapes = viewer.add_shapes([corners], name="cells")
    dock._regions.setLayer(shapes)
    assert model_of(dock, finish).n_steps == 3


def test_an_empty_shapes_layer_is_refused_in_words(dock, viewer, finish):
    viewer.add_image(np.ones((24, 24)), name="noisy")
    dock._regions.setLayer(viewer.add_shapes(name="nothing"))
    assert "nothing has no shape with an area" in finish(dock._run_bar)


def test_care_asks_for_targets_or_for_noise(dock, viewer, finish):
    viewer.add_image(np.add.outer(np.arange(24.0), np.arange(24.0)), name="clean")
    dock._method.setValue(CARE(**SCRATCH))
    assert not dock._targets.isHidden()
    noise = Composite.of([PoissonNoise(photons=30), GaussianNoise(sigma=2)])
    dock._noise.setValue(noise)
    assert dock._targets.isHidden()
    assert dock._run_bar.runButton.isEnabled()
    info = model_of(dock, finish)
    assert info.method.noise == noise
    dock._noise.setValue(None)
    assert not dock._targets.isHidden()


def test_noise_is_asked_for_where_a_method_adds_some(dock, viewer):
    viewer.add_image(np.ones((24, 24)))
    dock._noise.setValue(GaussianNoise())
    for method, is_asked in ((N2V(), False), (Autoencoder(), True), (CARE(), True)):
        dock._method.setValue(method)
        assert dock._noise.isHidden() != is_asked
        assert dock._chosen_method().simulated_noise() == (GaussianNoise() if is_asked else None)
    dock._noise._presets.activated.emit(0)
    assert dock._noise.value() == CameraNoise.emccd()


def test_a_model_that_is_trained_further_brings_its_noise(dock, viewer, finish):
    viewer.add_image(np.add.outer(np.arange(24.0), np.arange(24.0)), name="clean")
    dock._method.setValue(CARE(**SCRATCH))
    dock._noise.setValue(GaussianNoise(sigma=4))
    assert finish(dock._run_bar) == ""
    dock._noise.setValue(None)
    (model,) = models.shelf_of(viewer).models
    dock._start.setModel(model)
    assert dock._noise.value() == GaussianNoise(sigma=4)


def test_many_images_left_out_take_few_lines(qtbot):
    message = LeftOutMessage()
    qtbot.addWidget(message)
    message.add([Skipped.because(f"i{n}", "it is <small>.") for n in range(9)])
    lines = message.text().splitlines()
    assert lines[0] == "i0 is left out: it is <small>."
    assert lines[2:] == ["And 7 more; point here to see all."]
    assert "i8 is left out: it is &lt;small&gt;." in message.toolTip()
