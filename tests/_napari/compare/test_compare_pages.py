"""The pages of the Compare dock: numbers without a reference, maps, plots."""

import numpy as np
import pytest
from napari.layers import Shapes

from napari_denoise._napari.compare.maps_page import MapsPage
from napari_denoise._napari.compare.numbers_page import NumbersPage
from napari_denoise._napari.compare.profile_plot import ProfilePlot
from napari_denoise._napari.compare.resolution_plot import ResolutionPlot
from napari_denoise._napari.compare.score_plot import ScorePlot
from napari_denoise._napari.compare.widget import CompareWidget
from napari_denoise._napari.shared.layers import read_layer, recipe_of
from napari_denoise._napari.shared.results import result_layer
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.evaluation import EACH_PLANE, MapKind
from napari_denoise.filters import Gaussian
from napari_denoise.metrics import analyse_residual_job, fourier_correlation_job, psnr

GEOMETRY = {
    "scale": (1, 0.2, 0.1),
    "translate": (0, 5, 0),
    "units": ("second", "micrometer", "micrometer"),
    "axis_labels": ("t", "y", "x"),
}


def add_result(viewer, noisy, method):
    """What the Denoise dock would add."""
    result = run(denoise_job(method, read_layer(noisy), Layout("TYX"))).image
    return viewer.add_layer(result_layer(noisy, result, label=method.label))


@pytest.fixture
def layers(viewer):
    """A clean film, the noisy one, and two results of it."""
    rng = np.random.default_rng(0)
    clean = np.stack([scene((64, 80), rng=rng), scene((64, 80), rng=rng)]) * 200
    noisy = rng.poisson(clean).astype(np.float32)
    viewer.add_image(clean.astype(np.float32), name="clean", **GEOMETRY)
    layer = viewer.add_image(noisy, name="noisy", **GEOMETRY)
    add_result(viewer, layer, Gaussian(sigma=1.0))
    add_result(viewer, layer, Gaussian(sigma=3.0)).name = "blurred"
    return {layer.name: layer for layer in viewer.layers}


@pytest.fixture
def dock(qtbot, viewer, layers):
    dock = CompareWidget(viewer)
    qtbot.addWidget(dock)
    yield dock
    dock.close()


def test_reference_and_noisy_image_are_found_by_name_and_by_recipe(dock, layers):
    assert dock.chooser.reference() is layers["clean"]
    assert dock.chooser.noisy() is layers["noisy"]
    names = [layer.name for layer in dock.chooser.layers()]
    assert names == ["noisy", "noisy · Gaussian", "blurred"]


def test_what_the_user_chose_is_not_guessed_again(dock, viewer, layers):
    dock.setReference(None)
    dock.setNoisy(None)
    add_result(viewer, layers["noisy"], Gaussian(sigma=2.0))
    assert dock.chooser.reference() is None
    assert dock.chooser.noisy() is None


def test_without_a_reference_the_noisy_image_tells(dock, layers, finish):
    dock.setReference(None)
    assert finish(dock.view(NumbersPage).runBar) == ""
    rows = {row["layer"]: row for row in dock.view(NumbersPage).table.rows()}
    table = dock.view(NumbersPage).table
    assert "psnr_db" not in table.visibleColumns()
    expected = run(analyse_residual_job(layers["noisy"].data, layers["blurred"].data))
    assert rows["blurred"]["signal_correlation"] == pytest.approx(expected.signal_correlation)
    assert rows["blurred"]["residual_correlation"] == pytest.approx(expected.lag_1)
    assert rows["noisy · Gaussian"]["safe_to_quantify"] == "yes"
    assert rows["noisy"]["safe_to_quantify"] is None  # it is no result of itself


def test_a_layer_that_is_not_safe_to_quantify_is_named_with_the_reason(dock, layers, finish):
    layers["blurred"].data = layers["blurred"].data * 1.2
    finish(dock.view(NumbersPage).runBar)
    assert "blurred: Not safe to quantify" in dock.view(NumbersPage).runBar.noticeText()
    assert "noisy · Gaussian: " not in dock.view(NumbersPage).runBar.noticeText()


def test_rows_can_be_frames(dock, layers, finish):
    rows = dock.view(NumbersPage).rowsBox
    assert [rows.itemText(i) for i in range(rows.count())] == [
        "one per layer",
        "one per time point (T)",
    ]
    rows.setCurrentIndex(1)
    dock.chooser.layerList.setLayers([layers["noisy"]])
    dock.setDataRange(200)
    finish(dock.view(NumbersPage).runBar)
    found = dock.view(NumbersPage).table.rows()
    assert [row["part"] for row in found] == ["T 0", "T 1"]
    clean, noisy = layers["clean"].data, layers["noisy"].data
    assert found[1]["psnr_db"] == pytest.approx(psnr(clean[1], noisy[1], data_range=200))


def test_rows_can_be_single_planes_of_longer_stacks(dock):
    numbers = dock.view(NumbersPage)
    numbers.setAxes("TC")
    assert numbers.rowsBox.itemData(3) == EACH_PLANE
    assert numbers.rowsBox.isVisibleTo(numbers)
    numbers.setAxes("")
    assert not numbers.rowsBox.isVisibleTo(numbers)


def test_what_is_not_shown_is_not_measured(dock, finish):
    table = dock.view(NumbersPage).table
    table.setShownColumns(["layer", "psnr_db", "micro_ssim", "resolution_um", "j_invariant_loss"])
    finish(dock.view(NumbersPage).runBar)
    rows = {row["layer"]: row for row in table.rows()}
    assert rows["blurred"]["j_invariant_loss"] > rows["noisy · Gaussian"]["j_invariant_loss"] > 0
    assert rows["blurred"]["resolution_um"] > 0.3
    assert rows["noisy"]["j_invariant_loss"] is None
    assert {row["checkerboard"] for row in rows.values()} == {None}
    assert rows["noisy · Gaussian"]["micro_ssim"] > rows["noisy"]["micro_ssim"]
    table.setShownColumns(["layer", "psnr_db"])
    finish(dock.view(NumbersPage).runBar)
    assert np.isnan(table.rows()[-1]["micro_ssim"])


def test_a_layer_with_other_pixels_cannot_be_ticked_and_says_why(dock, viewer, layers):
    other = {**GEOMETRY, "scale": (1, 0.3, 0.1)}
    viewer.add_image(layers["clean"].data, name="other", **other)
    assert "other" not in [layer.name for layer in dock.chooser.layers()]
    assert "0.3 µm along Y, one of clean 0.2 µm" in dock.chooser.layerList.item(4).toolTip()


def add_maps(dock, finish, *kinds):
    dock.view(MapsPage).setKinds(kinds)
    return finish(dock.view(MapsPage).runBar)


def test_maps_lie_where_their_layer_lies(dock, viewer, layers, finish):
    dock.chooser.layerList.setLayers([layers["blurred"]])
    assert add_maps(dock, finish, MapKind.DIFFERENCE, MapKind.SSIM) == ""
    difference, similarity = viewer.layers["blurred · difference"], viewer.layers["blurred · SSIM"]
    expected = layers["blurred"].data - layers["clean"].data
    np.testing.assert_allclose(difference.data, expected, atol=1e-3)
    for layer in (difference, similarity):
        assert tuple(layer.scale) == (1, 0.2, 0.1)
        assert tuple(layer.translate) == (0, 5, 0)
        assert [str(unit) for unit in layer.units] == list(GEOMETRY["units"])
    assert tuple(similarity.contrast_limits) == (0, 1)
    recipe = recipe_of(difference.metadata)
    assert (recipe.operation, recipe.settings["other"], recipe.source) == (
        "compare",
        "clean",
        "blurred",
    )
    assert recipe.previous.operation == "denoise"


def test_differences_share_one_contrast_with_zero_in_its_middle(dock, viewer, finish):
    add_maps(dock, finish, MapKind.DIFFERENCE)
    maps = [layer for layer in viewer.layers if layer.name.endswith("· difference")]
    assert len(maps) == 3
    limits = {tuple(layer.contrast_limits) for layer in maps}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low == -high < 0
    np.testing.assert_allclose(maps[0].colormap.map(0.5)[0, :3], 0, atol=0.02)


def test_maps_are_not_compared_themselves(dock, viewer, finish):
    before = dock.chooser.layers()
    add_maps(dock, finish, MapKind.RESIDUAL, MapKind.ERROR)
    assert len(viewer.layers) == 4 + 2 + 3  # the noisy image has no residual
    assert dock.chooser.layers() == before


def test_maps_without_their_companion_are_greyed_out(dock, finish):
    dock.setReference(None)
    boxes = {kind: dock.view(MapsPage).box(kind) for kind in MapKind}
    assert [kind for kind, box in boxes.items() if box.isEnabled()] == [MapKind.RESIDUAL]
    assert boxes[MapKind.SSIM].toolTip() == "Choose a reference first."
    assert "No map is ticked" in add_maps(dock, finish, MapKind.DIFFERENCE)


def test_scores_are_plotted_along_the_film_for_each_layer(dock, layers, finish):
    dock.setDataRange(200)
    finish(dock.view(NumbersPage).runBar)
    chart = dock.view(ScorePlot).plot.value()
    assert [series.name for series in chart.series] == ["noisy", "noisy · Gaussian", "blurred"]
    clean, noisy = layers["clean"].data, layers["noisy"].data
    expected = [psnr(*frames, data_range=200) for frames in zip(clean, noisy, strict=True)]
    np.testing.assert_allclose(chart.series[0].y, expected)
    dock.view(ScorePlot).scoreBox.setCurrentIndex(1)
    assert dock.view(ScorePlot).plot.value().y_label == "SSIM"
    assert max(dock.view(ScorePlot).plot.value().series[0].y) <= 1


def test_the_resolution_of_the_shown_frame_is_told_in_micrometers(dock, viewer, layers, finish):
    viewer.dims.set_current_step(0, 1)
    assert finish(dock.view(ResolutionPlot).runBar) == ""
    chart = dock.view(ResolutionPlot).plot.value()
    planes = layers["clean"].data[1], layers["blurred"].data[1]
    expected = run(fourier_correlation_job(*planes, pixel_size_um=(0.2, 0.1)))
    np.testing.assert_allclose(chart.series[2].y, expected.correlation)
    assert chart.x_label == "spatial frequency (1/µm)"
    assert f"blurred: {expected.resolution_um:.3g} µm" in dock.view(ResolutionPlot).text()


def test_without_a_reference_only_raw_layers_have_a_resolution(dock, layers, finish):
    dock.setReference(None)
    assert finish(dock.view(ResolutionPlot).runBar) == ""
    names = [series.name for series in dock.view(ResolutionPlot).plot.value().series]
    assert names == ["clean", "noisy"]
    dock.chooser.layerList.setLayers([layers["blurred"]])
    assert "tick a raw layer" in finish(dock.view(ResolutionPlot).runBar)


@pytest.fixture
def profile(qtbot, dock):
    """The profile, as it follows the line."""
    dock.showView(ProfilePlot)
    dock.show()

    def series(name, is_there=lambda _series: True):
        def find():
            found = {s.name: s for s in dock.view(ProfilePlot).plot.value().series}
            return name in found and is_there(found[name])

        qtbot.waitUntil(find, timeout=10_000)
        qtbot.waitUntil(lambda: not dock.view(ProfilePlot).is_reading)
        return next(s for s in dock.view(ProfilePlot).plot.value().series if s.name == name)

    return series


def test_a_profile_runs_along_the_line_in_micrometers(dock, viewer, layers, profile):
    dock.view(ProfilePlot).drawButton.click()
    line = viewer.layers[-1]
    assert (line.name, line.mode) == ("Profile line", "add_line")
    line.add_lines([[0, 10, 4], [0, 10, 24]])
    found = profile("clean")
    np.testing.assert_allclose(found.x, np.arange(21) * 0.1)
    np.testing.assert_allclose(found.y, layers["clean"].data[0, 10, 4:25], rtol=1e-5)
    assert dock.view(ProfilePlot).plot.value().x_label == "distance (µm)"


def test_a_profile_follows_the_line_and_the_slider(viewer, layers, profile):
    line = viewer.add_shapes([[[5 + 2, 0.4], [5 + 2, 2.4]]], shape_type="line")
    profile("clean", lambda s: np.allclose(s.y, layers["clean"].data[0, 10, 4:25]))
    line.data = [[[5 + 4, 0.4], [5 + 4, 2.4]]]
    profile("clean", lambda s: np.allclose(s.y, layers["clean"].data[0, 20, 4:25]))
    viewer.dims.set_current_step(0, 1)
    profile("clean", lambda s: np.allclose(s.y, layers["clean"].data[1, 20, 4:25]))


def test_a_profile_has_a_gap_outside_the_image(viewer, profile):
    viewer.add_shapes([[[5 + 2, -1.0], [5 + 2, 1.0]]], shape_type="line")
    values = np.asarray(profile("clean").y)
    assert np.isnan(values[:10]).all()
    assert np.isfinite(values[10:]).all()


def test_the_selected_line_is_followed_else_the_last(viewer, layers, profile):
    lines = [[[5 + 0.2 * row, 0.4], [5 + 0.2 * row, 2.4]] for row in (10, 20)]
    shapes = viewer.add_shapes(lines, shape_type="line")
    profile("clean", lambda s: np.allclose(s.y, layers["clean"].data[0, 20, 4:25]))
    shapes.selected_data = {0}
    profile("clean", lambda s: np.allclose(s.y, layers["clean"].data[0, 10, 4:25]))


def test_a_profile_in_3d_is_refused_in_words(qtbot, dock, viewer, profile):
    viewer.add_shapes([[[7, 0.4], [7, 2.4]]], shape_type="line")
    profile("clean")
    viewer.dims.ndisplay = 3
    view = dock.view(ProfilePlot)
    qtbot.waitUntil(lambda: "Switch the viewer to 2D" in view.text(), timeout=10_000)


def test_a_closed_dock_follows_nothing_any_more(qtbot, dock, viewer, profile):
    viewer.add_shapes([[[7, 0.4], [7, 2.4]]], shape_type="line")
    profile("clean")
    dock.close()
    before = dock.view(ProfilePlot).plot.value()
    shapes = next(layer for layer in viewer.layers if isinstance(layer, Shapes))
    shapes.data = [[[9, 0.4], [9, 2.4]]]
    viewer.dims.set_current_step(0, 1)
    qtbot.wait(200)
    assert dock.view(ProfilePlot).plot.value() is before
    assert not dock.view(ProfilePlot).is_reading
