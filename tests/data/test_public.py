"""Public images: known before they are fetched, checked before they are opened."""

import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pooch
import pytest
import requests
import tifffile

from napari_denoise.core.axes import check_axes
from napari_denoise.core.errors import FileError, SettingsError
from napari_denoise.data import public
from napari_denoise.data.public import PUBLIC, fetch_public


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Answers each download with the file put there, and counts them."""
    folder = tmp_path / "server"
    folder.mkdir()

    def download(url, output_file, _pooch, **_):
        asked.append(url)
        Path(output_file).write_bytes((folder / url.rpartition("/")[2]).read_bytes())

    asked = []
    monkeypatch.setattr("pooch.core.choose_downloader", lambda *_, **__: download)
    return folder, asked


def publish(server, monkeypatch, name: str, content: bytes) -> None:
    folder, _ = server
    entry = PUBLIC[name]
    (folder / entry.url.rpartition("/")[2]).write_bytes(content)
    known = {field: getattr(entry, field) for field in entry.__dataclass_fields__}
    known["sha256"] = sha256(content).hexdigest()
    monkeypatch.setitem(public.PUBLIC, name, type(entry)(**known))


def tiff(path: Path, *shape: int) -> bytes:
    tifffile.imwrite(path, np.ones(shape, np.uint16), photometric="minisblack")
    return path.read_bytes()


def test_what_is_known_of_a_set_fits_together():
    for entry in PUBLIC.values():
        check_axes(entry.axes, (1,) * len(entry.axes))
        assert len(entry.sha256) == 64
        assert entry.size_mb > 0
        assert entry.licence
        assert entry.origin
        assert len(entry.scale) == len(entry.units)
        assert len(entry.scale) in {0, len(entry.axes)}


def test_addresses_and_checksums_are_those_scikit_image_publishes():
    registry = pytest.importorskip("skimage.data._registry")
    published = {url: registry.registry[name] for name, url in registry.registry_urls.items()}
    for entry in PUBLIC.values():
        if "scikit-image" in entry.url:
            assert published[entry.url] == entry.sha256


def test_an_image_is_fetched_once_and_gets_its_calibration(server, monkeypatch, tmp_path):
    publish(server, monkeypatch, "cells3d", tiff(tmp_path / "a.tif", 5, 2, 8, 9))
    for _ in range(2):
        image = fetch_public("cells3d", folder=tmp_path / "cache")
    assert len(server[1]) == 1
    assert (image.name, image.axes, image.pixels.shape) == ("cells3d", "ZCYX", (5, 2, 8, 9))
    assert image.scale == (0.29, 1.0, 0.26, 0.26)
    assert image.channel_names == ("membranes", "nuclei")


def test_the_image_in_an_archive_is_opened(server, monkeypatch, tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("readme.txt", "about")
        packed.writestr("data/flywing.tif", tiff(tmp_path / "a.tif", 5, 8, 9))
    publish(server, monkeypatch, "flywing", archive.read_bytes())
    image = fetch_public("flywing", folder=tmp_path / "cache")
    assert (image.axes, image.pixels.shape) == ("ZYX", (5, 8, 9))
    assert set(image.units) == {"pixel"}


def test_another_file_than_the_published_one_is_not_opened(server, tmp_path):
    folder, _ = server
    (folder / PUBLIC["mitosis"].url.rpartition("/")[2]).write_bytes(b"<html>404</html>")
    with pytest.raises(FileError, match="is not the published file"):
        fetch_public("mitosis", folder=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


@pytest.mark.parametrize("error", [requests.ConnectionError("no route"), OSError("disk full")])
def test_a_failed_download_is_told(monkeypatch, tmp_path, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(pooch, "retrieve", fail)
    with pytest.raises(FileError, match="could not be downloaded"):
        fetch_public("lily", folder=tmp_path)


def test_an_unknown_image_is_refused_with_those_there_are():
    with pytest.raises(SettingsError, match=r"'cats'.*kidney"):
        fetch_public("cats")
