"""Tiles at work: told as they are written, cut smaller where memory runs out."""

from typing import Literal

import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import OutOfMemoryError
from napari_denoise.core.progress import Notice, Progress, run
from napari_denoise.core.tiling import TileDone
from napari_denoise.filters.base import Filter


class Hungry(Filter):
    """A blur that takes more memory than there is on tiles of more than so many pixels."""

    title = "Hungry"
    kind = "filter"
    is_threaded = False
    name: Literal["hungry"] = "hungry"
    limit: int = 10**9

    def denoise_tile(self, tile):
        yield Progress(fraction=0.5)
        if tile.size > self.limit:
            raise OutOfMemoryError("There is no memory left. Close other programs.")
        return np.stack([ndimage.uniform_filter(channel, 5, mode="nearest") for channel in tile])

    def halo(self, n_spatial):
        return (3,) * n_spatial

    def alignment(self, n_spatial):
        return (2,) * n_spatial

    def tile_size(self, extents):
        return (20,) * len(extents)


@pytest.mark.parametrize(("axes", "shape"), [("YX", (50, 37)), ("ZYX", (9, 30, 21))])
def test_a_tile_that_is_too_much_for_memory_is_halved_and_the_result_is_the_same(axes, shape, rng):
    image, layout = rng.normal(size=shape), Layout(axes, axes)
    limit = {"YX": 300, "ZYX": 2000}[axes]
    whole, seen = run(denoise_job(Hungry(), image, layout)).image.pixels, []
    halved = run(denoise_job(Hungry(limit=limit), image, layout), seen.append).image.pixels
    np.testing.assert_allclose(halved, whole, rtol=1e-6)
    notices = [event.message for event in seen if isinstance(event, Notice)]
    assert notices
    assert "it goes on with tiles half as large" in notices[0]


def test_tiles_after_the_one_that_was_too_much_are_cut_before_they_fail(rng):
    n_failures, n_tiles = [], []

    class Counting(Hungry):
        def denoise_tile(self, tile):
            n_tiles.append(tile.size)
            n_failures.extend([1] * (tile.size > self.limit))
            return (yield from super().denoise_tile(tile))

    run(denoise_job(Counting(limit=350), rng.normal(size=(6, 30, 30)), Layout("ZYX")))
    assert len(n_failures) == 1
    assert len(n_tiles) > 6 * 4


def test_where_even_the_smallest_tile_is_too_much_the_error_is_told(rng):
    with pytest.raises(OutOfMemoryError, match="no memory left"):
        run(denoise_job(Hungry(limit=1), rng.normal(size=(20, 20)), Layout("YX")))


@pytest.mark.parametrize(
    ("axes", "spatial", "channels"),
    [("YX", "YX", "independent"), ("TXCY", "YX", "joint"), ("ZCYX", "ZYX", "independent")],
)
def test_each_tile_is_told_when_it_has_been_written(axes, spatial, channels, rng):
    image = rng.normal(size=[{"C": 2, "T": 2, "Z": 22, "Y": 41, "X": 9}[axis] for axis in axes])
    out, told = np.full(image.shape, np.nan, np.float32), np.zeros(image.shape, int)
    job = denoise_job(Hungry(), image, Layout(axes, spatial, channels), out=out)
    for event in job:
        if isinstance(event, TileDone):
            assert event.image is out
            assert not np.isnan(out[event.region]).any()
            told[event.region] += 1
    assert (told == 1).all()
