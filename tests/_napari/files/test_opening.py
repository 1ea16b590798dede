"""Files to layers and back, with all they say."""

import numpy as np
import pytest
from napari import layers as napari_layers

from napari_denoise._napari.files import sample_data
from napari_denoise._napari.files.open_widget import OpenDialog, in_words
from napari_denoise._napari.files.opening import contrast_limits, image_of, layers_of
from napari_denoise._napari.files.writer import write_image_layer, write_image_layers
from napari_denoise._napari.shared.layers import recipe_of
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import METADATA_KEY, Recipe
from napari_denoise.data.samples import PUBLIC, SAMPLES
from napari_denoise.filters import Gaussian
from napari_denoise.io.images import read_image, write_image

RECIPE = Recipe.of("denoise", Gaussian())


@pytest.fixture
def film(tmp_path, rng):
    """A film in two channels with calibration, in a file."""
    path = tmp_path / "film.ome.tif"
    film = Image(
        rng.integers(0, 4096, (3, 2, 16, 24)).astype(np.uint16),
        "TCYX",
        scale=(2.0, 1.0, 0.1, 0.1),
        units=("second", "pixel", "micrometer", "micrometer"),
        channel_names=("DAPI", "GFP"),
        recipe=RECIPE,
    )
    write_image(path, film)
    return path


def test_channels_become_layers_with_their_names_scale_units_and_labels(film):
    layers = layers_of(read_image(film))
    assert [layer.name for layer in layers] == ["film DAPI", "film GFP"]
    for layer in layers:
        np.testing.assert_allclose(layer.scale, (2.0, 0.1, 0.1))
        assert [str(unit) for unit in layer.units] == ["second", "micrometer", "micrometer"]
        assert layer.axis_labels == ("t", "y", "x")
        assert recipe_of(layer.metadata) == RECIPE
        assert not layer.rgb
    assert layers[0].colormap.name != layers[1].colormap.name


def test_pixels_of_an_opened_file_stay_lazy(film):
    (layer, _) = layers_of(read_image(film))
    assert hasattr(layer.data, "dask")


def test_contrast_shows_all_but_the_brightest_pixels():
    pixels = np.zeros((1, 100, 100))
    pixels[0, 0, 0] = 1e6
    pixels[0, 0, 1:50] = 10
    assert contrast_limits(pixels)[1] < 20


@pytest.mark.parametrize("value", [7.0, np.nan])
def test_a_constant_or_broken_image_still_has_contrast_limits(value):
    low, high = contrast_limits(np.full((4, 4), value))
    assert high > low


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_contrast_slider_goes_beyond_what_is_shown(dtype, rng):
    pixels = rng.uniform(0, 200, (32, 32)).astype(dtype)
    (layer,) = layers_of(Image(pixels, "YX", name="a"))
    first, last = layer.contrast_limits_range
    low, high = layer.contrast_limits
    assert first <= low < high < last


def test_what_was_opened_is_written_back_the_same(film, tmp_path):
    layers = [layer.as_layer_data_tuple() for layer in layers_of(read_image(film))]
    path = tmp_path / "copy.ome.tif"
    assert write_image_layers(str(path), layers) == [str(path)]
    before, after = read_image(film), read_image(path)
    np.testing.assert_array_equal(before.pixels, after.pixels)
    assert (after.axes, after.scale, after.units) == (before.axes, before.scale, before.units)
    assert after.channel_names == ("film DAPI", "film GFP")
    assert after.recipe == RECIPE


def test_where_a_mirrored_layer_lies_is_written_and_opened_again(tmp_path):
    layer = napari_layers.Image(
        np.zeros((8, 8), np.uint8), scale=(-0.5, 0.5), translate=(4, 3), units=("um", "um")
    )
    path = tmp_path / "moved.ome.tif"
    write_image_layer(str(path), *layer.as_layer_data_tuple()[:2])
    (opened,) = layers_of(read_image(path))
    np.testing.assert_allclose(opened.scale, (0.5, 0.5))
    np.testing.assert_allclose(opened.translate, (4, 3))


def test_one_layer_is_written_with_scale_units_and_recipe(tmp_path):
    layer = napari_layers.Image(
        np.arange(60, dtype=np.float32).reshape(3, 4, 5),
        axis_labels=("z", "y", "x"),
        scale=(2, 0.5, 0.5),
        units=("um",) * 3,
        metadata={METADATA_KEY: RECIPE.model_dump(mode="json")},
    )
    path = tmp_path / "stack.ome.tif"
    write_image_layer(str(path), *layer.as_layer_data_tuple()[:2])
    image = read_image(path)
    np.testing.assert_array_equal(image.pixels, layer.data)
    assert image.axes == "ZYX"
    assert image.scale == (2.0, 0.5, 0.5)
    assert image.units == ("micrometer",) * 3
    assert image.recipe == RECIPE


def test_an_rgb_picture_and_a_pyramid_are_written(tmp_path):
    picture = napari_layers.Image(np.zeros((40, 50, 3), np.uint8), rgb=True)
    path = tmp_path / "picture.ome.tif"
    write_image_layer(str(path), *picture.as_layer_data_tuple()[:2])
    assert read_image(path).sizes == {"Y": 40, "X": 50, "C": 3}
    levels = [np.zeros((64, 64), np.uint8), np.zeros((32, 32), np.uint8)]
    pyramid = napari_layers.Image(levels, multiscale=True)
    write_image_layer(str(path), *pyramid.as_layer_data_tuple()[:2])
    assert read_image(path).sizes == {"Y": 64, "X": 64}


def test_layers_that_differ_in_shape_are_no_channels():
    with pytest.raises(InputError, match="differ in shape"):
        image_of([(np.zeros((4, 5)), {"name": "a"}), (np.zeros((4, 6)), {"name": "b"})], "x")


def test_layers_that_have_channels_cannot_become_channels():
    layer = (np.zeros((2, 4, 5)), {"axis_labels": ("c", "y", "x")})
    with pytest.raises(InputError, match="channel axis"):
        image_of([layer, layer], "x")


@pytest.fixture
def dialog(qtbot, viewer):
    dialog = OpenDialog(viewer)
    qtbot.addWidget(dialog)
    return dialog


def test_the_dialog_says_what_a_file_holds_and_opens_it(dialog, viewer, film):
    dialog.setPath(film)
    assert dialog.axesEdit.text() == "TCYX"
    assert "T 3 × C 2 × Y 16 × X 24, uint16" in dialog.summaryText()
    assert "DAPI, GFP" in dialog.summaryText()
    dialog.accept()
    assert [layer.name for layer in viewer.layers] == ["film DAPI", "film GFP"]
    assert dialog.result() == dialog.DialogCode.Accepted


def test_axes_can_be_corrected_before_opening(dialog, viewer, film):
    dialog.setPath(film)
    dialog.axesEdit.setText("CTYX")
    dialog.axesEdit.textEdited.emit("CTYX")
    dialog.accept()
    assert len(viewer.layers) == 3


@pytest.mark.parametrize("axes", ["TCY", "TCYQ"])
def test_axes_that_do_not_fit_cannot_be_opened(dialog, viewer, film, axes):
    dialog.setPath(film)
    dialog.axesEdit.setText(axes)
    dialog.axesEdit.textEdited.emit(axes)
    dialog.accept()
    assert axes in dialog.summaryText()
    assert len(viewer.layers) == 0


def test_a_missing_file_is_reported_in_the_dialog(dialog, tmp_path):
    dialog.pathEdit.setText(str(tmp_path / "missing.tif"))
    dialog.pathEdit.editingFinished.emit()
    assert "There is no file" in dialog.summaryText()


def test_a_file_that_breaks_while_it_is_read_keeps_the_dialog_open(
    dialog, viewer, film, monkeypatch
):
    def fail(image):
        raise InputError("The file is damaged.")

    monkeypatch.setattr("napari_denoise._napari.files.open_widget.layers_of", fail)
    dialog.setPath(film)
    dialog.accept()
    assert dialog.summaryText() == "The file is damaged."
    assert len(viewer.layers) == 0


def test_files_and_folders_are_chosen_by_dialogs(dialog, film, monkeypatch, tmp_path):
    dialogs = "qtpy.QtWidgets.QFileDialog."
    monkeypatch.setattr(dialogs + "getOpenFileName", lambda *args: (str(film), ""))
    dialog.chooseFile()
    assert dialog.pathEdit.text() == str(film)
    monkeypatch.setattr(dialogs + "getExistingDirectory", lambda *args: str(tmp_path))
    dialog.chooseFolder()
    assert dialog.pathEdit.text() == str(tmp_path)


def test_an_image_without_scale_says_so():
    assert "Scale: not stated" in in_words(Image(np.zeros((4, 5)), "YX"))


@pytest.mark.parametrize("name", ["cells", "channels"])
def test_samples_come_noisy_and_clean_in_one_contrast(name):
    layers = [napari_layers.Image(data, **meta) for data, meta, _ in getattr(sample_data, name)()]
    half = len(layers) // 2
    for clean, noisy in zip(layers[:half], layers[half:], strict=True):
        assert clean.contrast_limits == noisy.contrast_limits
        assert "clean" in clean.name
        assert "noisy" in noisy.name


def test_every_sample_has_its_function():
    assert set(sample_data.__all__) == {*SAMPLES, *PUBLIC}


@pytest.mark.parametrize("name", [*PUBLIC])
def test_public_images_are_fetched_when_asked_for(name, monkeypatch):
    def fetch(asked):
        return Image(np.zeros((8, 8)), "YX", name=asked)

    monkeypatch.setattr(sample_data, "fetch_public", fetch)
    ((_, attributes, kind),) = getattr(sample_data, name)()
    assert (attributes["name"], kind) == (name, "image")


@pytest.mark.parametrize("name", ["volume", "timelapse"])
def test_other_samples_ask_for_theirs(name, monkeypatch):
    def make(asked):
        return tuple(
            Image(np.eye(8), "YX", name=f"{asked} ({kind})") for kind in ("noisy", "clean")
        )

    monkeypatch.setattr(sample_data, "make_sample", make)
    clean, noisy = getattr(sample_data, name)()
    assert clean[1]["name"] == f"{name} (clean)"
    assert noisy[1]["name"] == f"{name} (noisy)"
