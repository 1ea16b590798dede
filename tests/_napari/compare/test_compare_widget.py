"""The Compare dock."""

import math

import numpy as np
import pytest

from napari_denoise._napari.compare import widget
from napari_denoise._napari.compare.comparison import Comparison
from napari_denoise._napari.compare.maps_page import MapsPage
from napari_denoise._napari.compare.numbers_page import NumbersPage, measure_job
from napari_denoise._napari.compare.view import View
from napari_denoise._napari.compare.widget import CompareWidget
from napari_denoise._napari.shared.layers import read_layer
from napari_denoise.core.progress import run
from napari_denoise.metrics import nrmse, psnr, ssim


@pytest.fixture
def layers(viewer, rng):
    clean = rng.integers(0, 200, (2, 24, 24)).astype(np.uint8)
    noisy = np.clip(clean + rng.normal(0, 10, clean.shape), 0, 255).astype(np.uint8)
    smooth = (clean * 0.9 + 10).astype(np.float32)
    for name, pixels in {"clean": clean, "noisy": noisy, "smooth": smooth}.items():
        viewer.add_image(pixels, name=name, contrast_limits=(0, 100))
    viewer.layers.selection.active = viewer.layers["clean"]
    return list(viewer.layers)


@pytest.fixture
def dock(qtbot, viewer, layers):
    dock = CompareWidget(viewer)
    qtbot.addWidget(dock)
    return dock


def rows(dock):
    return dock.view(NumbersPage).table.rows()


def notices(dock):
    return dock.view(NumbersPage).runBar.noticeText()


def state(viewer, layers):
    return (
        viewer.canvas.grid.model_dump(),
        [(a.visible, tuple(a.contrast_limits), a.gamma, a.name_overlay.visible) for a in layers],
    )


def test_all_layers_but_the_reference_are_measured(dock, layers, finish):
    assert finish(dock.view(NumbersPage).runBar) == ""
    found = rows(dock)
    assert [row["layer"] for row in found] == ["noisy", "smooth"]
    clean, noisy = layers[0].data, layers[1].data
    assert found[0]["psnr_db"] == pytest.approx(psnr(clean, noisy, data_range=255))
    assert found[0]["ssim"] == pytest.approx(ssim(clean, noisy, data_range=255))
    assert found[0]["nrmse"] == pytest.approx(nrmse(clean, noisy))
    assert found[0]["data_range"] == 255
    assert found[0]["reference"] == "clean"


def test_results_accumulate(dock, layers, finish):
    finish(dock.view(NumbersPage).runBar)
    dock.chooser.layerList.setLayers([layers[2]])
    finish(dock.view(NumbersPage).runBar)
    assert [row["layer"] for row in rows(dock)] == [
        "noisy",
        "smooth",
        "smooth",
    ]


def test_a_reference_of_floats_gets_its_measured_range(dock, layers, finish):
    dock.chooser.referenceChooser.setLayer(layers[2])
    finish(dock.view(NumbersPage).runBar)
    expected = float(layers[2].data.max() - layers[2].data.min())
    assert rows(dock)[0]["data_range"] == pytest.approx(expected)


def test_a_data_range_of_ones_own_is_used_and_kept_when_the_layers_change(
    dock, viewer, layers, finish
):
    dock.chooser.dataRange.setValue(4095)
    viewer.add_image(layers[0].data, name="new")
    finish(dock.view(NumbersPage).runBar)
    assert {row["data_range"] for row in rows(dock)} == {4095.0}


def test_the_range_of_the_type_is_stated_and_cannot_be_changed(dock):
    assert dock.chooser.dataRange.choiceBox.currentText() == "all of uint8"
    assert dock.chooser.dataRange.numberBox.value() == 255
    assert dock.chooser.dataRange.numberBox.isReadOnly()


def test_a_reference_without_layers_to_compare_leaves_run_off(dock, layers):
    dock.chooser.layerList.setLayers([])
    assert not dock.view(NumbersPage).runBar.runButton.isEnabled()
    assert not dock.view(MapsPage).runBar.runButton.isEnabled()
    assert not dock.sideButton.isEnabled()


def test_a_layer_of_another_shape_cannot_be_ticked_and_says_why(dock, viewer):
    viewer.add_image(np.zeros((3, 24, 24)), name="other")
    assert "other" not in [layer.name for layer in dock.chooser.layers()]
    assert "(3, 24, 24)" in dock.chooser.layerList.item(3).toolTip()


def test_an_rgb_picture_cannot_be_ticked(dock, viewer):
    viewer.add_image(np.zeros((40, 40, 3), np.uint8), rgb=True, name="picture")
    assert "RGB" in dock.chooser.layerList.item(3).toolTip()


def test_nan_in_a_layer_is_said_and_the_others_are_measured(dock, layers, finish):
    layers[2].data = np.full((2, 24, 24), np.nan, np.float32)
    assert finish(dock.view(NumbersPage).runBar) == ""
    assert "smooth: The other image has 576 pixels that are NaN" in notices(dock)
    assert [row["layer"] for row in rows(dock)] == ["noisy"]


def test_nan_in_the_reference_is_said_once_and_adds_no_row(dock, layers, finish):
    dock.setReference(layers[2])
    layers[2].data = np.full((2, 24, 24), np.nan, np.float32)
    message = finish(dock.view(NumbersPage).runBar)
    assert "The reference has 576 pixels that are NaN" in message
    assert message.count("NaN") == 1
    assert rows(dock) == []


def test_equal_images_have_an_infinite_psnr(dock, viewer, layers, finish):
    viewer.add_image(layers[0].data.copy(), name="copy")
    finish(dock.view(NumbersPage).runBar)
    assert rows(dock)[-1]["psnr_db"] == math.inf


def test_side_by_side_and_back_leaves_everything_as_it_was(dock, viewer, layers):
    layers[1].contrast_limits = (5, 50)
    layers[2].visible = False
    before = state(viewer, layers)
    dock.sideButton.click()
    assert viewer.canvas.grid.enabled
    assert [tuple(layer.contrast_limits) for layer in layers] == [(0, 100)] * 3
    assert all(layer.visible and layer.name_overlay.visible for layer in layers)
    dock.sideButton.click()
    assert state(viewer, layers) == before


def test_a_tick_changes_the_grid_while_it_is_shown(dock, viewer, layers):
    before = state(viewer, layers)
    dock.sideButton.click()
    dock.chooser.layerList.setLayers([layers[1]])
    assert [layer.visible for layer in layers] == [True, True, False]
    dock.sideButton.click()
    assert state(viewer, layers) == before


def test_a_new_result_joins_the_grid_with_the_same_contrast(dock, viewer, layers):
    dock.sideButton.click()
    new = viewer.add_image(layers[0].data, name="result", contrast_limits=(0, 7))
    assert new.name_overlay.visible
    assert tuple(new.contrast_limits) == (0, 100)
    dock.sideButton.click()
    assert tuple(new.contrast_limits) == (0, 7)


def test_removing_the_reference_ends_the_grid_or_takes_another(dock, viewer, layers):
    dock.sideButton.click()
    viewer.layers.remove(layers[1])
    assert viewer.canvas.grid.enabled
    viewer.layers.clear()
    assert not viewer.canvas.grid.enabled
    assert not dock.sideButton.isChecked()


def test_closing_the_dock_ends_the_grid(dock, viewer, layers):
    before = state(viewer, layers)
    dock.sideButton.click()
    dock.close()
    assert state(viewer, layers) == before


def test_without_layers_the_user_is_told_so(qtbot, viewer, finish):
    dock = CompareWidget(viewer)
    qtbot.addWidget(dock)
    assert "no image layer" in finish(dock.view(NumbersPage).runBar)


def test_channels_at_the_end_are_measured_like_channels_in_front(viewer, rng):
    clean, noisy = rng.uniform(0, 1, (2, 3, 24, 24)).astype(np.float32)
    sources = [
        read_layer(viewer.add_image(pixels, rgb=False), axes)
        for pixels, axes in (
            (clean, "CYX"),
            (noisy, "CYX"),
            (np.moveaxis(clean, 0, -1), "YXC"),
            (np.moveaxis(noisy, 0, -1), "YXC"),
        )
    ]
    first, second = (
        run(measure_job(Comparison(clean, None, (noisy,)), {"psnr_db"}))[0].assessment.scores
        for clean, noisy in (sources[:2], sources[2:])
    )
    assert second.overall.psnr == pytest.approx(first.overall.psnr)
    assert second.overall.ssim == pytest.approx(first.overall.ssim)
    assert len(second.along[0]) == 3


class Brightness(View):
    """A view of a plugin's own."""

    tab = "Plots"
    title = "Brightness"

    def refresh(self):
        self.means = [float(np.mean(layer.data)) for layer in self.chooser.layers()]


def test_a_view_is_one_class_and_one_word_in_a_list(qtbot, viewer, layers, monkeypatch):
    monkeypatch.setattr(widget, "VIEWS", (*widget.VIEWS, Brightness))
    dock = CompareWidget(viewer)
    qtbot.addWidget(dock)
    view = dock.view(Brightness)
    assert view.means == [np.mean(layer.data) for layer in layers[1:]]
    dock.chooser.layerList.setLayers([])
    assert view.means == []
    assert not view.isVisibleTo(dock)
    dock.showView(Brightness)
    assert view.isVisibleTo(dock)
