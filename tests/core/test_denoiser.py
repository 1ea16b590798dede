"""Any denoiser on any image: axes, tiles, laziness, dtype, cancel."""

from typing import Literal

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Session, denoise_job
from napari_denoise.core.errors import AxesError, InputError, SettingsError
from napari_denoise.core.progress import Progress, run
from napari_denoise.filters import Gaussian
from napari_denoise.filters.base import Filter


class Doubling(Filter):
    """Twice the image, in tiles of 8 pixels."""

    title = "Doubling"
    kind = "filter"
    is_threaded = False
    name: Literal["doubling"] = "doubling"

    def denoise_tile(self, tile):
        yield Progress(fraction=0.0)
        return tile * 2

    def tile_size(self, extents):
        return (8,) * len(extents)


@pytest.mark.parametrize(
    ("axes", "spatial", "channels"),
    [
        ("YX", "YX", "independent"),
        ("XY", "YX", "independent"),
        ("ZYX", "YX", "independent"),
        ("ZYX", "ZYX", "independent"),
        ("TYX", "TYX", "independent"),
        ("YXC", "YX", "joint"),
        ("TZCYX", "ZYX", "joint"),
        ("STCZYX", "ZYX", "independent"),
    ],
)
def test_every_pixel_is_denoised_once_in_any_axes(axes, spatial, channels):
    shape = tuple({"S": 2, "T": 2, "C": 3, "Z": 9, "Y": 17, "X": 11}[letter] for letter in axes)
    image = np.arange(np.prod(shape), dtype=np.uint32).reshape(shape)
    result = run(denoise_job(Doubling(), image, Layout(axes, spatial, channels)))
    assert result.image.dtype == np.float32
    np.testing.assert_array_equal(result.image, image * 2)


def test_a_tiled_filter_leaves_no_seam(rng):
    image = rng.normal(size=(70, 55)).astype(np.float32)

    class Small(Gaussian):
        def tile_size(self, extents):
            return (16, 16)

    tiled = run(denoise_job(Small(sigma=2), image, Layout("YX"))).image.pixels
    np.testing.assert_allclose(tiled, ndimage.gaussian_filter(image, 2), atol=1e-6)


def test_an_integer_result_saturates_and_says_how_many_pixels(rng):
    image = np.array([[10, 200]], np.uint8)
    result = run(denoise_job(Doubling(), image, Layout("YX"), dtype="uint8"))
    assert result.image.pixels.tolist() == [[20, 255]]
    assert result.n_clipped == 1


def test_a_lazy_image_is_read_a_tile_at_a_time():
    read = []

    def block(block_info=None):
        location = block_info[None]["array-location"]
        read.append(location)
        return np.ones([stop - start for start, stop in location], np.uint16)

    image = da.map_blocks(
        block, chunks=((1,) * 4, (8,), (8,)), dtype=np.uint16, meta=np.empty((0,), np.uint16)
    )
    read.clear()
    job = denoise_job(Doubling(), image, Layout("ZYX"))
    next(job)
    assert len(read) == 1
    assert (run(job).image.pixels == 2).all()
    assert len(read) == 4


def test_the_result_can_be_written_where_the_caller_wants(tmp_path):
    out = np.lib.format.open_memmap(tmp_path / "out.npy", mode="w+", dtype="f4", shape=(9, 9))
    result = run(denoise_job(Doubling(), np.ones((9, 9)), Layout("YX"), out=out))
    assert result.image.pixels is out
    assert (out == 2).all()


def test_cancelling_ends_at_the_next_tile():
    job = denoise_job(Doubling(), np.ones((800, 800)), Layout("YX"))
    next(job)
    job.close()
    with pytest.raises(StopIteration):
        next(job)


class Threaded(Doubling):
    """The same, on all cores."""

    is_threaded = True


def test_threads_change_nothing_but_the_time(rng, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    image, seen = rng.normal(size=(5, 20, 30)), []
    result = run(denoise_job(Threaded(), image, Layout("ZYX")), seen.append)
    np.testing.assert_array_equal(
        result.image, run(denoise_job(Doubling(), image, Layout("ZYX"))).image.pixels
    )
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert seen[-1].message == "tile 60 of 60"


class BrightnessShift(Doubling):
    """Subtracts a level that it measures once per channel."""

    level: float | None = None

    def fitted(self, image, layout, units):
        yield Progress(fraction=0.5)
        level = float(np.mean([layout.read(image, unit) for unit in units]))
        return self.model_copy(update={"level": level})

    def denoise_tile(self, tile):
        yield Progress(fraction=0.0)
        return tile - self.level


def test_a_denoiser_is_fitted_to_each_channel_once():
    image = np.zeros((3, 2, 20, 20)) + np.array([10.0, 500.0])[:, None, None]
    result = run(denoise_job(BrightnessShift(), image, Layout("TCYX"))).image.pixels
    assert (result == 0).all()


class Placed(Doubling):
    """Several results, in each the place of every pixel."""

    @property
    def n_stacked(self):
        return 3

    def halo(self, n_spatial):
        return (2,) * n_spatial

    def prepare(self):
        return PlacedSession()


class PlacedSession(Session):
    def denoise_tile(self, tile, place):
        yield Progress(fraction=0.0)
        y, x = (
            start + np.arange(size) for start, size in zip(place.start, tile.shape[1:], strict=True)
        )
        return (1e6 * place.sample + 1e4 * place.unit + 100 * y[:, None] + x)[None]


@pytest.mark.parametrize(("axes", "shape"), [("YX", (21, 30)), ("XTY", (30, 2, 21))])
def test_several_results_lie_along_a_leading_axis_and_each_tile_knows_its_place(axes, shape):
    result = run(denoise_job(Placed(), np.zeros(shape), Layout(axes)))
    assert result.image.axes == "S" + axes
    assert result.image.shape == (3, *shape)
    sizes = dict(zip(axes, shape, strict=True))
    index = np.indices([3, sizes.get("T", 1), 21, 30])
    expected = np.tensordot([1e6, 1e4, 100, 1], index, 1)
    if axes == "YX":
        np.testing.assert_array_equal(result.image, expected[:, 0])
    else:
        np.testing.assert_array_equal(result.image, expected.transpose(0, 3, 1, 2))


def test_several_results_of_an_image_that_has_samples_already_are_refused():
    with pytest.raises(AxesError, match=r"the image has one already \(axes SYX\)"):
        next(denoise_job(Placed(), np.zeros((2, 8, 8)), Layout("SYX")))


def test_progress_rises_to_one():
    seen = []
    run(denoise_job(Doubling(), np.ones((3, 20, 20)), Layout("ZYX")), seen.append)
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert seen[-1].message == "tile 27 of 27"


@pytest.mark.parametrize(
    ("denoiser", "image", "layout", "error"),
    [
        (Gaussian(), np.zeros((0, 4)), Layout("YX"), InputError),
        (Gaussian(), np.zeros((4, 4), complex), Layout("YX"), InputError),
        (Gaussian(), np.zeros((4, 4)), Layout("ZYX"), AxesError),
        (Gaussian(sigma=(1, 1, 1)), np.zeros((4, 4)), Layout("YX"), SettingsError),
        (Gaussian(), np.full((4, 4), np.nan), Layout("YX"), InputError),
    ],
)
def test_what_cannot_be_denoised_is_refused_before_any_tile(denoiser, image, layout, error):
    with pytest.raises(error):
        next(denoise_job(denoiser, image, layout))
