"""The camera in the Denoise dock: measured, shown, used, and forgotten on request."""

import numpy as np
import pytest

from napari_denoise._napari.denoise.camera_box import CameraBox, calibrated
from napari_denoise._napari.denoise.widget import DenoiseWidget
from napari_denoise._napari.shared.layers import calibration_of, keep_calibrations, recipe_of
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.filters import BM3D, Gaussian
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.instant.denoiser import Instant
from napari_denoise.noise import calibrate_job


@pytest.fixture
def noisy(rng):
    clean = scene((128, 128), rng=rng, kind="nuclei")
    return (rng.poisson(5 + 60 * clean) * 4 + 100).astype(np.uint16)


@pytest.fixture
def box(qtbot):
    box = CameraBox()
    qtbot.addWidget(box)
    yield box
    box.shutdown()


@pytest.fixture
def dock(qtbot, viewer):
    dock = DenoiseWidget(viewer)
    qtbot.addWidget(dock)
    return dock


def measure(box, qtbot):
    box.measureButton.click()
    qtbot.waitUntil(box.measureButton.isEnabled, timeout=20_000)


def test_measuring_shows_the_camera_and_keeps_it_with_the_layer(box, qtbot, viewer, noisy):
    layer = viewer.add_image(noisy)
    box.setLayer(layer)
    assert "will be measured" in box.text()
    with qtbot.waitSignal(box.changed, timeout=20_000):
        box.measureButton.click()
    expected = run(calibrate_job(noisy, "YX"))
    assert calibration_of(layer) == expected
    assert f"gain {expected.gain:.3g}" in box.text()
    assert box.measureButton.text() == "Measure again"


def test_what_is_known_is_used_and_stands_in_the_recipe(dock, viewer, finish, noisy, qtbot):
    layer = viewer.add_image(noisy, name="cells")
    known = run(calibrate_job(noisy, "YX")).model_copy(update={"gain": 9.0})
    keep_calibrations(layer, (known,))
    dock.cameraBox.setLayer(layer)
    assert finish(dock.runBar) == ""
    result = viewer.layers["cells · Instant"]
    assert recipe_of(result.metadata).settings["gain"] == 9.0
    expected = run(denoise_job(calibrated(Instant(), known), noisy, Layout("YX"))).image.pixels
    np.testing.assert_array_equal(result.data, expected)


def test_what_a_run_has_measured_is_shown(dock, viewer, finish, noisy):
    viewer.add_image(noisy)
    finish(dock.runBar)
    assert dock.cameraBox.text().startswith("Camera: gain")


def test_a_camera_can_be_forgotten(box, viewer, noisy):
    layer = viewer.add_image(noisy)
    keep_calibrations(layer, (run(calibrate_job(noisy, "YX")),))
    box.setLayer(layer)
    assert box.calibration()
    box.forgetButton.click()
    assert box.calibration() is None
    assert "will be measured" in box.text()


def test_an_image_without_noise_is_answered_in_words(box, qtbot, viewer):
    box.setLayer(viewer.add_image(np.full((64, 64), 7, np.uint8)))
    measure(box, qtbot)
    assert "no noise" in box.text()
    assert box.measureButton.isEnabled()


def test_only_methods_that_need_a_camera_show_it(dock, viewer, noisy):
    viewer.add_image(noisy)
    assert dock.cameraBox.isVisibleTo(dock)
    dock.setMethod(Gaussian)
    assert not dock.cameraBox.isVisibleTo(dock)
    dock.setMethod(BM3D)
    assert dock.cameraBox.isVisibleTo(dock)
    dock.methodChooser.stabilizeBox.setChecked(False)
    assert not dock.cameraBox.isVisibleTo(dock)


def test_a_given_gain_is_not_overruled(noisy):
    found = run(calibrate_job(noisy, "YX"))
    assert calibrated(Instant(gain=3.0), found) == Instant(gain=3.0)
    assert calibrated(Gaussian(), found) == Gaussian()
    assert calibrated(Stabilized(denoiser=BM3D()), found).gain == found.gain
    assert calibrated(Instant(), found).correlation_x == found.correlation_x
    assert calibrated(Instant(), None) == Instant()
