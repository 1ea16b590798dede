"""Many files at once: found, opened without keeping them open, matched by name."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_denoise.core.errors import FileError
from napari_denoise.core.progress import Skipped, run
from napari_denoise.io.folder import find_images, match_by_name, open_images_job


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


def save(path, value=0.0, shape=(8, 9)):
    tifffile.imwrite(path, np.full(shape, value, np.float32))
    return path


def test_a_folder_stands_for_its_images_in_the_order_of_people(folder):
    for name in ("t10.tif", "t2.tif", "T1.TIF", ".hidden.tif"):
        save(folder / name)
    (folder / "notes.txt").write_text("none")
    (folder / "more").mkdir()
    zarr.save_array(folder / "t3.zarr", np.zeros((8, 9)))
    names = [path.name for path in find_images([folder])]
    assert names == ["T1.TIF", "t2.tif", "t3.zarr", "t10.tif"]


def test_patterns_folders_and_files_are_taken_together_and_each_file_once(folder):
    paths = [save(folder / f"{name}.tif") for name in ("a1", "a2", "b1")]
    assert find_images([folder / "a*.tif"]) == paths[:2]
    assert find_images([folder / "b1.tif", folder]) == [paths[2], *paths[:2]]
    zarr.save_array(folder / "array", np.zeros((8, 9)))
    assert find_images([folder / "array"]) == [folder / "array"]


def test_a_folder_or_pattern_without_images_is_said(folder):
    with pytest.raises(FileError, match="no image in the folder"):
        find_images([folder])
    with pytest.raises(FileError, match="No file fits"):
        find_images([folder / "*.tif"])


def n_open():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts files the way of Linux")
def test_no_more_than_a_few_files_are_ever_open(folder):
    paths = [save(folder / f"{i}.tif", float(i)) for i in range(60)]
    before = n_open()
    opened = run(open_images_job(paths))
    for _ in range(2):
        for i in range(60):
            assert opened[i].image.pixels[2:4, 3:5].tolist() == [[i, i], [i, i]]
            assert n_open() <= before + 17
    del opened
    assert n_open() <= before + 1


def test_a_file_that_is_no_image_is_skipped_and_named(folder):
    good, bad = save(folder / "good.tif"), folder / "bad.tif"
    bad.write_text("no image")
    events = []
    (opened,) = run(open_images_job([bad, good]), events.append)
    assert opened.path == good
    assert opened.image.name == "good"
    (skipped,) = [event for event in events if isinstance(event, Skipped)]
    assert skipped.name == "bad"
    assert "is no TIFF" in skipped.reason
    with pytest.raises(FileError, match="is no TIFF"):
        run(open_images_job([bad]))
    with pytest.raises(FileError, match=r"None of the 2 files can be read\. The first: .*no TIFF"):
        run(open_images_job([bad, bad]))


def test_a_file_that_changes_or_goes_is_said_when_it_is_read(folder):
    paths = [save(folder / f"{i}.tif", shape=(8, 9 + i)) for i in range(40)]
    opened = run(open_images_job(paths))
    paths[0].unlink()
    save(paths[1], shape=(4, 4))
    with pytest.raises(FileError, match="There is no file"):
        opened[0].image.pixels[:2]
    with pytest.raises(FileError, match="has changed"):
        opened[1].image.pixels[:2]


def test_targets_are_found_by_name_whatever_their_ending():
    paths = [Path("low/a.tif"), Path("low/b.tif"), Path("low/c.tif")]
    others = [Path("high/c.ome.tif"), Path("high/a.png"), Path("high/d.tif")]
    matches, alone = match_by_name(paths, others, what="target")
    assert matches == {paths[0]: others[1], paths[2]: others[0]}
    assert [each.message for each in alone] == [
        "b is skipped: there is no target of that name.",
        "d is skipped: it is a target, and no image has its name.",
    ]
    with pytest.raises(FileError, match=r"a\.tif and d\.tif, for example, differ"):
        match_by_name(paths, others[2:], what="target")
