"""Tuning in the Denoise dock: values found, shown, and given back."""

import numpy as np
import pytest

from napari_denoise._napari.denoise import widget as denoise_widget
from napari_denoise._napari.denoise.widget import DenoiseWidget
from napari_denoise._napari.shared.layers import recipe_of
from napari_denoise.core.axes import Layout
from napari_denoise.core.progress import run
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.filters import Bilateral, Gaussian, NonLocalMeans, Wavelet
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.filters.tuning.search import tune_job
from napari_denoise.instant.denoiser import Instant


@pytest.fixture
def dock(qtbot, viewer):
    dock = DenoiseWidget(viewer)
    qtbot.addWidget(dock)
    dock.setMethod(Gaussian)
    return dock


@pytest.fixture
def noisy(rng):
    return rng.poisson(scene((96, 96), rng=np.random.default_rng(4)) * 30).astype(np.uint16)


def test_the_form_gets_the_values_that_a_script_finds(dock, viewer, finish, noisy):
    viewer.add_image(noisy, name="cells")
    assert finish(dock.tuningBox.runBar) == ""
    found = run(tune_job(Gaussian(), noisy, Layout("YX")))
    assert dock.methodChooser.settings() == found.denoiser
    assert f"sigma {found.denoiser.sigma:g}" in dock.tuningBox.runBar.message()
    (series,) = dock.tuningBox.plot.value().series
    np.testing.assert_array_equal(series.x, found.curves[0].values)
    np.testing.assert_array_equal(series.y, found.curves[0].losses)
    (marker,) = dock.tuningBox.plot.value().markers
    assert marker.value == found.denoiser.sigma
    assert finish(dock.runBar) == ""
    assert recipe_of(viewer.layers[-1].metadata).settings == found.denoiser.model_dump(mode="json")


def test_a_method_for_even_noise_is_tuned_on_stabilised_intensities(dock, viewer, finish, noisy):
    viewer.add_image(noisy)
    dock.setMethod(NonLocalMeans)
    finish(dock.tuningBox.runBar)
    stabilised = run(tune_job(Stabilized(denoiser=NonLocalMeans()), noisy, Layout("YX"))).denoiser
    assert dock.methodChooser.settings() == stabilised.denoiser
    assert dock.methodChooser.value("cpu") == stabilised
    dock.methodChooser.setSettings(NonLocalMeans())
    dock.methodChooser.stabilizeBox.setChecked(False)
    finish(dock.tuningBox.runBar)
    plain = run(tune_job(NonLocalMeans(), noisy, Layout("YX"))).denoiser
    assert dock.methodChooser.value("cpu") == plain != stabilised.denoiser


def test_undo_brings_back_what_was_set_before(dock, viewer, finish, noisy):
    viewer.add_image(noisy)
    dock.methodChooser.setSettings(Gaussian(sigma=0.6))
    finish(dock.tuningBox.runBar)
    assert dock.methodChooser.settings() != Gaussian(sigma=0.6)
    dock.tuningBox.undoButton.click()
    assert dock.methodChooser.settings() == Gaussian(sigma=0.6)
    assert dock.tuningBox.plot.isHidden()
    assert dock.tuningBox.undoButton.isHidden()
    assert dock.tuningBox.runBar.message() == ""


def test_each_tuned_setting_has_its_curve(dock, viewer, finish, noisy):
    viewer.add_image(noisy)
    dock.setMethod(Bilateral)
    finish(dock.tuningBox.runBar)
    which, plot = dock.tuningBox.curveBox, dock.tuningBox.plot
    assert not which.isHidden()
    assert [which.itemText(i) for i in range(2)] == ["Sigma", "Range sigma"]
    assert plot.value().x_label == "Sigma (pixels)"
    which.setCurrentIndex(1)
    assert plot.value().x_label == "Range sigma (× noise)"
    assert plot.value().markers[0].value == dock.methodChooser.settings().range_sigma


def test_the_curve_is_shown_with_its_own_method_only(dock, viewer, finish, noisy):
    viewer.add_image(noisy)
    finish(dock.tuningBox.runBar)
    assert not dock.tuningBox.plot.isHidden()
    dock.setMethod(Wavelet)
    assert dock.tuningBox.plot.isHidden()
    assert not dock.tuningBox.isHidden()
    dock.setMethod(Gaussian)
    assert not dock.tuningBox.plot.isHidden()


def test_what_cannot_be_tuned_offers_no_button(dock, model_files):
    assert not dock.tuningBox.isHidden()
    dock.setMethod(Instant)
    assert dock.tuningBox.isHidden()
    dock.setModelFile(model_files / "YX.safetensors")
    assert dock.tuningBox.isHidden()


def test_another_layer_forgets_what_was_found(dock, viewer, finish, noisy):
    viewer.add_image(noisy)
    finish(dock.tuningBox.runBar)
    viewer.add_image(noisy[::-1].copy(), name="other")
    dock.setLayer(viewer.layers["other"])
    assert dock.tuningBox.plot.isHidden()
    assert dock.tuningBox.runBar.message() == ""


def test_cancel_and_another_layer_end_the_tuning_and_change_nothing(
    dock, viewer, finish, noisy, monkeypatch, slow_job
):
    monkeypatch.setattr(denoise_widget, "tune_job", slow_job)
    viewer.add_image(noisy)
    viewer.add_image(noisy, name="other")
    for end in (dock.tuningBox.runBar.cancel, lambda: dock.setLayer(viewer.layers["other"])):
        slow_job.is_running.clear()
        slow_job.is_closed.clear()
        dock.setLayer(viewer.layers[0])
        dock.tuningBox.runBar.run()
        slow_job.is_running.wait(10)
        end()
        finish(dock.tuningBox.runBar, start=False)
        assert slow_job.is_closed.is_set()
        assert dock.methodChooser.settings() == Gaussian()
        assert dock.tuningBox.plot.isHidden()


def test_an_image_without_noise_is_refused_in_words(dock, viewer, finish):
    viewer.add_image(np.full((64, 64), 9), contrast_limits=(0, 10))
    assert "constant" in finish(dock.tuningBox.runBar)
    assert dock.methodChooser.settings() == Gaussian()


def test_without_a_layer_there_is_nothing_to_tune(dock):
    assert not dock.tuningBox.runBar.runButton.isEnabled()
    assert "Open an image" in dock.tuningBox.runBar.runButton.toolTip()
