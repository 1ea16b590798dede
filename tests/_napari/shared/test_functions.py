"""Functions from layer to layer, by themselves and as widgets."""

import subprocess
import sys

import numpy as np
import pytest
from magicgui import magicgui
from napari.layers import Image

import napari_denoise as nd
from napari_denoise._napari.shared.layers import recipe_of
from napari_denoise.registry import denoisers


@pytest.fixture
def layer(rng):
    pixels = rng.poisson(np.linspace(50, 150, 40), (2, 40, 40)).astype(np.float32)
    return Image(pixels, name="cells", scale=(2, 1, 1), colormap="magenta")


def test_a_layer_is_denoised_as_a_script_would_and_nothing_happens_to_it(layer):
    before = layer.data.copy()
    result = nd.denoise_layer(layer, "median")
    np.testing.assert_array_equal(result.data, nd.denoise(before, "median", axes="ZYX").pixels)
    np.testing.assert_array_equal(layer.data, before)
    assert result.name == "cells · Median"
    assert result.colormap.name == "magenta"
    np.testing.assert_allclose(result.scale, layer.scale)
    assert recipe_of(result.metadata).source == "cells"


def test_a_method_that_expects_even_noise_is_stabilized_as_elsewhere(layer):
    result = nd.denoise_layer(layer, nd.BM3D())
    expected = nd.denoise(layer.data, "bm3d", axes="ZYX").pixels
    np.testing.assert_array_equal(result.data, expected)


def test_noise_is_added_to_a_layer(layer):
    first, again = (nd.add_noise_to_layer(layer, nd.PoissonNoise(photons=5), 3) for _ in range(2))
    np.testing.assert_array_equal(first.data, again.data)
    assert first.name == "cells · Poisson noise"
    assert recipe_of(first.metadata).seed == 3
    assert first.data.std() > 2 * layer.data.std()


def median(layer: Image, size: int = 3) -> Image:
    """What a user would write."""
    return nd.denoise_layer(layer, nd.Median(size=size))


@pytest.mark.gui
def test_magicgui_makes_docks_of_them_that_follow_the_layers(make_napari_viewer, layer):
    viewer = make_napari_viewer()
    viewer.add_layer(layer)
    denoise = magicgui(nd.denoise_layer)
    viewer.window.add_dock_widget(denoise)
    assert denoise.method.choices == tuple(cls.tag() for cls in denoisers())
    assert denoise.layer.value is layer
    denoise.method.value = "gaussian"
    denoise()
    assert viewer.layers[-1].name == "cells · Gaussian"
    assert viewer.layers[-1] in denoise.layer.choices
    own = magicgui(median)
    viewer.window.add_dock_widget(own)
    own.layer.value, own.size.value = layer, 5
    own()
    assert recipe_of(viewer.layers[-1].metadata).settings["size"] == 5
    noise = magicgui(nd.add_noise_to_layer)
    viewer.window.add_dock_widget(noise)
    noise.layer.value = layer
    noise()
    assert "noise" in viewer.layers[-1].name


def test_their_module_costs_no_napari():
    code = "import sys, napari_denoise as nd; nd.denoise_layer; sys.exit('napari' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
