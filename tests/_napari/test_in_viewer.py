"""The docks in a real napari window: opening, closing, and what ends with them."""

import threading

import numpy as np
import pytest
import tifffile
from napari._app_model import get_app_model
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_denoise._napari.denoise import widget as denoise_widget
from napari_denoise._napari.files import model_reader, open_widget
from napari_denoise._napari.shared.models import shelf_of
from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.denoiser import Denoised
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.image import as_image
from napari_denoise.io.images import read_image
from napari_denoise.learning.methods import N2V

pytestmark = pytest.mark.gui

ENDLESS = N2V(n_steps=1_000_000, batch_size=1, n_features=4, depth=1, patch_size=16)


@pytest.fixture
def window(make_napari_viewer, rng):
    """A viewer with one noisy layer."""
    viewer = make_napari_viewer()
    viewer.add_image(rng.normal(100, 10, (3, 24, 24)).astype(np.float32), name="noisy")
    return viewer


def open_dock(viewer, name):
    return viewer.window.add_plugin_dock_widget("napari-denoise", name)


def jobs():
    return [t for t in threading.enumerate() if t.name.startswith("napari-denoise")]


def start_training(viewer, qtbot):
    dock, widget = open_dock(viewer, "Train")
    widget.methodBox.setValue(ENDLESS)
    widget.deviceChooser.setValue("cpu")
    widget.runBar.run()
    qtbot.waitUntil(lambda: widget.lossPlot.stepCount() > 0, timeout=60_000)
    return dock, widget


def click_close(dock):
    """As the X button in the dock's title does."""
    dock.destroyOnClose()


@pytest.mark.parametrize("name", ["Noise", "Denoise", "Train", "Compare"])
def test_each_dock_opens_from_the_menu_and_closes(window, name):
    dock, widget = open_dock(window, name)
    assert widget.minimumWidth() >= 300
    assert dock.widget() is widget
    click_close(dock)
    assert not jobs()


@pytest.mark.parametrize("name", ["Noise", "Denoise", "Train", "Compare"])
def test_a_closed_dock_opens_again(window, name):
    click_close(open_dock(window, name)[0])
    _, widget = open_dock(window, name)
    assert widget.findChild(RunBar).runButton.isEnabled()


def test_stop_during_training_keeps_the_model(window, qtbot):
    _, widget = start_training(window, qtbot)
    widget.runBar.stop()
    qtbot.waitUntil(lambda: not widget.runBar.is_running, timeout=10_000)
    assert len(shelf_of(window).models) == 1
    assert not jobs()


def test_closing_the_dock_during_training_ends_it_and_keeps_nothing(window, qtbot):
    dock, _ = start_training(window, qtbot)
    click_close(dock)
    assert not jobs()
    assert shelf_of(window).models == ()


def test_closing_the_window_during_training_ends_it(window, qtbot):
    start_training(window, qtbot)
    close_window(window)
    assert not jobs()


def start_denoising(viewer, monkeypatch, slow_job):
    slow_job.result = Denoised(as_image(np.zeros((3, 24, 24), np.float32), "ZYX"), 0)
    monkeypatch.setattr(denoise_widget, "denoise_job", slow_job)
    dock, widget = open_dock(viewer, "Denoise")
    widget.runBar.run()
    assert slow_job.is_running.wait(10)
    return dock, widget


def test_closing_the_dock_during_denoising_ends_it_and_leaves_no_layer(
    window, monkeypatch, slow_job
):
    dock, _ = start_denoising(window, monkeypatch, slow_job)
    click_close(dock)
    assert slow_job.is_closed.is_set()
    assert not jobs()
    assert [layer.name for layer in window.layers] == ["noisy"]


def test_closing_the_window_during_denoising_ends_it(window, monkeypatch, slow_job):
    start_denoising(window, monkeypatch, slow_job)
    close_window(window)
    assert slow_job.is_closed.is_set()
    assert not jobs()


def close_window(viewer):
    """Close the window as its X does, and let Qt delete it."""
    window = viewer.window._qt_window
    window._save_current_window_settings = lambda: None
    viewer.close()
    del window
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


def test_hiding_a_dock_lets_its_job_go_on(window, qtbot, monkeypatch, slow_job):
    dock, widget = start_denoising(window, monkeypatch, slow_job)
    dock.hide()
    dock.setFloating(True)
    dock.setFloating(False)
    assert widget.runBar.is_running
    widget.runBar.stop()
    qtbot.waitUntil(lambda: not widget.runBar.is_running, timeout=10_000)
    assert window.layers[-1].name == "noisy · Instant"


def test_a_model_dropped_on_napari_is_chosen_in_the_denoise_dock(window, model_files):
    path = str(model_files / "YX.safetensors")
    window.open(path, plugin="napari-denoise")
    assert len(window.layers) == 1
    _, widget = open_dock(window, "Denoise")
    assert widget.methodChooser.methodBox.currentText() == "YX"


def test_a_dropped_file_that_is_no_model_is_refused_in_words(window, tmp_path):
    path = tmp_path / "text.safetensors"
    path.write_text("no model")
    window.open(str(path), plugin="napari-denoise")
    _, widget = open_dock(window, "Denoise")
    assert "is no model file" in widget.runBar.errorText()


@pytest.mark.parametrize("path", ["a.tif", ["a.safetensors", "b.safetensors"]])
def test_other_files_are_left_to_other_readers(path):
    assert model_reader.get_reader(path) is None


def test_saving_as_ome_tiff_uses_our_writer(window, tmp_path):
    path = tmp_path / "noisy.ome.tif"
    window.layers[0].scale = (2, 0.5, 0.5)
    window.layers.save(str(path), plugin="napari-denoise")
    assert read_image(path).scale == (2.0, 0.5, 0.5)


def test_why_layers_cannot_be_saved_together_is_said(window, tmp_path):
    window.add_image(np.zeros((4, 5)), name="other")
    with pytest.raises(DenoiseError, match="differ in shape"):
        window.layers.save(str(tmp_path / "both.ome.tif"), plugin="napari-denoise")


def test_opening_with_scale_and_axes_asks_for_a_file(window, monkeypatch, tmp_path):
    path = tmp_path / "plane.tif"
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8))
    monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getOpenFileName", lambda *args: (str(path), ""))
    monkeypatch.setattr(open_widget.OpenDialog, "exec", open_widget.OpenDialog.accept)
    get_app_model().commands.execute_command("napari-denoise.open").result()
    assert window.layers[-1].name == "plane"


def test_a_sample_opens(window):
    window.open_sample("napari-denoise", "cells")
    assert [layer.name for layer in window.layers][1:] == ["cells (clean)", "cells (noisy)"]
