"""A scene with its noisy version and what a filter made of it, as calibrated images."""

import numpy as np
import pytest

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.image import Image
from napari_denoise.core.progress import run
from napari_denoise.core.recipe import Recipe
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.filters import Gaussian

CALIBRATED = {"scale": (0.1, 0.1), "units": ("micrometer", "micrometer")}


@pytest.fixture(scope="session")
def clean():
    pixels = scene((192, 192), rng=np.random.default_rng(4)) * 200 + 20
    return Image(pixels.astype(np.float32), "YX", **CALIBRATED, name="clean")


@pytest.fixture(scope="session")
def noisy(clean):
    rng = np.random.default_rng(0)
    pixels = 4 * rng.poisson(clean.pixels / 4)
    return Image(pixels.astype(np.float32), "YX", **CALIBRATED, name="noisy")


@pytest.fixture(scope="session")
def denoised(noisy):
    method, layout = Gaussian(sigma=1.0), Layout("YX")
    pixels = run(denoise_job(method, noisy.pixels, layout)).image.pixels
    recipe = Recipe.of("denoise", method, layout, source="noisy")
    return Image(pixels, "YX", **CALIBRATED, name="denoised", recipe=recipe)
