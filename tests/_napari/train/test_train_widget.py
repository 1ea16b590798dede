"""The Train dock."""

import numpy as np
import pytest
import tifffile

from napari_denoise._napari.denoise.widget import DenoiseWidget
from napari_denoise._napari.shared import models
from napari_denoise._napari.shared.layers import recipe_of
from napari_denoise._napari.shared.preferences import SAME_AS_SOURCE, preferences, remember
from napari_denoise._napari.train import model_box
from napari_denoise._napari.train import widget as train_widget
from napari_denoise._napari.train.widget import TrainWidget
from napari_denoise.core.denoiser import Denoised
from napari_denoise.core.errors import FileError
from napari_denoise.core.image import as_image
from napari_denoise.core.progress import Notice, Progress, Request, run
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import CARE, N2N, N2V, DecoNoising
from napari_denoise.learning.models.file import read_model_info

TINY = N2V(n_steps=3, batch_size=1, n_features=4, depth=1, patch_size=16)
N2V_ONLY = N2V.model_fields.keys() - CARE.model_fields.keys()
ENDLESS = TINY.model_copy(update={"n_steps": 1_000_000})


@pytest.fixture
def noisy(viewer, rng):
    pixels = rng.normal(100, 10, (3, 24, 24)).astype(np.uint16)
    return viewer.add_image(pixels, name="noisy", axis_labels=("z", "y", "x"), scale=(2, 1, 1))


@pytest.fixture
def dock(qtbot, viewer, noisy):
    dock = TrainWidget(viewer)
    qtbot.addWidget(dock)
    dock.methodBox.setValue(TINY)
    dock.deviceChooser.setValue("cpu")
    return dock


@pytest.fixture
def trained(dock, finish):
    assert finish(dock.runBar) == ""
    return dock


def test_the_active_layer_is_ticked_and_its_axes_are_in_words(dock, noisy):
    assert dock.images.layers() == [noisy]
    assert dock.axisRoles.sentence() == "3 planes of 24 × 24, denoised as 2D images."


def test_training_shows_the_loss_and_then_the_model(trained):
    box = trained.modelBox
    assert trained.lossPlot.isVisibleTo(trained)
    assert box.isVisibleTo(trained)
    assert box.title() == "Noise2Void on noisy"
    assert box.summary() == (
        "Noise2Void for 2D images (YX), one channel at a time, trained for 3 steps."
    )


def test_a_model_that_nobody_saved_is_in_a_file_all_the_same(trained):
    (path,) = models.autosave_folder().iterdir()
    assert read_model_info(path).n_steps == 3
    assert path.name.endswith("noisy n2v.safetensors")


def test_a_trained_model_is_offered_by_the_denoise_dock(trained, viewer, qtbot, finish):
    denoise_dock = DenoiseWidget(viewer)
    qtbot.addWidget(denoise_dock)
    (model,) = models.shelf_of(viewer).models
    denoise_dock.setModel(model)
    assert denoise_dock.methodChooser.methodBox.currentText() == "Noise2Void on noisy"
    assert finish(denoise_dock.runBar) == ""
    assert viewer.layers[-1].name == "noisy · Noise2Void"


def test_the_denoise_dock_hears_of_a_model_trained_while_it_is_open(dock, viewer, qtbot, finish):
    denoise_dock = DenoiseWidget(viewer)
    qtbot.addWidget(denoise_dock)
    finish(dock.runBar)
    assert denoise_dock.methodChooser.methodBox.findText("Noise2Void on noisy") >= 0


def test_a_train_dock_opened_later_still_offers_an_unsaved_model(trained, viewer, qtbot, tmp_path):
    trained.close()
    later = TrainWidget(viewer)
    qtbot.addWidget(later)
    assert later.modelBox.title() == "Noise2Void on noisy"
    later.modelBox.save(tmp_path / "mine.safetensors")
    last = TrainWidget(viewer)
    qtbot.addWidget(last)
    assert not last.modelBox.isVisibleTo(last)


def test_a_trained_model_is_applied_to_the_layer_it_was_trained_on(trained, viewer, finish):
    assert finish(trained.modelBox.runBar) == ""
    result = viewer.layers["noisy · Noise2Void"]
    assert result.data.shape == (3, 24, 24)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.scale, (2, 1, 1))
    assert recipe_of(result.metadata).settings["name"] == "model"


def test_the_same_seed_trains_the_same_model(dock, finish):
    for _ in range(2):
        assert finish(dock.runBar) == ""
    first, second = models.shelf_of(dock.viewer).models
    assert second.title == "Noise2Void on noisy [1]"
    assert first.info.history == second.info.history


def test_a_model_is_saved_where_the_user_says(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getSaveFileName", lambda *args: (str(tmp_path / "mine"), "")
    )
    trained.modelBox.saveButton.click()
    path = tmp_path / "mine.safetensors"
    assert read_model_info(path).n_steps == 3
    (model,) = models.shelf_of(trained.viewer).models
    assert (model.path, model.is_saved, model.label) == (path, True, "mine")
    assert trained.modelBox.savedText() == "Saved as mine.safetensors."
    assert preferences().model_folder == str(tmp_path)


def test_a_model_that_cannot_be_saved_is_not_lost(trained, tmp_path):
    trained.modelBox.save(tmp_path / "no folder" / "mine.safetensors")
    assert "could not be written" in trained.modelBox.runBar.errorText()
    (model,) = models.shelf_of(trained.viewer).models
    assert not model.is_saved


def test_closing_the_save_dialog_saves_nothing(trained, monkeypatch):
    monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getSaveFileName", lambda *args: ("", ""))
    trained.modelBox.saveButton.click()
    assert trained.modelBox.savedText().startswith("Not saved yet")


def test_stop_during_training_keeps_the_model_trained_so_far(dock, qtbot, finish):
    dock.methodBox.setValue(ENDLESS)
    dock.runBar.run()
    qtbot.waitUntil(lambda: dock.lossPlot.stepCount() > 0, timeout=60_000)
    dock.runBar.stop()
    assert finish(dock.runBar, start=False) == ""
    (model,) = models.shelf_of(dock.viewer).models
    assert 1 <= model.info.n_steps < 1_000_000


def test_cancel_during_training_keeps_nothing(dock, qtbot, finish):
    dock.methodBox.setValue(ENDLESS)
    dock.runBar.run()
    qtbot.waitUntil(lambda: dock.lossPlot.stepCount() > 0, timeout=60_000)
    dock.runBar.cancel()
    assert finish(dock.runBar, start=False) == ""
    assert models.shelf_of(dock.viewer).models == ()
    assert not dock.modelBox.isVisibleTo(dock)
    assert dock.runBar.runButton.isEnabled()


def test_while_a_model_is_trained_the_last_one_rests(trained, slow_job, monkeypatch, finish):
    monkeypatch.setattr(train_widget, "train_and_keep_job", slow_job)
    trained.runBar.run()
    assert not trained.modelBox.isEnabled()
    trained.runBar.cancel()
    finish(trained.runBar, start=False)
    assert trained.modelBox.isEnabled()


def test_an_error_of_torch_during_training_is_shown(dock, finish, monkeypatch):
    def job(*args, **kwargs):
        yield Progress(fraction=0.0)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(train_widget, "train_and_keep_job", job)
    assert finish(dock.runBar).startswith("RuntimeError: mat1")
    assert dock.runBar.runButton.isEnabled()


def test_an_image_with_nan_cannot_be_trained_on(dock, noisy, finish):
    pixels = np.ones((3, 24, 24), np.float32)
    pixels[1, 2, 3] = np.nan
    noisy.data = pixels
    assert "NaN" in finish(dock.runBar)


def test_without_an_image_run_is_off(dock, viewer):
    dock.images.setLayers([])
    assert not dock.runBar.runButton.isEnabled()
    assert dock.axisRoles.sentence() == ""


def test_files_can_be_trained_on(dock, tmp_path, finish, rng, monkeypatch):
    path = tmp_path / "field.tif"
    tifffile.imwrite(path, rng.normal(100, 10, (24, 24)).astype(np.float32))
    dock.images.setLayers([])
    monkeypatch.setattr(
        "qtpy.QtWidgets.QFileDialog.getOpenFileNames", lambda *args: ([str(path)], "")
    )
    dock.images.filesButton.click()
    assert dock.axisRoles.sentence() == "One image of 24 × 24, denoised as a 2D image."
    assert finish(dock.runBar) == ""
    assert dock.modelBox.title() == "Noise2Void on field"
    dock.images.clearFiles()
    assert dock.images.files() == []


def test_layers_and_files_can_be_trained_on_together(dock, tmp_path, finish, rng):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, rng.normal(100, 10, (2, 24, 24)).astype(np.float32))
    dock.images.addFile(path)
    images = dock.images.images("ZYX")
    assert [(image.axes, image.name) for image in images] == [("ZYX", "noisy"), ("ZYX", "stack")]
    assert finish(dock.runBar) == ""


def test_a_file_that_is_no_image_is_refused_in_words(dock, tmp_path):
    path = tmp_path / "text.tif"
    path.write_text("no image")
    dock.images.addFile(path)
    assert dock.runBar.errorText()
    assert dock.images.files() == []


def test_an_rgb_picture_cannot_be_ticked(dock, viewer):
    viewer.add_image(np.zeros((40, 40, 3), np.uint8), rgb=True, name="picture")
    dock.images.setLayers([viewer.layers["picture"]])
    assert dock.images.layers() == []


def test_axes_named_by_the_user_hold_for_applying_too(dock, viewer, finish):
    dock.axisRoles.setLetter(0, "T")
    finish(dock.runBar)
    finish(dock.modelBox.runBar)
    assert recipe_of(viewer.layers[-1].metadata).axes == "TYX"


def test_volumes_can_be_trained_on(dock, noisy, finish, rng):
    noisy.data = rng.normal(100, 10, (8, 24, 24)).astype(np.float32)
    dock.axisRoles.setRole("Z", 1)
    dock.methodBox.setValue(TINY.model_copy(update={"patch_size": (4, 16, 16)}))
    assert finish(dock.runBar) == ""
    assert "3D volumes (ZYX)" in dock.modelBox.summary()


def test_a_method_for_pairs_asks_for_targets_and_others_do_not(dock, viewer, noisy):
    assert dock.targets.isHidden()
    dock.methodBox.chooser.setValue(CARE(n_steps=3))
    assert not dock.targets.isHidden()
    assert not dock.runBar.runButton.isEnabled()
    assert dock.runBar.runButton.toolTip() == "Choose a target for each image first."
    viewer.add_image(np.zeros(noisy.data.shape), name="clean")
    assert dock.runBar.runButton.isEnabled()
    dock.methodBox.chooser.setValue(N2N(repeats="T"))
    assert dock.targets.isHidden()
    dock.methodBox.chooser.setValue(TINY)
    assert dock.targets.isHidden()


def test_care_is_trained_with_the_layer_that_was_chosen(dock, viewer, noisy, finish):
    viewer.add_image(np.full(noisy.data.shape, 100.0) + np.eye(24), name="clean")
    dock.methodBox.chooser.setValue(
        CARE(start="scratch", **TINY.model_dump(exclude={"name"} | N2V_ONLY))
    )
    assert finish(dock.runBar) == ""
    (model,) = models.shelf_of(viewer).models
    assert model.info.method.title == "CARE"
    assert model.info.recipe.source == "noisy → clean"


def test_repeats_in_a_layer_are_pairs(dock, viewer, finish):
    dock.axisRoles.setLetter(0, "T")
    tiny = TINY.model_dump(exclude={"name"} | N2V_ONLY)
    dock.methodBox.chooser.setValue(N2N(start="scratch", repeats="T", **tiny))
    assert finish(dock.runBar) == ""
    (model,) = models.shelf_of(viewer).models
    assert model.info.recipe.source == "noisy"


def test_a_notice_says_why_a_training_starts_from_scratch(dock, viewer, noisy, finish):
    viewer.add_image(np.full(noisy.data.shape, 100.0) + np.eye(24), name="clean")
    dock.methodBox.chooser.setValue(CARE(**TINY.model_dump(exclude={"name"} | N2V_ONLY)))
    assert finish(dock.runBar) == ""
    assert "starts from scratch" in dock.runBar.noticeText()


def test_clipped_pixels_are_said_when_a_model_is_applied(trained, finish, monkeypatch):
    def job(denoiser, image, layout, *, dtype):
        yield Progress(fraction=0.5)
        return Denoised(as_image(np.zeros(image.shape, dtype), layout.axes), 3)

    remember(result_dtype=SAME_AS_SOURCE)
    monkeypatch.setattr(model_box, "denoise_job", job)
    finish(trained.modelBox.runBar)
    assert "beyond the range of uint16" in trained.modelBox.runBar.noticeText()


def test_applying_needs_a_layer(trained, viewer, finish):
    viewer.layers.clear()
    assert "no image layer" in finish(trained.modelBox.runBar)


def test_a_model_that_cannot_be_autosaved_is_kept_and_the_user_warned(tmp_path, monkeypatch, rng):
    def refuse(model, path):
        raise FileError("The disk is full.")

    monkeypatch.setattr("napari_denoise.learning.models.file.save_model", refuse)
    layout = train_widget.Layout("YX")
    pixels = rng.normal(100, 10, (24, 24)).astype(np.float32)
    images = [TrainingImage.of(pixels, layout, "noisy")]
    events = []
    job = train_widget.train_and_keep_job(
        TINY, images, seed=0, device="cpu", path=tmp_path / "a.safetensors"
    )
    model = run(job, events.append)
    assert model.n_steps == 3
    (warning,) = [event for event in events if isinstance(event, Notice)]
    assert "The disk is full" in warning.message


def test_only_the_newest_unsaved_models_are_kept(tmp_path):
    folder = models.autosave_folder()
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02}.safetensors").write_bytes(b"")
    path = models.autosave_path(TINY, "a/b: c")
    assert len(list(folder.iterdir())) == 19
    assert path.name.endswith("a_b_ c n2v.safetensors")


def test_stop_is_sent_as_a_request(dock, monkeypatch, finish):
    """The dock relies on it: a job that is closed instead would have nothing to keep."""
    got = []

    def job(*args, **kwargs):
        while (request := (yield Progress(fraction=0.1))) is None:
            pass
        got.append(request)
        raise RuntimeError("end")

    monkeypatch.setattr(train_widget, "train_and_keep_job", job)
    dock.runBar.run()
    dock.runBar.stop()
    finish(dock.runBar, start=False)
    assert got == [Request.STOP]


def spot(size=17, sigma=2.0):
    y, x = np.mgrid[:size, :size] - size // 2
    return np.exp(-(y**2 + x**2) / (2 * sigma**2)).astype(np.float32)


def test_a_psf_layer_is_asked_for_by_deconoising_alone_and_kept_in_the_model(dock, viewer, finish):
    layer = viewer.add_image(100 * spot() + 3, name="bead")
    assert not dock.psfChooser.isVisibleTo(dock)
    dock.methodBox.chooser.setValue(DecoNoising(**TINY.model_dump(exclude={"name"})))
    assert dock.psfChooser.isVisibleTo(dock)
    assert dock.psfChooser.layer() is None
    dock.psfChooser.setLayer(layer)
    assert finish(dock.runBar) == ""
    (model,) = models.shelf_of(viewer).models
    assert model.info.architecture.psf_size[0] > 7
    dock.modelBox.modelForm.outputBox.setCurrentText("deconvolved")
    assert finish(dock.modelBox.runBar) == ""
    assert viewer.layers[-1].name == "noisy · DecoNoising deconvolved"


def test_the_layers_scale_turns_optics_into_pixels(dock, viewer, noisy, finish):
    optics = {"numerical_aperture": 0.5, "wavelength_nm": 520.0, "microscope": "widefield"}
    dock.methodBox.chooser.setValue(DecoNoising(**TINY.model_dump(exclude={"name"}), **optics))
    assert "size of a pixel of noisy" in finish(dock.runBar)
    noisy.units = ("um", "um", "um")
    noisy.scale = (1.0, 0.117, 0.117)
    assert finish(dock.runBar) == ""
    (model,) = models.shelf_of(viewer).models
    assert model.info.architecture.psf_size == (13, 13)
