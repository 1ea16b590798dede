"""Reading what there is, writing what was made, and both as one round trip."""

import errno
import gc
import os
import pickle
import tempfile
from pathlib import Path

import dask.array as da
import imageio.v3 as iio
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_denoise.core.errors import AxesError, FileError, InputError
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import Recipe
from napari_denoise.io.images import (
    check_destination,
    image_being_written,
    read_image,
    write_image,
)

UNITS = ["pixel", "micrometer", "nanometer", "second", "millisecond", "inch", "degree"]
DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]
RECIPE = Recipe(operation="denoise", settings={"name": "µ", "sigma": [1, 2.5]}, seed=3)


@st.composite
def images(draw: st.DrawFn) -> Image:
    others = draw(st.lists(st.sampled_from("STCZ"), unique=True))
    axes = "".join(draw(st.permutations([*others, "Y", "X"])))
    shape = tuple(draw(st.integers(1, 4)) for _ in axes)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from([*DTYPES, "bool", ">u2"]))
    sizes = st.floats(1e-6, 1e6)
    names = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=5)
    n_channels = dict(zip(axes, shape, strict=True)).get("C", 1)
    return Image(
        (rng.random(shape) * 100).astype(dtype),
        axes,
        scale=tuple(draw(sizes) for _ in axes),
        units=tuple(draw(st.sampled_from(UNITS)) for _ in axes),
        origin=draw(st.sampled_from([(), tuple(range(-1, len(axes) - 1))])),
        channel_names=tuple(draw(names) for _ in range(draw(st.sampled_from([0, n_channels])))),
        recipe=draw(st.sampled_from([None, RECIPE])),
    )


@settings(max_examples=60, deadline=None)
@given(images())
def test_an_ome_tiff_gives_back_all_that_was_written(image):
    with tempfile.TemporaryDirectory() as folder:
        write_image(Path(folder) / "cells.ome.tif", image)
        again = read_image(Path(folder) / "cells.ome.tif")
        np.testing.assert_array_equal(again.pixels, image.pixels)
    assert again.pixels.dtype == image.pixels.dtype.newbyteorder("=")
    assert (again.axes, again.scale, again.units) == (image.axes, image.scale, image.units)
    assert again.origin == image.origin
    assert (again.channel_names, again.recipe) == (image.channel_names, image.recipe)
    assert again.name == "cells"


@settings(max_examples=20, deadline=None)
@given(images())
def test_the_same_image_gives_the_same_bytes(image):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        paths = [Path(folder) / "a.tif" for folder in (one, other)]
        for path in paths:
            write_image(path, image)
        assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("chunks", [(2, 3, 8, 8), (1, 1, 4, 3), (3, 1, 8, 8), (4, 5, 8, 8)])
def test_a_lazy_image_is_written_like_a_loaded_one(tmp_path, rng, chunks, monkeypatch):
    monkeypatch.setattr("napari_denoise.io.ome_tiff._BLOCK_LIMIT_BYTES", 3 * 5 * 64)
    pixels = rng.integers(0, 99, (4, 5, 8, 8), dtype=np.uint8)
    write_image(tmp_path / "a.tif", pixels, axes="TZYX")
    lazy = da.from_array(pixels, chunks=chunks)
    (tmp_path / "lazy").mkdir()
    write_image(tmp_path / "lazy" / "a.tif", lazy, axes="TZYX")
    assert (tmp_path / "lazy" / "a.tif").read_bytes() == (tmp_path / "a.tif").read_bytes()


def test_writing_a_lazy_image_computes_each_chunk_once(tmp_path):
    computed = []

    def count(block, block_id=()):
        computed.append(block_id)
        return block

    pixels = da.zeros((6, 8, 8), chunks=(2, 4, 8)).map_blocks(count, dtype=float)
    computed.clear()
    write_image(tmp_path / "a.tif", pixels, axes="ZYX")
    assert sorted(computed) == [(z, y, 0) for z in range(3) for y in range(2)]


def test_reading_a_plane_of_a_large_file_leaves_the_rest_on_disk(tmp_path):
    planes = da.zeros((128, 1024, 1024), chunks=(1, 1024, 1024), dtype=np.uint16)
    write_image(tmp_path / "large.tif", planes, axes="TYX")
    process = psutil.Process()
    before = process.memory_info().rss
    image = read_image(tmp_path / "large.tif")
    assert image.pixels[64].compute().shape == (1024, 1024)
    assert image.pixels.chunksize == (1, 1024, 1024)
    assert process.memory_info().rss - before < planes.nbytes / 4


def test_pixels_that_travel_to_another_process_open_their_file_again(tmp_path, rng):
    pixels = rng.integers(0, 99, (3, 8, 8), dtype=np.uint8)
    write_image(tmp_path / "a.tif", pixels, axes="ZYX")
    travelled = pickle.loads(pickle.dumps(read_image(tmp_path / "a.tif").pixels))
    np.testing.assert_array_equal(travelled, pixels)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are not listed here")
def test_a_file_is_closed_when_its_image_is_gone(tmp_path):
    write_image(tmp_path / "a.tif", np.ones((3, 8, 8)), axes="ZYX")
    image = read_image(tmp_path / "a.tif")
    image.pixels.sum().compute()
    assert "a.tif" in _open_files()
    del image
    gc.collect()
    assert "a.tif" not in _open_files()


def _open_files() -> set[str]:
    links = [fd for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    return {os.path.basename(os.readlink(link)) for link in links}  # noqa: PTH115, PTH119


def test_an_image_can_replace_the_file_it_is_read_from(tmp_path):
    write_image(tmp_path / "a.tif", np.full((3, 8, 8), 5, np.uint8), axes="ZYX")
    image = read_image(tmp_path / "a.tif")
    write_image(tmp_path / "a.tif", image.pixels + np.uint8(1), axes="ZYX")
    assert (read_image(tmp_path / "a.tif").pixels == 6).all().compute()


def test_the_users_axes_win_and_keep_the_scale_of_those_that_stay(tmp_path):
    path = tmp_path / "a.tif"
    scale, units = (3, 2, 1), ["micrometer"] * 3
    write_image(path, Image(np.ones((3, 8, 8)), "ZYX", scale=scale, units=units))
    image = read_image(path, axes="tyx")
    assert image.axes == "TYX"
    assert image.scale == (1.0, 2.0, 1.0)
    assert image.units == ("pixel", "micrometer", "micrometer")


def test_channel_names_stay_only_where_the_channels_do(tmp_path):
    path = tmp_path / "a.tif"
    write_image(path, Image(np.ones((2, 2, 8, 8)), "CZYX", channel_names=["actin", "nuclei"]))
    assert read_image(path).channel_names == ("actin", "nuclei")
    assert read_image(path, axes="CTYX").channel_names == ("actin", "nuclei")
    assert read_image(path, axes="ZCYX").channel_names == ()


@pytest.mark.parametrize("axes", ["YX", "ZZYX", "AYX", "ZCY"])
def test_axes_that_do_not_fit_are_refused(tmp_path, axes):
    write_image(tmp_path / "a.tif", np.ones((3, 8, 8)), axes="ZYX")
    with pytest.raises(AxesError):
        read_image(tmp_path / "a.tif", axes=axes)


class TestPictures:
    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_a_png_gives_back_its_pixels(self, tmp_path, rng, dtype):
        pixels = rng.integers(0, np.iinfo(dtype).max, (7, 9), dtype=dtype, endpoint=True)
        write_image(tmp_path / "a.PNG", pixels, axes="YX")
        image = read_image(tmp_path / "a.PNG")
        assert (image.axes, image.pixels.dtype) == ("YX", dtype)
        np.testing.assert_array_equal(image.pixels, pixels)

    @pytest.mark.parametrize(
        ("shape", "axes"), [((7, 9, 3), "YXC"), ((7, 9, 4), "YXC"), ((7, 9), "YX")]
    )
    def test_colours_are_channels(self, tmp_path, shape, axes):
        iio.imwrite(tmp_path / "a.png", np.ones(shape, np.uint8))
        assert read_image(tmp_path / "a.png").axes == axes

    @pytest.mark.parametrize(
        ("shape", "dtype"), [((7, 9, 3), np.uint8), ((7, 9), np.float32), ((7, 9), np.int16)]
    )
    def test_what_a_png_cannot_hold_is_refused(self, tmp_path, shape, dtype):
        axes = "YXC"[: len(shape)]
        with pytest.raises(FileError, match=r"Save it as \.ome\.tif"):
            write_image(tmp_path / "a.png", np.ones(shape, dtype), axes=axes)
        assert not list(tmp_path.iterdir())

    def test_a_damaged_png_is_refused(self, tmp_path, rng):
        write_image(tmp_path / "a.png", rng.integers(0, 255, (99, 99), dtype=np.uint8), axes="YX")
        path = tmp_path / "cut.png"
        path.write_bytes((tmp_path / "a.png").read_bytes()[:4000])
        with pytest.raises(FileError, match=r"cut\.png is damaged"):
            read_image(path)


class TestRefusals:
    @pytest.mark.parametrize("name", ["a.tif", "a.png", "a.zarr"])
    def test_a_missing_file(self, tmp_path, name):
        with pytest.raises(FileError, match="There is no file"):
            read_image(tmp_path / name)

    def test_an_unknown_ending(self, tmp_path):
        (tmp_path / "a.czi").touch()
        with pytest.raises(FileError, match=r"a\.czi is of no kind .* \.tif"):
            read_image(tmp_path / "a.czi")

    def test_a_missing_folder_to_write_into(self, tmp_path):
        with pytest.raises(FileError, match="There is no folder"):
            write_image(tmp_path / "no" / "a.tif", np.ones((8, 8)), axes="YX")

    def test_an_ending_that_cannot_be_written(self, tmp_path):
        with pytest.raises(FileError, match=r"End it in \.tif"):
            write_image(tmp_path / "a.jpg", np.ones((8, 8)), axes="YX")

    @pytest.mark.parametrize("name", ["no/a.tif", "a.jpg", "a"])
    def test_a_destination_can_be_refused_before_any_work(self, tmp_path, name):
        check_destination(tmp_path / "a.OME.TIFF")
        with pytest.raises(FileError):
            check_destination(tmp_path / name)

    def test_a_folder_in_the_place_of_the_file(self, tmp_path):
        (tmp_path / "a.tif").mkdir()
        with pytest.raises(FileError, match="could not be written"):
            write_image(tmp_path / "a.tif", np.ones((8, 8)), axes="YX")
        assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]

    @pytest.mark.parametrize("dtype", ["int64", "uint64"])
    def test_pixels_ome_tiff_has_no_type_for(self, tmp_path, dtype):
        with pytest.raises(InputError, match=f"cannot hold pixels of type {dtype}"):
            write_image(tmp_path / "a.tif", np.ones((8, 8), dtype), axes="YX")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("about", "message"),
        [
            ({"scale": (1, 2)}, "2 scales"),
            ({"units": ("pixel",)}, "1 units"),
            ({"scale": (1, 0, 1)}, "positive numbers"),
            ({"scale": (1, np.nan, 1)}, "positive numbers"),
            ({"channel_names": ("a", "b")}, "2 channel names for 3 channels"),
        ],
    )
    def test_what_is_said_must_fit_the_image(self, tmp_path, about, message):
        with pytest.raises(InputError, match=message):
            write_image(tmp_path / "a.tif", Image(np.ones((3, 8, 8)), "CYX", **about))

    @pytest.mark.parametrize(
        "pixels", [np.ones((0, 8)), np.ones((8, 8), complex), np.full((8, 8), "a")]
    )
    def test_pixels_that_are_none(self, tmp_path, pixels):
        with pytest.raises(InputError):
            write_image(tmp_path / "a.tif", pixels, axes="YX")


class TestFailure:
    """A file is there whole, or as it was before."""

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
    def test_a_failed_computation_leaves_the_old_file(self, tmp_path, error):
        def fail(block, block_id=()):
            if block_id == (2, 0, 0):
                raise error
            return block

        path = tmp_path / "a.tif"
        write_image(path, np.ones((3, 8, 8)), axes="ZYX")
        before = path.read_bytes()
        lazy = da.zeros((3, 8, 8), chunks=(1, 8, 8)).map_blocks(fail, dtype=float, meta=np.ones(0))
        with pytest.raises(error):
            write_image(path, lazy, axes="ZYX")
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    def test_a_full_disk_is_told_and_leaves_nothing(self, tmp_path, monkeypatch):
        def fail(path, image):
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("napari_denoise.io.images.write_ome_tiff", fail)
        with pytest.raises(FileError, match=r"a\.tif could not be written \(No space left"):
            write_image(tmp_path / "a.tif", np.ones((8, 8)), axes="YX")
        assert not list(tmp_path.iterdir())

    @pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="space is not reserved here")
    def test_a_disk_too_small_for_the_result_is_told_before_it_is_filled(
        self, tmp_path, monkeypatch
    ):
        def fail(descriptor, offset, size):
            assert size > 64 * 64 * 4
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", fail)
        image = Image(np.ones((64, 64), np.float32), "YX")
        with (
            pytest.raises(FileError, match=r"could not be written \(No space left"),
            image_being_written(tmp_path / "a.tif", image),
        ):
            pytest.fail("there is no space for pixels")
        assert not list(tmp_path.iterdir())

    @pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="space is not reserved here")
    def test_the_space_of_a_result_is_taken_before_it_is_filled(self, tmp_path):
        """Writing into a hole on a full disk would kill the process."""
        image = Image(np.broadcast_to(np.zeros((), np.uint8), (50, 256, 256)), "ZYX")
        with image_being_written(tmp_path / "a.tif", image):
            (part,) = tmp_path.iterdir()
            assert part.stat().st_blocks * 512 >= 50 * 256 * 256


@pytest.mark.parametrize(
    ("name", "axes", "shape"),
    [
        ("fmd_confocal/noisy/fish.tif", "YX", (512, 512)),
        ("convallaria/noisy.tif", "YX", (1024, 1024)),
        ("lightsheet_3d/signal.tif", "ZYX", (20, 256, 256)),
        ("live_cells/A_0_0.tif", "YX", (725, 725)),
        ("live_cells/hela_channels.tif", "YXC", (512, 672, 3)),
        ("fmd_repeats/Confocal_BPAE_B/noisy_1.png", "YX", (512, 512)),
        ("nuclei/img3d.tif", "ZYX", (31, 61, 57)),
        ("psf_beads_3d/data.tif", "ZYX", (64, 64, 64)),
        ("w2s/noisy/010_0.tif", "YX", (512, 512)),
    ],
)
def test_real_images_are_read_with_sensible_axes(real_data, name, axes, shape):
    image = read_image(real_data / name)
    assert (image.axes, image.pixels.shape) == (axes, shape)
    assert image.pixels.dtype.isnative
    assert np.isfinite(image.pixels[:2].compute()).all()


@pytest.mark.parametrize(
    ("name", "axes"),
    [
        ("plant_3d/rgb_3D.tif", "ZCYX"),
        ("plant_3d/rgb_3D_c_raw.tif", "CZYX"),
        ("timelapse/membrane_2d_timelapse.tif", "TYX"),
    ],
)
def test_axes_no_file_states_can_be_named(real_data, name, axes):
    assert read_image(real_data / name, axes=axes).axes == axes


def test_the_scale_of_a_real_imagej_file_is_read(real_data):
    image = read_image(real_data / "live_cells" / "hela_channels.tif")
    assert image.scale == pytest.approx((1 / 19.42, 1 / 19.42, 1), rel=1e-3)
    assert image.units == ("micrometer", "micrometer", "pixel")


def test_a_centimetre_per_pixel_is_no_scale(real_data):
    image = read_image(real_data / "convallaria" / "noisy.tif")
    assert (image.scale, image.units) == ((1.0, 1.0), ("pixel", "pixel"))
