"""Crops to try settings on: where there is something to see, and not too many of them."""

import numpy as np
import pytest

from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import run
from napari_denoise.filters.tuning.crops import choose_crops_job


def choose(image, layout, **more):
    return run(choose_crops_job(image, layout, list(layout.units(image.shape)), **more))


def test_the_first_crop_is_where_the_structure_is(rng):
    image = rng.normal(0, 1, (600, 1100)).astype(np.float32)
    image[300:500, 800:1000] += 50
    crops = choose(image, Layout("YX"))
    rows, columns = crops[0].window
    assert rows.start < 400 < rows.stop
    assert columns.start < 900 < columns.stop
    np.testing.assert_array_equal(crops[0].pixels[0], image[rows, columns])


@pytest.mark.parametrize(
    ("axes", "spatial", "shape", "size"),
    [
        ("YX", "YX", (40, 300), (1, 40, 256)),
        ("TCYX", "YX", (3, 1, 256, 256), (1, 256, 256)),
        ("ZYX", "ZYX", (20, 128, 100), (1, 8, 96, 96)),
        ("ZYX", "ZYX", (3, 50, 50), (1, 3, 50, 50)),
    ],
)
def test_crops_fit_into_every_shape(axes, spatial, shape, size, rng):
    crops = choose(rng.normal(size=shape), Layout(axes, spatial))
    assert {crop.pixels.shape for crop in crops} == {size}
    assert len({str((crop.unit, crop.window)) for crop in crops}) == len(crops) <= 4


def test_little_of_a_long_stack_is_read():
    class Stack:
        shape, dtype = (500, 512, 512), np.dtype(np.uint16)
        n_pixels = 0

        def __getitem__(self, index):
            pixels = np.zeros(self.shape[1:], self.dtype)[index[1:]]
            Stack.n_pixels += pixels.size
            return pixels

    assert len(choose(Stack(), Layout("TYX"))) == 4
    assert Stack.n_pixels <= 24 * 256**2


def test_a_pixel_that_is_no_number_is_refused(rng):
    image = rng.normal(size=(64, 64))
    image[3, 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        choose(image, Layout("YX"))
