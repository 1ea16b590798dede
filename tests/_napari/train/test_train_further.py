"""The Train dock: trainings that are interrupted, continued, and looked at while they last."""

import os
import subprocess
import sys

import numpy as np
import pytest

from napari_denoise._napari.shared import models
from napari_denoise._napari.train.interrupted import interrupted_trainings
from napari_denoise._napari.train.widget import TrainWidget
from napari_denoise.core.axes import Layout
from napari_denoise.core.progress import Request, run
from napari_denoise.learning.methods import CARE, N2V
from napari_denoise.learning.models.file import load_model, read_model_info, save_model
from napari_denoise.learning.training import autosave, previews
from napari_denoise.learning.training.job import TrainingImage, train_job
from napari_denoise.learning.training.session import unfinished_path

TINY = N2V(n_steps=4, batch_size=1, n_features=4, depth=1, patch_size=16)
ENDLESS = TINY.model_copy(update={"n_steps": 1_000_000})


@pytest.fixture
def noisy(viewer, rng):
    pixels = rng.normal(100, 10, (3, 24, 24)).astype(np.uint16)
    return viewer.add_image(pixels, name="noisy", axis_labels=("z", "y", "x"), scale=(2, 1, 1))


@pytest.fixture
def make_dock(qtbot, viewer, noisy):
    def make(method=TINY):
        dock = TrainWidget(viewer)
        qtbot.addWidget(dock)
        dock.methodBox.setValue(method)
        dock.deviceChooser.setValue("cpu")
        return dock

    return make


@pytest.fixture
def eager(monkeypatch):
    """Copies and previews all the time."""
    monkeypatch.setattr(autosave, "INTERVAL_S", 0.0)
    monkeypatch.setattr(previews, "_INTERVAL_S", 0.0)
    monkeypatch.setattr(previews, "_LARGEST_SHARE", 1e9)


def start_endless(dock, qtbot):
    dock.methodBox.setValue(ENDLESS)
    dock.runBar.run()
    qtbot.waitUntil(lambda: dock.lossPlot.stepCount() > 0, timeout=60_000)


def files():
    folder = models.autosave_folder()
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def copies():
    """All but the one that is being written."""
    return [name for name in files() if not name.endswith(".part")]


@pytest.fixture
def stopped(make_dock, qtbot, finish):
    dock = make_dock()
    start_endless(dock, qtbot)
    dock.runBar.stop()
    assert finish(dock.runBar, start=False) == ""
    return dock


def test_a_stopped_training_is_continued(stopped, finish, viewer):
    box = stopped.modelBox
    (first,) = models.shelf_of(viewer).models
    assert box.continueButton.text() == "Continue"
    stopped.startChooser.setModel(first)
    assert stopped.runBar.runButton.text() == "Continue"
    n_done = first.record.n_done
    assert f"{n_done:,} of 1,000,000 steps are done" in stopped.startChooser.about()
    assert stopped.methodBox.value().n_steps == 1_000_000
    stopped.methodBox.setValue(TINY.model_copy(update={"n_steps": n_done + 3}))
    assert finish(stopped.runBar) == ""
    second = models.shelf_of(viewer).models[-1]
    assert second.info.n_steps == n_done + 3
    assert second.record is None
    assert stopped.startChooser.model() is None
    assert stopped.runBar.runButton.text() == "Train"


def test_one_click_goes_on_with_the_model_that_is_shown(make_dock, finish, viewer):
    dock = make_dock()
    finish(dock.runBar)
    assert dock.modelBox.continueButton.text() == "Train further"
    dock.modelBox.continueButton.click()
    assert finish(dock.runBar, start=False) == ""
    _, second = models.shelf_of(viewer).models
    assert second.info.n_steps == 8
    assert dock.lossPlot.value().series[0].x.size == 8


def test_a_model_file_is_trained_further(make_dock, finish, model_files, monkeypatch):
    path = model_files / "YX.safetensors"
    monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getOpenFileName", lambda *args: (str(path), ""))
    dock = make_dock(N2V())
    box = dock.startChooser.modelBox
    box.activated.emit(box.count() - 1)
    assert box.currentText() == "YX"
    assert dock.methodBox.value().n_features == 4
    assert finish(dock.runBar) == ""
    assert models.shelf_of(dock.viewer).models[-1].info.n_steps == 4


def test_what_does_not_fit_the_model_is_said(make_dock, finish, model_files, tmp_path, viewer):
    dock = make_dock()
    dock.startChooser.setModelFile(tmp_path / "missing.safetensors")
    assert "There is no model file" in dock.runBar.errorText()
    dock.startChooser.setModelFile(model_files / "ZYX.safetensors")
    assert "The model was trained on 3D volumes (ZYX)" in finish(dock.runBar)
    viewer.add_image(np.ones((3, 24, 24)) + np.eye(24), name="clean")
    dock.startChooser.setModelFile(model_files / "YX.safetensors")
    dock.methodBox.chooser.setValue(CARE(start="scratch", n_steps=3))
    assert "trained with Noise2Void, and CARE cannot go on" in finish(dock.runBar)


def test_while_a_training_lasts_a_copy_is_kept_and_then_it_goes(eager, make_dock, qtbot, finish):
    dock = make_dock()
    start_endless(dock, qtbot)
    qtbot.waitUntil(lambda: len(copies()) == 1, timeout=60_000)
    assert copies()[0].endswith(f".{os.getpid()}.unfinished.safetensors")
    assert interrupted_trainings() != []
    other = make_dock()
    assert not other.interruptedBox.isVisibleTo(other)
    dock.runBar.stop()
    finish(dock.runBar, start=False)
    assert [name.endswith("noisy n2v.safetensors") for name in files()] == [True]


def test_cancel_discards_the_copy_and_a_closed_dock_does_not(eager, make_dock, qtbot, finish):
    dock = make_dock()
    start_endless(dock, qtbot)
    qtbot.waitUntil(lambda: len(copies()) == 1, timeout=60_000)
    dock.runBar.cancel()
    finish(dock.runBar, start=False)
    assert files() == []
    start_endless(dock, qtbot)
    qtbot.waitUntil(lambda: len(copies()) == 1, timeout=60_000)
    dock.close()
    assert len(copies()) == 1
    later = make_dock()
    assert later.interruptedBox.isVisibleTo(later)


@pytest.fixture
def crashed(tmp_path, rng, monkeypatch):
    """The remains of a training in a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    path = unfinished_path(models.autosave_path(TINY, "noisy"), process.pid)
    path.parent.mkdir(exist_ok=True)
    pixels = rng.normal(100, 10, (3, 24, 24)).astype(np.uint16)
    image = TrainingImage.of(pixels, Layout("ZYX"), "noisy")
    job = train_job(TINY, [image], device="cpu")
    model = run(job, lambda event: Request.STOP if getattr(event, "step", 0) == 2 else None)
    save_model(model, path)
    return path


def test_after_a_crash_the_training_is_offered_and_goes_on(crashed, make_dock, finish, viewer):
    dock = make_dock()
    assert dock.interruptedBox.isVisibleTo(dock)
    words = dock.interruptedBox.text()
    assert words.startswith("A training of Noise2Void on noisy was interrupted on 2")
    assert words.endswith("after 2 steps.")
    dock.interruptedBox.continueButton.click()
    assert not dock.interruptedBox.isVisibleTo(dock)
    assert finish(dock.runBar) == ""
    assert models.shelf_of(viewer).models[-1].info.n_steps == 4
    assert not crashed.exists()


def test_what_a_crash_left_can_be_kept_as_a_model(crashed, make_dock, viewer):
    dock = make_dock()
    dock.interruptedBox.keepButton.click()
    assert dock.modelBox.title() == "Noise2Void on noisy"
    (model,) = models.shelf_of(viewer).models
    assert read_model_info(model.path).n_steps == 2
    assert interrupted_trainings() == []


def test_what_a_crash_left_can_be_discarded(crashed, make_dock):
    make_dock().interruptedBox.discardButton.click()
    assert files() == []


def test_what_another_process_is_writing_is_not_offered(crashed, make_dock):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        path = crashed.with_name(f"a b.{other.pid}.unfinished.safetensors")
        crashed.rename(path)
        assert interrupted_trainings() == []
        other.communicate(b"\n")
    assert len(interrupted_trainings()) == 1


def test_remains_that_cannot_be_read_do_not_keep_the_dock_from_opening(crashed, make_dock):
    crashed.write_bytes(crashed.read_bytes()[:-50])
    dock = make_dock()
    assert not dock.interruptedBox.isVisibleTo(dock)


def test_a_preview_follows_the_slider_and_goes_with_the_training(
    eager, make_dock, qtbot, finish, viewer, noisy
):
    dock = make_dock()
    viewer.dims.set_current_step(0, 1)
    start_endless(dock, qtbot)
    qtbot.waitUntil(lambda: dock.previewBox.layer is not None, timeout=60_000)
    layer = dock.previewBox.layer
    assert layer.name.startswith("noisy · preview · step ")
    assert layer.data.shape == (1, 24, 24)
    assert viewer.layers.selection.active is noisy
    assert layer.translate[0] == 2.0
    assert abs(layer.data.mean() - 100) < 20
    viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: layer.translate[0] == 4.0, timeout=60_000)
    dock.runBar.stop()
    finish(dock.runBar, start=False)
    assert list(viewer.layers) == [noisy]


def test_a_preview_that_was_removed_does_not_come_back(eager, make_dock, qtbot, finish, viewer):
    dock = make_dock()
    start_endless(dock, qtbot)
    qtbot.waitUntil(lambda: dock.previewBox.layer is not None, timeout=60_000)
    viewer.layers.remove(dock.previewBox.layer)
    n_points = dock.lossPlot.value().series[0].x.size
    qtbot.waitUntil(lambda: dock.lossPlot.value().series[0].x.size != n_points, timeout=60_000)
    assert len(viewer.layers) == 1
    dock.runBar.cancel()
    finish(dock.runBar, start=False)


def test_without_the_tick_there_is_no_preview(eager, make_dock, finish, viewer, monkeypatch):
    dock = make_dock()
    dock.previewBox.setChecked(False)
    added = []
    viewer.layers.events.inserted.connect(lambda event: added.append(event.value))
    finish(dock.runBar)
    assert added == []


@pytest.mark.parametrize("shape", [(3, 24, 24), (20, 300, 280)])
def test_a_preview_of_a_volume_shows_its_plane(make_dock, viewer, noisy, rng, shape):
    noisy.data = rng.normal(100, 10, shape).astype(np.float32)
    dock = make_dock()
    dock.axisRoles.setRole("Z", 1)
    viewer.dims.set_current_step(0, shape[0] - 1)
    dock.previewBox.begin([noisy], dock.axisRoles.value())
    crop = dock.previewBox.choose()
    assert crop.pixels.shape == (1, min(shape[0], 16), min(shape[1], 128), min(shape[2], 128))
    y, x = crop.place.place["Y"], crop.place.place["X"]
    plane = noisy.data[-1, y : y + 128, x : x + 128]
    np.testing.assert_array_equal(crop.pixels[crop.place.plane], plane)


def test_a_saved_model_of_a_stopped_training_can_go_on(stopped, tmp_path):
    stopped.modelBox.save(tmp_path / "mine.safetensors")
    assert load_model(tmp_path / "mine.safetensors").checkpoint is not None
