"""The Noise dock."""

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_denoise._napari.noise.widget import NoiseWidget
from napari_denoise._napari.shared.layers import calibration_of, recipe_of
from napari_denoise.noise import (
    PRESETS,
    Bleaching,
    CameraNoise,
    GaussianNoise,
    PoissonNoise,
    StripeNoise,
)
from napari_denoise.noise.simulation.composite import Composite


@pytest.fixture
def dock(qtbot, viewer):
    viewer.add_image(np.full((3, 24, 24), 100, np.uint8), name="clean", scale=(2, 1, 1))
    dock = NoiseWidget(viewer)
    qtbot.addWidget(dock)
    return dock


def test_noise_comes_as_a_new_layer_of_the_same_type_and_place(dock, viewer, finish):
    assert finish(dock.simulate.runBar) == ""
    clean, noisy = viewer.layers
    assert noisy.name == "clean · Poisson noise"
    assert noisy.dtype == np.uint8
    assert (clean.data == 100).all()
    assert noisy.data.std() > 1
    np.testing.assert_allclose(noisy.scale, clean.scale)


def test_the_recipe_holds_model_and_seed(dock, viewer, finish):
    dock.simulate.seedBox.setValue(7)
    finish(dock.simulate.runBar)
    recipe = recipe_of(viewer.layers[-1].metadata)
    assert (recipe.operation, recipe.seed, recipe.dtype) == ("simulate", 7, "uint8")
    assert recipe.settings["name"] == "poisson"
    assert recipe.axes == "ZYX"


def test_the_same_seed_gives_the_same_noise(dock, viewer, finish):
    for seed in (1, 1, 2):
        dock.simulate.seedBox.setValue(seed)
        finish(dock.simulate.runBar)
    _, first, second, third = viewer.layers
    np.testing.assert_array_equal(first.data, second.data)
    assert (first.data != third.data).any()


def test_another_noise_model_can_be_chosen(dock, viewer, finish):
    dock.simulate.noiseList.chooser(0).setClass(GaussianNoise)
    finish(dock.simulate.runBar)
    assert viewer.layers[-1].name == "clean · Gaussian noise"


def test_pixels_that_were_clipped_are_counted(dock, viewer, finish):
    viewer.layers["clean"].data = np.full((3, 24, 24), 250, np.uint8)
    finish(dock.simulate.runBar)
    assert "beyond the range of uint8" in dock.simulate.runBar.noticeText()


def test_an_image_that_cannot_have_shot_noise_is_refused_in_words(dock, viewer, finish):
    viewer.layers["clean"].data = np.full((3, 24, 24), -5.0)
    assert "negative intensities" in finish(dock.simulate.runBar)
    assert len(viewer.layers) == 1


def test_without_a_layer_the_user_is_told_so(qtbot, viewer, finish):
    dock = NoiseWidget(viewer)
    qtbot.addWidget(dock)
    assert "no image layer" in finish(dock.simulate.runBar)


def test_several_noises_are_added_in_their_order(dock, viewer, finish):
    viewer.layers["clean"].axis_labels = ("t", "y", "x")
    dock.simulate.setNoise(Composite.of([Bleaching(remaining=0.25), StripeNoise(sigma=1)]))
    assert finish(dock.simulate.runBar) == ""
    noisy = viewer.layers[-1]
    assert noisy.name == "clean · Photobleaching + Stripes noise"
    assert noisy.data[2].mean() == pytest.approx(25, abs=1)
    names = [part["name"] for part in recipe_of(noisy.metadata).settings["noises"]]
    assert names == ["bleaching", "stripes"]


def test_a_preset_fills_the_form(dock):
    titles = [known.title for known in PRESETS]
    assert [dock.simulate.presetBox.itemText(i) for i in range(len(titles))] == titles
    dock.simulate.presetBox.activated.emit(0)
    assert dock.simulate.noiseList.value() == (CameraNoise.emccd(),)


def test_a_camera_s_units_get_contrast_limits_of_their_own(dock, viewer, finish):
    dock.simulate.setNoise(CameraNoise(offset=500))
    viewer.layers["clean"].data = viewer.layers["clean"].data.astype(np.uint16)
    finish(dock.simulate.runBar)
    assert viewer.layers[-1].contrast_limits[0] > 300


def test_doses_give_a_layer_each(dock, viewer, finish):
    dock.simulate.dosesEdit.setText("1, 0.5, 0.25")
    assert finish(dock.simulate.runBar) == ""
    series = viewer.layers[1:]
    assert [layer.name for layer in series] == [
        f"clean · Poisson noise, {dose} of the dose" for dose in (1, 0.5, 0.25)
    ]
    means = [layer.data.mean() for layer in series]
    np.testing.assert_allclose(means, [100, 50, 25], rtol=0.1)
    assert recipe_of(series[0].metadata).doses == (1, 0.5, 0.25)


@pytest.mark.parametrize("text", ["half", "1,,2", "0, 1"])
def test_doses_that_are_none_are_refused_in_words(dock, viewer, finish, text):
    dock.simulate.dosesEdit.setText(text)
    assert "such as 1, 0.5" in finish(dock.simulate.runBar)
    assert len(viewer.layers) == 1


@pytest.fixture
def preview(dock, viewer, qtbot):
    """Turns the preview on, and waits for it to show what it should."""
    viewer.layers["clean"].data = np.arange(3 * 24 * 24, dtype=np.uint16).reshape(3, 24, 24)

    def preview(place=1):
        viewer.dims.set_current_step(0, place)
        dock.simulate.setPreviewed(True)
        qtbot.waitUntil(lambda: _shows(viewer, place), timeout=10_000)
        return viewer.layers["clean · preview"]

    return preview


def _shows(viewer, place):
    shown = [layer for layer in viewer.layers if "preview" in layer.name]
    return bool(shown) and shown[0].translate[0] == 2 * place


def test_the_preview_is_the_shown_plane_as_it_will_be(dock, viewer, finish, preview):
    tried = preview(1).data.copy()
    assert tried.shape == (1, 24, 24)
    finish(dock.simulate.runBar)
    np.testing.assert_array_equal(viewer.layers[-1].data[1], tried[0])


def test_the_preview_follows_the_slider_and_the_settings(dock, viewer, qtbot, preview):
    layer = preview(0)
    first = layer.data.copy()
    assert preview(2) is layer
    assert layer.data.mean() > 2 * first.mean()
    before = layer.data.copy()
    dock.simulate.noiseList.chooser(0).form().setValue(PoissonNoise(photons=0.5))
    qtbot.waitUntil(lambda: not np.array_equal(layer.data, before), timeout=10_000)
    assert layer.data.std() > 3 * before.std()


def test_the_preview_changes_nothing_the_user_made(dock, viewer, preview):
    clean = viewer.layers["clean"]
    pixels, limits = clean.data.copy(), clean.contrast_limits
    preview(1)
    np.testing.assert_array_equal(clean.data, pixels)
    assert clean.contrast_limits == limits
    assert viewer.layers.selection.active is clean
    assert clean.visible
    # Nothing offers it to be worked on.
    assert dock.layerChooser.names() == ["clean"]


@pytest.mark.parametrize("how", ["unchecked", "applied", "closed", "removed", "source removed"])
def test_the_preview_goes_away(dock, viewer, finish, preview, how):
    preview(1)
    simulate = dock.simulate
    {
        "unchecked": lambda: simulate.setPreviewed(False),
        "applied": lambda: finish(simulate.runBar),
        "closed": dock.close,
        "removed": lambda: viewer.layers.remove("clean · preview"),
        "source removed": lambda: viewer.layers.remove("clean"),
    }[how]()
    assert not [layer for layer in viewer.layers if "preview" in layer.name]
    if how == "removed":
        assert not simulate.previewBox.isChecked()


def test_what_cannot_be_previewed_is_said(dock, viewer, qtbot):
    message = dock.simulate.previewMessage
    dock.simulate.setPreviewed(True)
    viewer.dims.ndisplay = 3
    qtbot.waitUntil(lambda: "plane of Y and X" in message.text(), timeout=10_000)
    viewer.dims.ndisplay = 2
    qtbot.waitUntil(lambda: message.text() == "", timeout=10_000)
    viewer.layers["clean"].data = np.full((3, 24, 24), -5.0)
    qtbot.waitUntil(lambda: "negative intensities" in message.text(), timeout=10_000)


def squares(n_frames=1, gain=4, offset=100):
    """Flat squares from dark to bright, recorded by a camera."""
    rng = np.random.default_rng(0)
    levels = rng.permutation(np.linspace(0, 100, 16)).reshape(4, 4)
    clean = np.kron(levels, np.ones((40, 40)))
    return (offset + gain * rng.poisson(np.stack([clean] * n_frames))).astype(np.uint16)


@pytest.fixture
def inspected(qtbot, viewer, finish):
    """Inspects an image in a new dock; returns the dock."""

    def inspected(pixels, mode=0, **more):
        viewer.add_image(pixels, name="noisy", **more)
        dock = NoiseWidget(viewer)
        qtbot.addWidget(dock)
        dock.layerChooser.setLayer(viewer.layers["noisy"])
        dock.showInspect()
        dock.inspect.modeBox.setCurrentIndex(mode)
        dock.words = finish(dock.inspect.runBar)
        return dock

    return inspected


def fact(dock, name):
    return next(f for f in dock.inspect.report.facts.value() if f.name == name)


def test_a_layer_is_inspected_and_what_was_found_is_kept_with_it(inspected, viewer):
    dock = inspected(squares()[0])
    found = dock.inspect.calibration()
    assert found.gain == pytest.approx(4, rel=0.1)
    assert fact(dock, "gain").value == found.gain
    assert fact(dock, "offset").interval == found.offset_interval
    assert dock.inspect.report.adviceText() == found.advice
    measured, fit = dock.inspect.report.curve.value().series
    assert len(measured.x) == len(found.points)
    np.testing.assert_allclose(fit.y, found.variance(fit.x))
    assert len(dock.inspect.report.correlation.value().series[0].x) == 9
    assert calibration_of(viewer.layers["noisy"]) == found


def test_the_numbers_are_copied_for_a_spreadsheet(inspected):
    dock = inspected(squares()[0])
    dock.inspect.report.facts.copy()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0] == "quantity\tvalue\tlow\thigh\tunit"
    assert float(lines[1].split("\t")[1]) == dock.inspect.calibration().gain


def test_channels_are_inspected_one_by_one(inspected, viewer):
    pixels = np.stack([squares(gain=2)[0], squares(gain=8)[0]])
    dock = inspected(pixels, axis_labels=("c", "y", "x"))
    assert dock.inspect.calibration().gain == pytest.approx(2, rel=0.1)
    dock.inspect.channelBox.setCurrentIndex(1)
    assert dock.inspect.calibration().gain == pytest.approx(8, rel=0.1)
    assert fact(dock, "gain").value == pytest.approx(8, rel=0.1)
    assert calibration_of(viewer.layers["noisy"], 1).gain == pytest.approx(8, rel=0.1)
    assert calibration_of(viewer.layers["noisy"], 2) is None


def test_repeats_along_an_axis_without_a_name_are_taken_for_time(inspected):
    assert inspected(squares(4), mode=1).inspect.calibration().gain == pytest.approx(4, rel=0.05)


def test_dark_frames_give_offset_and_read_noise(inspected, viewer, finish):
    rng = np.random.default_rng(1)
    dock = inspected(squares(4) + rng.normal(0, 6, (4, 160, 160)), mode=2)
    assert "are the image itself" in dock.words
    viewer.add_image(rng.normal(100, 6, (8, 160, 160)), name="dark")
    dock.inspect.darkChooser.setLayer(viewer.layers["dark"])
    assert finish(dock.inspect.runBar) == ""
    found = dock.inspect.calibration()
    assert found.offset == pytest.approx(100, abs=0.2)
    assert found.read_noise == pytest.approx(6, rel=0.02)


def test_what_is_found_feeds_the_simulator(inspected):
    dock = inspected(squares()[0].clip(0, 255).astype(np.uint8))
    dock.inspect.useButton.click()
    (noise,) = dock.simulate.noiseList.value()
    found = dock.inspect.calibration()
    assert (noise.gain, noise.bit_depth) == (pytest.approx(found.gain), 8)
    assert dock.simulate.isVisibleTo(dock)
    assert not dock.inspect.isVisibleTo(dock)


def test_what_was_found_goes_with_its_layer(inspected, viewer):
    dock = inspected(squares()[0])
    viewer.add_image(np.ones((64, 64)), name="another")
    dock.layerChooser.setLayer(viewer.layers["another"])
    assert dock.inspect.calibration() is None
    assert not dock.inspect.report.isVisibleTo(dock)


@pytest.mark.parametrize(
    ("pixels", "says"),
    [
        (np.full((64, 64), 7), "constant"),
        (np.full((64, 64), np.nan), "NaN"),
        (np.ones((1, 1)), "too small"),
    ],
)
def test_what_cannot_be_inspected_is_said(inspected, viewer, pixels, says):
    dock = inspected(pixels, contrast_limits=(0, 1))
    assert says in dock.words
    assert calibration_of(viewer.layers["noisy"]) is None
