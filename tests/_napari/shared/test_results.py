"""Results as layers beside their source."""

import numpy as np
import pytest
from napari.layers import Image

from napari_denoise._napari.shared.layers import read_layer, recipe_of
from napari_denoise._napari.shared.results import (
    clipped_in_words,
    is_preview,
    preview_layer,
    result_layer,
)
from napari_denoise.core.recipe import Recipe
from napari_denoise.filters import Gaussian

AXES = ["YX", "ZYX", "TYX", "TZCYX"]
RECIPE = Recipe.of("denoise", Gaussian(sigma=2.0))


def result_of(layer, pixels=None, *, label="Gaussian"):
    """What a dock makes of a layer and what a job returned."""
    image = read_layer(layer)
    recipe = RECIPE.model_copy(update={"source": image.name, "previous": image.recipe})
    result = image.with_pixels(image.pixels if pixels is None else pixels, recipe=recipe)
    return result_layer(layer, result, label=label)


@pytest.fixture(params=AXES)
def layer(request):
    axes = request.param
    n = len(axes)
    shape = (2, 3, 2, 12, 16)[-n:]
    return Image(
        np.arange(np.prod(shape), dtype=np.uint16).reshape(shape),
        name="cells",
        axis_labels=[letter.lower() for letter in axes],
        units=[
            "second" if letter == "T" else "pixel" if letter == "C" else "um" for letter in axes
        ],
        scale=[2.0, 0.3, 1.0, 0.1, 0.1][-n:],
        translate=np.arange(n) + 5.0,
        rotate=30,
        shear=[0.1] * (n * (n - 1) // 2),
        affine=np.diag([*np.arange(1.0, n + 1), 1.0]),
        colormap="magenta",
        gamma=0.7,
        blending="additive",
        contrast_limits=(3, 40),
        metadata={"other": 1},
    )


@pytest.fixture
def result(layer):
    return result_of(layer, np.zeros(layer.data.shape, np.float32))


@pytest.mark.parametrize("attribute", ["scale", "translate", "rotate", "shear"])
def test_a_result_lies_where_its_source_lies(layer, result, attribute):
    np.testing.assert_allclose(getattr(result, attribute), getattr(layer, attribute), atol=1e-12)


def test_a_result_has_the_affine_of_its_source(layer, result):
    np.testing.assert_allclose(result.affine.affine_matrix, layer.affine.affine_matrix)


def test_a_pixel_of_a_result_is_at_the_same_place_in_the_world(layer, result):
    corner = tuple(size - 1 for size in layer.data.shape)
    np.testing.assert_allclose(result.data_to_world(corner), layer.data_to_world(corner))


@pytest.mark.parametrize(
    "attribute",
    ["units", "axis_labels", "gamma", "blending", "contrast_limits", "contrast_limits_range"],
)
def test_a_result_looks_like_its_source(layer, result, attribute):
    assert getattr(result, attribute) == getattr(layer, attribute)


def test_a_result_has_the_colormap_of_its_source(result):
    assert result.colormap.name == "magenta"


def test_a_result_is_named_after_its_source_and_what_was_done(result):
    assert result.name == "cells · Gaussian"


def test_a_result_carries_its_recipe(result):
    recipe = recipe_of(result.metadata)
    assert recipe.settings == {"name": "gaussian", "sigma": 2.0}
    assert recipe.source == "cells"
    assert recipe.previous is None


def test_several_results_get_a_slider_and_lie_where_their_source_lies(layer):
    pixels = np.zeros((4, *layer.data.shape), np.float32)
    several = result_of(layer, pixels, label="samples")
    corner = tuple(size - 1 for size in layer.data.shape)
    np.testing.assert_allclose(several.data_to_world((3, *corner))[1:], layer.data_to_world(corner))
    assert several.data_to_world((3, *corner))[0] == 3
    assert several.units[1:] == layer.units
    assert read_layer(several).axes == "S" + read_layer(layer).axes


def test_a_result_of_a_result_carries_both_recipes(result):
    again = result_of(result, label="Median")
    sources = [step.source for step in recipe_of(again.metadata).steps()]
    assert sources == ["cells", "cells · Gaussian"]


def test_a_result_takes_colours_that_were_changed_while_the_job_ran(layer):
    image = read_layer(layer)
    layer.contrast_limits = (7, 9)
    result = result_layer(layer, image, label="Gaussian")
    assert tuple(result.contrast_limits) == (7, 9)


def test_a_result_of_a_layer_that_got_other_data_meanwhile_lies_where_the_image_was():
    layer = Image(np.zeros((4, 12, 16)), name="cells", scale=(2, 0.5, 0.5), translate=(1, 2, 3))
    image = read_layer(layer)
    layer.data = np.zeros((12, 16))
    result = result_layer(layer, image, label="Gaussian")
    np.testing.assert_allclose(result.scale, (2, 0.5, 0.5))
    np.testing.assert_allclose(result.translate, (1, 2, 3))
    assert read_layer(result).axes == "ZYX"


def test_a_result_shows_if_its_source_was_removed(layer, viewer):
    viewer.add_layer(layer)
    image = read_layer(layer)
    viewer.layers.clear()
    viewer.add_layer(result_layer(layer, image, label="Gaussian"))
    assert [layer.name for layer in viewer.layers] == ["cells · Gaussian"]


def test_a_second_result_gets_a_number_and_replaces_nothing(layer, viewer):
    viewer.add_layer(layer)
    for _ in range(2):
        viewer.add_layer(result_of(layer))
    assert [a.name for a in viewer.layers] == ["cells", "cells · Gaussian", "cells · Gaussian [1]"]


def test_a_result_whose_last_axis_has_three_pixels_is_no_rgb_picture():
    source = Image(np.zeros((40, 50, 3), np.uint8), rgb=False)
    assert not result_of(source).rgb


def test_clipped_pixels_are_said_and_none_is_not():
    assert clipped_in_words(0, "uint8") == ""
    assert clipped_in_words(1, "uint8").startswith("1 pixel was")
    assert clipped_in_words(1234, "uint8").startswith("1,234 pixels were")


def test_a_preview_lies_where_its_source_has_the_plane(layer):
    image = read_layer(layer)
    place = {a: n - 1 for a, n in image.sizes.items() if a not in "YX"}
    preview = preview_layer(layer, image, np.ones((12, 16)), place)
    assert preview.data.shape == (1,) * len(place) + (12, 16)
    for corner in ((0, 0), (11, 15)):
        here = preview.data_to_world((0,) * len(place) + corner)
        np.testing.assert_allclose(here, layer.data_to_world((*place.values(), *corner)))
    assert preview.name == "cells · preview"
    assert preview.contrast_limits == layer.contrast_limits
    assert is_preview(preview)
    assert not is_preview(layer)


def test_a_preview_of_transposed_planes_is_transposed():
    layer = Image(np.zeros((16, 2, 12)), axis_labels=("x", "z", "y"))
    plane = np.arange(12 * 16).reshape(12, 16)
    preview = preview_layer(layer, read_layer(layer), plane, {"Z": 1})
    np.testing.assert_array_equal(preview.data[:, 0], plane.T)
    np.testing.assert_allclose(preview.translate, [0, 1, 0])
