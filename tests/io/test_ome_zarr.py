"""OME-Zarr of every version and layout that is met in the wild."""

import numpy as np
import pytest
import zarr

from napari_denoise.core.errors import AxesError, FileError
from napari_denoise.core.recipe import METADATA_KEY, Recipe
from napari_denoise.io.images import read_image

RECIPE = Recipe(operation="denoise", settings={"sigma": 1})
AXES = [
    {"name": "t", "type": "time", "unit": "second"},
    {"name": "c", "type": "channel"},
    {"name": "z", "type": "space", "unit": "micrometer"},
    {"name": "y", "type": "space", "unit": "nanometer"},
    {"name": "x", "type": "space"},
]


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 99, (2, 2, 3, 8, 9), dtype=np.uint16)


def metadata(**changes) -> dict:
    image = {
        "axes": AXES,
        "datasets": [
            {
                "path": "full",
                "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 0.5, 100, 2]}],
            },
            {"path": "half"},
        ],
        "coordinateTransformations": [
            {"type": "translation", "translation": [1] * 5},
            {"type": "scale", "scale": [2.5, 1, 1, 1, 1]},
        ],
    }
    return {
        "multiscales": [image | changes],
        "omero": {"channels": [{"label": "actin"}, {"label": "nuclei"}]},
        METADATA_KEY: RECIPE.model_dump(mode="json"),
    }


def write(path, attributes: dict, *, zarr_format: int = 2, chunks=(1, 1, 1, 8, 9)) -> None:
    group = zarr.create_group(path, zarr_format=zarr_format, attributes=attributes)
    for name in ("full", "half"):
        step = 1 if name == "full" else 2
        data = pixels()[..., ::step, ::step]
        group.create_array(name, data=data, chunks=chunks)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_full_resolution_is_read_with_all_that_is_said(tmp_path, zarr_format):
    attributes = metadata() if zarr_format == 2 else {"ome": {"version": "0.5", **metadata()}}
    write(tmp_path / "a.ome.zarr", attributes, zarr_format=zarr_format)
    image = read_image(tmp_path / "a.ome.zarr")
    np.testing.assert_array_equal(image.pixels, pixels())
    assert image.axes == "TCZYX"
    assert image.scale == (2.5, 1.0, 0.5, 100.0, 2.0)
    assert image.units == ("second", "pixel", "micrometer", "nanometer", "pixel")
    assert image.channel_names == ("actin", "nuclei")
    assert image.recipe == RECIPE
    assert image.name == "a"


@pytest.mark.parametrize(
    ("axes", "expected"),
    [(["t", "c", "z", "y", "x"], "TCZYX"), (["s", "c", "u", "v", "w"], "SCZYX")],
)
def test_axes_that_are_only_names_are_read(tmp_path, axes, expected):
    write(tmp_path / "a.zarr", metadata(axes=axes))
    assert read_image(tmp_path / "a.zarr").axes == expected


def test_axes_of_the_first_versions_need_no_names(tmp_path):
    said = metadata()
    del said["multiscales"][0]["axes"]
    write(tmp_path / "a.zarr", said)
    assert read_image(tmp_path / "a.zarr").axes == "TCZYX"


def test_chunks_hold_whole_planes_and_whole_stored_chunks(tmp_path):
    write(tmp_path / "a.zarr", metadata(), chunks=(1, 1, 2, 4, 3))
    assert read_image(tmp_path / "a.zarr").pixels.chunksize == (1, 1, 2, 8, 9)


def test_the_first_image_of_a_conversion_is_found(tmp_path):
    zarr.create_group(tmp_path / "a.zarr", zarr_format=2, attributes={"bioformats2raw.layout": 3})
    write(tmp_path / "a.zarr" / "0", metadata())
    assert read_image(tmp_path / "a.zarr").axes == "TCZYX"


def test_a_bare_array_gets_the_usual_axes(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=pixels())
    assert read_image(tmp_path / "a.zarr").axes == "TZCYX"
    assert read_image(tmp_path / "a.zarr", axes="tczyx").axes == "TCZYX"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "without OME metadata"),
        ({"plate": {}}, "is a plate"),
        ({"bioformats2raw.layout": 3}, "without OME metadata"),
        ({"multiscales": []}, "damaged"),
        (metadata(datasets=[{"path": "none"}]), "damaged"),
        (metadata(axes=AXES[:3]), "damaged"),
        (metadata(axes=[{"type": "space"}] * 5), "damaged"),
    ],
)
def test_a_group_that_is_no_image_is_refused(tmp_path, attributes, message):
    write(tmp_path / "a.zarr", attributes)
    with pytest.raises(FileError, match=message):
        read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize("shape", [(), (9,), (2,) * 7])
def test_too_few_or_too_many_axes_are_refused(tmp_path, shape):
    zarr.create_array(tmp_path / "a.zarr", data=np.ones(shape))
    with pytest.raises(AxesError, match="needs 2 to 6 axes"):
        read_image(tmp_path / "a.zarr")


def test_axes_named_twice_are_refused(tmp_path):
    write(tmp_path / "a.zarr", metadata(axes=["z", "z", "c", "y", "x"]))
    with pytest.raises(AxesError, match="twice"):
        read_image(tmp_path / "a.zarr")


def test_a_folder_that_is_no_zarr_is_refused(tmp_path):
    with pytest.raises(FileError, match="no OME-Zarr"):
        read_image(tmp_path)


def test_a_damaged_chunk_is_told_when_it_is_used(tmp_path):
    write(tmp_path / "a.zarr", metadata())
    chunk = next(path for path in (tmp_path / "a.zarr" / "full").rglob("0*") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:20])
    image = read_image(tmp_path / "a.zarr")
    with pytest.raises(FileError, match=r"a\.zarr is damaged"):
        image.pixels.compute()
