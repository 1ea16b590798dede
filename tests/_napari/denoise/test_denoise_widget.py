"""The Denoise dock."""

import gc
import weakref

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_denoise._napari.denoise import widget as denoise_widget
from napari_denoise._napari.denoise.widget import DenoiseWidget
from napari_denoise._napari.shared.layers import recipe_of
from napari_denoise._napari.shared.models import shelf_of
from napari_denoise._napari.shared.preferences import SAME_AS_SOURCE, preferences
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoised, denoise_job
from napari_denoise.core.image import as_image
from napari_denoise.core.progress import Progress, run
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.filters import Gaussian, Median
from napari_denoise.instant.denoiser import Instant
from napari_denoise.registry import denoiser_class, make_denoiser


@pytest.fixture
def dock(qtbot, viewer):
    dock = DenoiseWidget(viewer)
    qtbot.addWidget(dock)
    dock.setMethod(Gaussian)
    return dock


@pytest.fixture
def noisy(rng):
    return rng.poisson(50, (3, 24, 24)).astype(np.uint8)


@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX", "TZCYX"])
def test_a_result_equals_what_the_same_call_in_a_script_gives(dock, viewer, finish, rng, axes):
    shape = (2, 3, 2, 20, 24)[-len(axes) :]
    pixels = rng.poisson(50, shape).astype(np.uint16)
    viewer.add_image(pixels, name="cells", axis_labels=list(axes.lower()), rgb=False)
    assert finish(dock.runBar) == ""
    result = viewer.layers["cells · Gaussian"]
    expected = run(denoise_job(Gaussian(), pixels, Layout(axes))).image.pixels
    np.testing.assert_array_equal(result.data, expected)
    assert result.dtype == np.float32
    recipe = recipe_of(result.metadata)
    assert (recipe.axes, recipe.spatial, recipe.dtype) == (axes, "YX", "float32")
    assert recipe.settings == Gaussian().model_dump(mode="json")


def test_an_uncertainty_is_shown_in_its_own_range_and_not_held_to_the_image(
    dock, viewer, finish, rng
):
    pixels = rng.poisson(30 + 200 * scene((96, 96), rng=rng)).astype(np.uint16)
    viewer.add_image(pixels, name="cells", contrast_limits=(0, 60_000))
    dock.setMethod(Instant)
    dock.methodChooser.setSettings(Instant(output="uncertainty"))
    assert finish(dock.runBar) == ""
    layer = viewer.layers["cells · Instant uncertainty"]
    assert layer.contrast_limits[1] == pytest.approx(layer.data.max())
    assert "ntensit" not in dock.runBar.message() + dock.runBar.noticeText()


def test_the_instant_denoiser_is_what_a_new_dock_offers(qtbot, viewer, finish, rng):
    pixels = rng.poisson(30 + 200 * scene((96, 96), rng=rng)).astype(np.uint16)
    viewer.add_image(pixels, name="cells")
    dock = DenoiseWidget(viewer)
    qtbot.addWidget(dock)
    assert dock.deviceChooser.isVisibleTo(dock)
    assert finish(dock.runBar) == ""
    result = viewer.layers["cells · Instant"]
    assert recipe_of(result.metadata).settings["name"] == "instant"
    np.testing.assert_array_equal(
        result.data, run(denoise_job(Instant(), pixels, Layout("YX"))).image.pixels
    )


def test_volumes_are_denoised_in_3d_if_the_user_says_so(dock, viewer, finish, noisy):
    viewer.add_image(noisy, name="stack")
    dock.axisRoles.setRole("Z", 1)
    finish(dock.runBar)
    expected = run(denoise_job(Gaussian(), noisy, Layout("ZYX", "ZYX"))).image.pixels
    np.testing.assert_array_equal(viewer.layers[-1].data, expected)


def test_the_type_of_the_source_is_kept_on_request_and_next_time_too(dock, viewer, finish, noisy):
    viewer.add_image(noisy)
    dock.dtypeBox.setCurrentIndex(dock.dtypeBox.findData(SAME_AS_SOURCE))
    finish(dock.runBar)
    assert viewer.layers[-1].dtype == np.uint8
    assert preferences().result_dtype == SAME_AS_SOURCE


def test_clipped_pixels_are_said(dock, viewer, finish, noisy, monkeypatch):
    def job(denoiser, image, layout, *, dtype, out):
        yield Progress(fraction=0.5)
        return Denoised(as_image(np.zeros(image.shape, dtype), layout.axes), 12)

    monkeypatch.setattr(denoise_widget, "denoise_job", job)
    viewer.add_image(noisy)
    finish(dock.runBar)
    assert "12 pixels were beyond the range" in dock.runBar.noticeText()


def test_it_is_said_whether_intensities_may_be_measured_on_the_result(
    dock, viewer, finish, noisy, monkeypatch
):
    viewer.add_image(noisy)
    finish(dock.runBar)
    assert "Safe to quantify" in dock.runBar.message()

    def job(denoiser, image, layout, *, dtype, out):
        yield Progress(fraction=0.5)
        return Denoised(as_image((image.pixels * 0.8).astype(dtype), layout.axes), 0)

    monkeypatch.setattr(denoise_widget, "denoise_job", job)
    dock.layerChooser.setLayer(viewer.layers[0])
    finish(dock.runBar)
    assert "Not safe to quantify" in dock.runBar.noticeText()


def test_a_lazy_layer_is_denoised_without_being_loaded_at_once(dock, viewer, finish, noisy):
    computed = []

    def note(block):
        computed.append(block.shape)
        return block

    lazy = da.from_array(noisy, chunks=(1, 24, 24)).map_blocks(note, meta=noisy[:0, :0, :0])
    viewer.add_image(lazy, name="lazy", contrast_limits=(0, 255))
    assert finish(dock.runBar) == ""
    assert set(computed) == {(1, 24, 24)}


def test_a_layer_with_nan_is_refused_and_no_layer_is_made(dock, viewer, finish):
    pixels = np.zeros((24, 24), np.float32)
    pixels[3, 4] = np.nan
    viewer.add_image(pixels, contrast_limits=(0, 1))
    assert "NaN" in finish(dock.runBar)
    assert len(viewer.layers) == 1


def test_an_rgb_picture_is_refused_with_the_way_out(dock, viewer, finish):
    viewer.add_image(np.zeros((40, 40, 3), np.uint8), rgb=True)
    assert dock.axisRoles.sentence() == ""
    assert "Split RGB" in finish(dock.runBar)


def test_without_a_layer_run_is_off_and_says_why(dock, viewer, finish):
    assert not dock.runBar.runButton.isEnabled()
    assert "Open an image" in dock.runBar.runButton.toolTip()
    viewer.add_image(np.zeros((24, 24)))
    assert dock.runBar.runButton.isEnabled()


def test_the_axes_of_the_layer_are_put_in_words(dock, viewer):
    layer = viewer.add_image(np.zeros((5, 24, 32)))
    assert dock.axisRoles.sentence() == "5 planes of 24 × 32, denoised as 2D images."
    layer.axis_labels = ("t", "y", "x")
    assert dock.axisRoles.sentence() == "5 time points of 24 × 32, denoised as 2D images."
    layer.data = np.zeros((7, 24, 32))
    assert dock.axisRoles.sentence().startswith("7 time points")


def test_a_source_removed_while_the_job_runs_does_no_harm(
    dock, viewer, finish, noisy, monkeypatch, slow_job, qtbot
):
    slow_job.result = Denoised(as_image(np.zeros(noisy.shape, np.float32), "ZYX"), 0)
    monkeypatch.setattr(denoise_widget, "denoise_job", slow_job)
    viewer.add_image(noisy, name="gone")
    dock.runBar.run()
    viewer.layers.clear()
    dock.runBar.stop()
    assert finish(dock.runBar, start=False) == ""
    assert [layer.name for layer in viewer.layers] == ["gone · Gaussian"]


def test_cancel_during_denoising_leaves_no_layer_and_gives_the_buttons_back(
    dock, viewer, finish, noisy, monkeypatch, slow_job
):
    monkeypatch.setattr(denoise_widget, "denoise_job", slow_job)
    viewer.add_image(noisy)
    dock.runBar.run()
    slow_job.is_running.wait(10)
    assert not dock.runBar.runButton.isEnabled()
    dock.runBar.cancel()
    finish(dock.runBar, start=False)
    assert slow_job.is_closed.is_set()
    assert len(viewer.layers) == 1
    assert dock.runBar.runButton.isEnabled()


def test_an_error_of_torch_is_shown_the_buttons_come_back_and_the_memory_is_freed(
    dock, viewer, finish, noisy, monkeypatch
):
    kept = []

    class Tensor(np.ndarray):
        """An array that can be watched."""

    def job(denoiser, image, layout, *, dtype, out):
        activations = np.zeros(1000).view(Tensor)
        kept.append(weakref.ref(activations))
        yield Progress(fraction=0.5)
        raise RuntimeError("CUDA error: no kernel image is available")

    monkeypatch.setattr(denoise_widget, "denoise_job", job)
    viewer.add_image(noisy)
    assert finish(dock.runBar) == "RuntimeError: CUDA error: no kernel image is available"
    assert dock.runBar.runButton.isEnabled()
    assert len(viewer.layers) == 1
    gc.collect()
    assert kept[0]() is None


def test_after_a_run_nothing_holds_the_source_any_more(dock, viewer, finish, noisy):
    layer = viewer.add_image(noisy.copy())
    finish(dock.runBar)
    source = weakref.ref(layer)
    viewer.layers.remove(layer)
    del layer
    viewer.layers.clear()
    gc.collect()
    assert source() is None


def test_a_result_that_cannot_become_a_layer_is_reported(dock, viewer, finish, noisy, monkeypatch):
    def refuse(*args, **kwargs):
        raise ValueError("no room")

    monkeypatch.setattr(denoise_widget, "result_layer", refuse)
    viewer.add_image(noisy)
    assert "no room" in finish(dock.runBar)


def test_each_filter_can_be_chosen_with_its_own_settings(dock, viewer, finish, noisy):
    viewer.add_image(noisy, name="cells")
    methods = dock.methodChooser.methodBox
    methods.setCurrentIndex(methods.findText("Median"))
    methods.activated.emit(methods.currentIndex())
    finish(dock.runBar)
    expected = run(denoise_job(Median(), noisy, Layout("ZYX"))).image.pixels
    np.testing.assert_array_equal(viewer.layers["cells · Median"].data, expected)
    assert not dock.deviceChooser.isVisibleTo(dock)


def test_a_saved_model_is_applied_and_gives_its_name_to_the_result(
    dock, viewer, finish, noisy, model_files
):
    viewer.add_image(noisy, name="cells")
    dock.setModelFile(model_files / "YX.safetensors")
    assert dock.methodChooser.about().startswith("Noise2Void for 2D images (YX)")
    assert dock.deviceChooser.isVisibleTo(dock)
    assert finish(dock.runBar) == ""
    result = viewer.layers["cells · YX"]
    assert result.data.shape == noisy.shape
    recipe = recipe_of(result.metadata)
    assert recipe.settings["path"] == str(model_files / "YX.safetensors")


def test_a_model_says_how_it_sees_the_axes(dock, viewer, noisy, model_files, finish):
    viewer.add_image(noisy)
    dock.setModelFile(model_files / "ZYX.safetensors")
    assert dock.axisRoles.value() == Layout("ZYX", "ZYX")
    viewer.layers.clear()
    viewer.add_image(noisy[0])
    assert "trained on 3D volumes" in dock.axisRoles.sentence()
    assert "trained on 3D volumes" in finish(dock.runBar)


def test_a_file_that_is_no_model_is_refused_and_the_method_stays(dock, viewer, tmp_path):
    path = tmp_path / "text.safetensors"
    path.write_text("this is no model")
    dock.setModelFile(path)
    assert "is no model file" in dock.runBar.errorText()
    assert dock.methodChooser.label() == "Gaussian"


def test_opening_the_same_model_twice_lists_it_once(dock, viewer, model_files):
    for _ in range(2):
        dock.setModelFile(model_files / "YX.safetensors")
    assert len(shelf_of(viewer).models) == 1


def test_a_model_is_chosen_through_the_file_dialog(dock, model_files, monkeypatch):
    path = model_files / "YX.safetensors"
    dialog = "qtpy.QtWidgets.QFileDialog.getOpenFileName"
    monkeypatch.setattr(dialog, lambda *args: (str(path), ""))
    methods = dock.methodChooser.methodBox
    methods.activated.emit(methods.count() - 1)
    assert methods.currentText() == "YX"
    assert preferences().model_folder == str(model_files)
    monkeypatch.setattr(dialog, lambda *args: ("", ""))
    methods.activated.emit(methods.count() - 1)
    assert methods.currentText() == "YX"


def test_the_device_is_remembered(dock):
    dock.deviceChooser.setValue("cpu")
    assert preferences().device == "cpu"


def test_a_layer_can_be_chosen_from_outside(dock, viewer):
    first = viewer.add_image(np.zeros((8, 8)), name="first")
    viewer.add_image(np.zeros((8, 8)), name="second")
    dock.setLayer(first)
    assert isinstance(dock.layerChooser.layer(), Image)
    assert dock.layerChooser.layer() is first


def test_a_closed_dock_follows_the_viewer_no_more(dock, viewer):
    dock.close()
    viewer.add_image(np.zeros((8, 8)))
    assert dock.layerChooser.layer() is None


@pytest.mark.parametrize("name", ["wavelet", "median"])
def test_a_method_does_to_the_byte_what_its_name_does_in_a_script(dock, viewer, finish, rng, name):
    """Whether photon noise is evened out first has one default for all."""
    pixels = rng.poisson(5 + 60 * scene((96, 96), rng=rng)).astype(np.uint16)
    viewer.add_image(pixels, name="cells")
    dock.setMethod(denoiser_class(name))
    assert finish(dock.runBar) == ""
    expected = run(denoise_job(make_denoiser(name), pixels, Layout("YX"))).image
    np.testing.assert_array_equal(viewer.layers[-1].data, expected)
    assert recipe_of(viewer.layers[-1].metadata).settings == expected.recipe.settings


def test_a_method_for_even_noise_runs_on_stabilised_intensities_unless_told_not_to(
    dock, viewer, finish, rng
):
    clean = scene((128, 128), rng=rng) * 2000
    viewer.add_image(rng.poisson(clean / 50) * 50.0, name="cells")
    methods = dock.methodChooser.methodBox
    methods.setCurrentIndex(methods.findText("Wavelet"))
    methods.activated.emit(methods.currentIndex())
    assert finish(dock.runBar) == ""
    dock.methodChooser.stabilizeBox.setChecked(False)
    assert finish(dock.runBar) == ""
    stabilised, plain = viewer.layers[1:]
    assert recipe_of(stabilised.metadata).settings["name"] == "stabilized"
    assert recipe_of(plain.metadata).settings["name"] == "wavelet"
    errors = [np.square(layer.data - clean).mean() for layer in viewer.layers]
    assert max(errors[1:]) < errors[0] / 2
