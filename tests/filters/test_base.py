"""The noise level that filters take as their unit."""

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import run
from napari_denoise.filters import Bilateral
from napari_denoise.filters.base import noise_level_job


def measure(image, layout):
    return run(noise_level_job(image, layout, list(layout.units(image.shape))))


@pytest.mark.parametrize(
    ("axes", "spatial", "shape"),
    [("YX", "YX", (300, 200)), ("TYX", "YX", (30, 90, 80)), ("XYZ", "ZYX", (150, 160, 3))],
)
def test_the_noise_level_of_structure_with_noise_is_that_of_the_noise(axes, spatial, shape, rng):
    clean = 500.0 * (ndimage.gaussian_filter(rng.normal(0, 1, shape), 8) > 0)
    assert measure(clean + rng.normal(0, 20, shape), Layout(axes, spatial)) == pytest.approx(
        20, rel=0.1
    )


def test_only_a_few_planes_of_a_long_film_are_read():
    read = []

    def block(block_info=None):
        read.append(block_info[None]["array-location"])
        return np.ones((1, 8, 8), np.uint16)

    film = da.map_blocks(
        block, chunks=((1,) * 1000, (8,), (8,)), dtype=np.uint16, meta=np.empty((0,), np.uint16)
    )
    read.clear()
    assert measure(film, Layout("TYX")) == 0
    assert len(read) == 8


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (40, 40)])
def test_an_image_without_noise_comes_back_as_it_is(shape):
    image = np.full(shape, 7.0, np.float32)
    np.testing.assert_array_equal(
        run(denoise_job(Bilateral(), image, Layout("YX"))).image.pixels, image
    )


def test_each_channel_is_measured_on_its_own(rng):
    one = rng.normal(size=(40, 40)).astype(np.float32)
    both = run(denoise_job(Bilateral(), np.stack([one, 1000 * one]), Layout("CYX"))).image.pixels
    np.testing.assert_allclose(both[1], 1000 * both[0], rtol=1e-3, atol=1e-2)


def test_a_given_noise_level_is_not_measured(rng):
    image = rng.normal(size=(40, 40)).astype(np.float32)
    layout = Layout("YX")
    given = Bilateral(noise_sigma=1.0)
    assert run(given.fitted(image, layout, [])) is given
    weak = run(denoise_job(Bilateral(noise_sigma=0.01), image, layout)).image.pixels
    strong = run(denoise_job(given, image, layout)).image.pixels
    assert strong.std() < 0.5 < weak.std()


def test_a_single_tile_can_be_denoised_without_being_fitted(rng):
    tile = rng.normal(size=(1, 30, 30)).astype(np.float32)
    assert run(Bilateral().denoise_tile(tile)).std() < 0.7
