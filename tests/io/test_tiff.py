"""TIFFs that other programs wrote, and those that were damaged on the way."""

import logging

import numpy as np
import pytest
import tifffile

from napari_denoise.core.errors import AxesError, FileError, InputError
from napari_denoise.core.image import Image
from napari_denoise.io.images import read_image, write_image


def planes(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(1, 1000, shape, dtype=np.uint16)


class TestOmeTiff:
    def test_scale_units_and_names_of_another_program(self, tmp_path):
        metadata = {
            "axes": "TCYX",
            "PhysicalSizeX": 65.0,
            "PhysicalSizeXUnit": "nm",
            "PhysicalSizeY": 0.065,
            "TimeIncrement": 250.0,
            "TimeIncrementUnit": "ms",
            "Channel": {"Name": ["001", "1e3"]},
        }
        tifffile.imwrite(tmp_path / "a.ome.tif", planes(3, 2, 8, 9), metadata=metadata)
        image = read_image(tmp_path / "a.ome.tif")
        assert image.axes == "TCYX"
        assert image.scale == (250.0, 1.0, 0.065, 65.0)
        assert image.units == ("millisecond", "pixel", "micrometer", "nanometer")
        assert image.channel_names == ("001", "1e3")
        assert image.recipe is None

    @pytest.mark.parametrize("size", ["-1", "0", "NaN", "INF", "tiny"])
    def test_a_pixel_size_that_is_none_is_unknown(self, tmp_path, size):
        path = tmp_path / "a.ome.tif"
        tifffile.imwrite(path, planes(8, 9), metadata={"axes": "YX", "PhysicalSizeX": "0.5"})
        path.write_bytes(
            path.read_bytes().replace(b'PhysicalSizeX="0.5"', f'PhysicalSizeX="{size}"'.encode())
        )
        assert read_image(path).scale == (1.0, 1.0)

    def test_axes_of_length_one_are_left_out(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.ome.tif", planes(1, 5, 1, 8, 9), metadata={"axes": "TZCYX"})
        image = read_image(tmp_path / "a.ome.tif")
        assert (image.axes, image.pixels.shape) == ("ZYX", (5, 8, 9))

    def test_colour_samples_are_channels_unless_there_are_channels(self, tmp_path):
        rgb = planes(8, 9, 3).astype(np.uint8)
        tifffile.imwrite(tmp_path / "a.tif", rgb, photometric="rgb")
        assert read_image(tmp_path / "a.tif").axes == "YXC"
        tifffile.imwrite(
            tmp_path / "b.ome.tif",
            np.stack([rgb, rgb]),
            photometric="rgb",
            metadata={"axes": "CYXS"},
        )
        assert read_image(tmp_path / "b.ome.tif").axes == "CYXS"

    def test_of_a_pyramid_the_full_resolution_is_read(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
            big = planes(2, 64, 64)
            about = {"photometric": "minisblack", "tile": (16, 16)}
            writer.write(big, subifds=1, metadata={"axes": "CYX"}, **about)
            writer.write(big[:, ::2, ::2], subfiletype=1, **about)
        image = read_image(tmp_path / "a.ome.tif")
        np.testing.assert_array_equal(image.pixels, big)

    def test_of_many_series_the_first_is_read(self, tmp_path):
        with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
            writer.write(planes(8, 9), metadata={"axes": "YX", "PhysicalSizeX": 2.0})
            writer.write(planes(3, 4), metadata={"axes": "YX", "PhysicalSizeX": 5.0})
        image = read_image(tmp_path / "a.ome.tif")
        assert (image.pixels.shape, image.scale) == ((8, 9), (1.0, 2.0))

    def test_another_programs_change_of_scale_is_believed(self, tmp_path):
        path = tmp_path / "a.ome.tif"
        write_image(path, Image(planes(8, 9), "YX", scale=(0.5, 0.25), units=["micrometer"] * 2))
        text = tifffile.tiffcomment(path).replace('"0.25"', '"0.75"')
        tifffile.tiffcomment(path, text.encode())
        assert read_image(path).scale == (0.5, 0.75)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('"axes": "SYX"', '"axes": "SYY"'),
            ('"shape": [3', '"shape": [4'),
            ('"shape": [3', '"shape": "'),
            ('"axes": "SYX"', '"axis": "SYX"'),
            ('"dtype": "uint16"', '"dtype": "wrong"'),
        ],
    )
    def test_an_annotation_that_does_not_fit_is_passed_over(self, tmp_path, old, new):
        path = tmp_path / "a.ome.tif"
        write_image(path, planes(3, 8, 9), axes="SYX")
        text = tifffile.tiffcomment(path)
        assert text.count(old) == 1
        tifffile.tiffcomment(path, text.replace(old, new).encode())
        image = read_image(path)
        assert image.axes == "TYX"
        np.testing.assert_array_equal(image.pixels, planes(3, 8, 9))

    def test_xml_that_is_broken_only_costs_what_it_said(self, tmp_path):
        path = tmp_path / "a.ome.tif"
        write_image(path, Image(planes(3, 8, 9), "CYX", scale=(1, 2, 3)))
        text = tifffile.tiffcomment(path).replace("<Pixels", "<Pix els", 1)
        tifffile.tiffcomment(path, text.encode())
        assert read_image(path).pixels.shape == (3, 8, 9)

    def test_xml_that_only_points_to_another_file_says_nothing(self, tmp_path):
        path = tmp_path / "a.ome.tif"
        write_image(path, Image(planes(3, 8, 9), "CYX", scale=(1, 2, 3)))
        schema = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
        pointer = f'<OME xmlns="{schema}"><BinaryOnly MetadataFile="a.companion.ome"/></OME>'
        tifffile.tiffcomment(path, pointer.encode())
        image = read_image(path)
        assert (image.axes, image.scale) == ("ZYX", (1.0, 1.0, 1.0))

    def test_names_no_xml_can_hold_are_cleaned(self, tmp_path):
        path = tmp_path / "a.ome.tif"
        write_image(path, Image(planes(8, 9), "YX", channel_names=["ac\x00tin\ud800"]))
        assert read_image(path).channel_names == ("actin",)

    def test_a_large_image_becomes_a_bigtiff(self, tmp_path, monkeypatch):
        monkeypatch.setattr("napari_denoise.io.ome_tiff._CLASSIC_LIMIT_BYTES", 100)
        write_image(tmp_path / "a.ome.tif", planes(3, 8, 9), axes="CYX")
        with tifffile.TiffFile(tmp_path / "a.ome.tif") as tiff:
            assert tiff.is_bigtiff
        np.testing.assert_array_equal(read_image(tmp_path / "a.ome.tif").pixels, planes(3, 8, 9))


class TestImageJ:
    def test_calibration_is_read(self, tmp_path):
        tifffile.imwrite(
            tmp_path / "a.tif",
            planes(2, 3, 8, 9),
            imagej=True,
            resolution=(10, 5),
            metadata={"axes": "TZYX", "unit": "um", "spacing": 0.3, "finterval": 2.5},
        )
        image = read_image(tmp_path / "a.tif")
        assert image.axes == "TZYX"
        assert image.scale == pytest.approx((2.5, 0.3, 0.2, 0.1))
        assert image.units == ("second", "micrometer", "micrometer", "micrometer")

    @pytest.mark.parametrize("unit", ["pixel", "", "cm", "furlong"])
    def test_calibration_no_microscope_has_is_unknown(self, tmp_path, unit):
        about = {"axes": "YX", "unit": unit}
        tifffile.imwrite(
            tmp_path / "a.tif", planes(8, 9), imagej=True, resolution=(1, 1), metadata=about
        )
        image = read_image(tmp_path / "a.tif")
        assert (image.scale, image.units) == ((1.0, 1.0), ("pixel", "pixel"))


class TestPlainTiff:
    @pytest.mark.parametrize(("n_axes", "axes"), [(2, "YX"), (3, "ZYX"), (4, "TZYX"), (5, "TZCYX")])
    def test_axes_it_does_not_name_get_the_usual_ones(self, tmp_path, n_axes, axes):
        tifffile.imwrite(tmp_path / "a.tif", planes(*(4,) * n_axes), photometric="minisblack")
        assert read_image(tmp_path / "a.tif").axes == axes

    def test_axes_it_names_in_part_are_completed(self, tmp_path):
        pixels = planes(2, 4, 8, 9)
        tifffile.imwrite(
            tmp_path / "a.tif", pixels, photometric="minisblack", metadata={"axes": "QZYX"}
        )
        assert read_image(tmp_path / "a.tif").axes == "TZYX"

    def test_too_many_axes_are_refused(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.tif", planes(*(2,) * 7), photometric="minisblack")
        with pytest.raises(AxesError, match="needs 2 to 6 axes"):
            read_image(tmp_path / "a.tif")

    @pytest.mark.parametrize(
        ("resolution", "unit", "scale"),
        [
            ((1e5, 5e4), "CENTIMETER", (0.2, 0.1)),
            ((28.35, 28.35), "CENTIMETER", (1.0, 1.0)),
            ((72, 72), "INCH", (1.0, 1.0)),
            ((2.54e5, 2.54e5), "INCH", (1.0, 1.0)),
            ((1e5, 1e5), "NONE", (1.0, 1.0)),
            ((0, 0), "CENTIMETER", (1.0, 1.0)),
        ],
    )
    def test_only_a_resolution_a_microscope_can_have_is_believed(
        self, tmp_path, resolution, unit, scale
    ):
        tifffile.imwrite(
            tmp_path / "a.tif", planes(8, 9), resolution=resolution, resolutionunit=unit
        )
        image = read_image(tmp_path / "a.tif")
        assert image.scale == pytest.approx(scale)
        assert set(image.units) == {"pixel" if scale == (1.0, 1.0) else "micrometer"}

    def test_the_other_byte_order_becomes_this_machines(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.tif", planes(5, 8, 9), byteorder=">")
        image = read_image(tmp_path / "a.tif")
        assert image.pixels.dtype.isnative
        np.testing.assert_array_equal(image.pixels, planes(5, 8, 9))

    def test_small_tiles_are_read_as_planes_and_large_planes_in_tiles(self, tmp_path, monkeypatch):
        pixels = planes(2, 256, 256)
        about = {"photometric": "minisblack", "tile": (32, 32)}
        tifffile.imwrite(tmp_path / "a.tif", pixels, **about)
        assert read_image(tmp_path / "a.tif").pixels.chunksize == (1, 256, 256)
        monkeypatch.setattr("napari_denoise.io.lazy._CHUNK_LIMIT_BYTES", 64 * 64 * 2)
        image = read_image(tmp_path / "a.tif")
        assert image.pixels.chunksize == (1, 64, 64)
        np.testing.assert_array_equal(image.pixels, pixels)

    def test_complex_pixels_are_refused(self, tmp_path):
        tifffile.imwrite(tmp_path / "a.tif", np.ones((8, 9), np.complex64))
        with pytest.raises(InputError, match="real numbers are needed"):
            read_image(tmp_path / "a.tif")


class TestDamage:
    @pytest.mark.parametrize("content", [b"", b"no image at all", b"II*\0", b"II*\0\xff\xff\xff\0"])
    def test_what_is_no_tiff_is_refused(self, tmp_path, content):
        (tmp_path / "a.tif").write_bytes(content)
        with pytest.raises(FileError, match=r"a\.tif"):
            read_image(tmp_path / "a.tif")

    @pytest.mark.parametrize(
        "about",
        [
            {"metadata": {"axes": "ZYX"}, "ome": True},
            {"metadata": {"axes": "ZYX"}, "ome": True, "compression": "zlib"},
            {"metadata": {"axes": "ZYX"}},
            {"metadata": {"axes": "ZYX"}, "compression": "zlib"},
            {"metadata": None},
            {"metadata": {"axes": "ZYX"}, "imagej": True},
        ],
    )
    @pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.9, 0.99])
    def test_a_file_that_ends_too_early_never_yields_other_pixels(self, tmp_path, about, share):
        tifffile.imwrite(tmp_path / "whole.tif", planes(9, 40, 50), **about)
        content = (tmp_path / "whole.tif").read_bytes()
        (tmp_path / "a.tif").write_bytes(content[: int(share * len(content))])
        try:
            pixels = read_image(tmp_path / "a.tif").pixels.compute()
        except FileError:
            return
        np.testing.assert_array_equal(pixels, planes(9, 40, 50))

    def test_our_own_file_that_ends_too_early_is_refused(self, tmp_path):
        write_image(tmp_path / "whole.tif", planes(9, 40, 50), axes="ZYX")
        content = (tmp_path / "whole.tif").read_bytes()
        for n_bytes in range(100, len(content) - 1, 997):
            (tmp_path / "a.tif").write_bytes(content[:n_bytes])
            with pytest.raises(FileError, match=r"a\.tif"):
                read_image(tmp_path / "a.tif")

    def test_damage_inside_is_told_when_the_pixels_are_used(self, tmp_path):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, planes(2, 40, 50), compression="zlib")
        content = bytearray(path.read_bytes())
        content[2000:2400] = bytes(400)
        path.write_bytes(content)
        pixels = read_image(path).pixels
        with pytest.raises(FileError, match=r"a\.tif is damaged"):
            pixels.compute()

    def test_a_compression_that_takes_another_package_names_it(self, tmp_path, monkeypatch):
        tifffile.imwrite(tmp_path / "a.tif", planes(8, 9), compression="zlib")
        monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", {1: None}, raising=False)
        with pytest.raises(FileError, match=r"compressed with ADOBE_DEFLATE.*install imagecodecs"):
            read_image(tmp_path / "a.tif")

    def test_nothing_is_printed(self, tmp_path, capfd):
        write_image(tmp_path / "whole.tif", planes(9, 40, 50), axes="ZYX")
        (tmp_path / "a.tif").write_bytes((tmp_path / "whole.tif").read_bytes()[:9000])
        with pytest.raises(FileError):
            read_image(tmp_path / "a.tif")
        assert any(
            isinstance(handler, logging.NullHandler)
            for handler in logging.getLogger("tifffile").handlers
        )
        assert capfd.readouterr() == ("", "")
