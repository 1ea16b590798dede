"""``napari-denoise measure``, from files to numbers, tables and maps."""

import csv
import json

import numpy as np
import pytest

from napari_denoise.core.image import Image
from napari_denoise.core.progress import run
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.io.images import read_image, write_image
from napari_denoise.metrics import check_photometry_job, compare_job, psnr


@pytest.fixture
def files(tmp_path, command):
    """A calibrated clean stack, a noisy one, and what a filter made of that."""
    paths = {name: tmp_path / f"{name}.ome.tif" for name in ("clean", "noisy", "blurred")}
    planes = [scene((64, 96), rng=np.random.default_rng(seed)) * 2000 for seed in (1, 2)]
    pixels = np.stack(planes).astype(np.uint16)
    units = ("second", "micrometer", "micrometer")
    write_image(paths["clean"], Image(pixels, "TYX", scale=(1, 0.1, 0.1), units=units))
    assert command("simulate", paths["clean"], paths["noisy"], "--noise", "poisson")[0] == 0
    blur = ("--method", "gaussian", "--set", "sigma=1")
    assert command("denoise", paths["noisy"], paths["blurred"], *blur)[0] == 0
    return paths


@pytest.fixture
def measure(command):
    def measure(*arguments):
        code, out, err = command("measure", *arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return measure


def pixels_of(path):
    return np.asarray(read_image(path).pixels)


def test_everything_at_once_is_complete(files, measure):
    noisy = ("--noisy", files["noisy"])
    found = measure(files["clean"], files["blurred"], "--data-range", 4095, *noisy, "--all")
    clean, blurred = pixels_of(files["clean"]), pixels_of(files["blurred"])
    assert found["psnr"] == pytest.approx(run(compare_job(clean, blurred, data_range=4095)).psnr)
    assert {"ssim", "nrmse", "si_psnr", "snr", "ms_ssim", "micro_ssim"} <= set(found)
    assert found["data_range"] == 4095
    verdict = run(check_photometry_job(pixels_of(files["noisy"]), blurred))
    assert found["photometry"]["reason"] == verdict.reason
    assert found["residual"]["lag_1"] < 0
    assert 0 < found["checkerboard"] < 4
    assert 0.2 < found["resolution"]["resolution_um"] < 2
    assert found["j_invariance"]["loss"] > 0


def test_without_a_clean_image_the_noisy_one_tells(files, measure, command):
    found = measure(files["blurred"], "--noisy", files["noisy"])
    assert found["photometry"]["is_safe"] is True
    assert "psnr" not in found
    _, out, _ = command("measure", files["blurred"], "--noisy", files["noisy"])
    assert out.startswith("Safe to quantify")
    assert "Residual: standard deviation" in out


def test_a_raw_image_alone_has_a_resolution_in_micrometers(files, measure, command):
    assert measure(files["noisy"])["resolution"]["limit_um"] == pytest.approx(0.4, rel=0.1)
    assert "Checkerboard" in command("measure", files["noisy"])[1]


def test_a_pixel_size_can_be_given_where_the_file_has_none(tmp_path, files, measure):
    plain = tmp_path / "plain.tif"
    write_image(plain, pixels_of(files["noisy"]), axes="TYX")
    assert "resolution" not in measure(plain)
    found = measure(plain, "--pixel-size", 0.1)["resolution"]
    assert found == measure(files["noisy"])["resolution"]


def test_the_range_can_be_that_of_the_clean_image(files, measure):
    found = measure(files["clean"], files["noisy"], "--data-range", "max-min")
    assert found["data_range"] == np.ptp(pixels_of(files["clean"]))


@pytest.mark.parametrize("per", ["T", "t", "plane"])
def test_scores_come_for_each_frame(files, measure, command, per):
    arguments = (files["clean"], files["noisy"], "--data-range", 4095, "--per", per)
    parts = measure(*arguments)["parts"]
    assert [part["part"] for part in parts] == ["T 0", "T 1"]
    clean, noisy = pixels_of(files["clean"]), pixels_of(files["noisy"])
    assert parts[1]["psnr"] == pytest.approx(psnr(clean[1], noisy[1], data_range=4095))
    assert f"T 1: PSNR {parts[1]['psnr']:.2f} dB" in command("measure", *arguments)[1]


def test_several_images_make_a_list_and_a_table(tmp_path, files, measure):
    table = tmp_path / "table.csv"
    images = (files["clean"], files["noisy"], files["blurred"])
    found = measure(*images, "--data-range", 4095, "--noisy", files["noisy"], "--csv", table)
    assert [each["image"] for each in found] == [str(files["noisy"]), str(files["blurred"])]
    assert "residual" not in found[0]  # the noisy image is no residual of itself
    assert found[1]["psnr"] > found[0]["psnr"] + 3
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert [float(row["psnr_db"]) for row in rows] == [each["psnr"] for each in found]
    assert [row["safe_to_quantify"] for row in rows] == ["", "yes"]


def test_all_images_can_be_measured_without_a_clean_one(files, measure):
    found = measure("--no-clean", files["noisy"], files["blurred"])
    assert [set(each) for each in found] == [
        {"image", "checkerboard", "resolution"},
        {"image", "checkerboard"},
    ]


def test_an_image_of_another_shape_is_skipped_and_the_others_are_measured(tmp_path, files, command):
    other = tmp_path / "other.tif"
    write_image(other, np.ones((2, 30, 30), np.float32), axes="TYX")
    arguments = ("measure", files["clean"], other, files["noisy"], "--data-range", 4095)
    code, out, _ = command(*arguments)
    assert code == 1
    assert "Not measured: other has shape (2, 30, 30), clean (2, 64, 96)." in out
    assert "PSNR" in out
    _, out, _ = command(*arguments, "--json")
    assert [("error" in each, "psnr" in each) for each in json.loads(out)] == [
        (True, False),
        (False, True),
    ]


def test_maps_are_written_with_the_scale_of_their_image(tmp_path, files, measure):
    folder = tmp_path / "maps"
    folder.mkdir()
    noisy = ("--noisy", files["noisy"])
    arguments = (files["clean"], files["blurred"], "--data-range", 4095, *noisy, "--maps", folder)
    written = measure(*arguments)["maps"]
    names = ["difference", "error", "ssim", "residual"]
    assert written == [str(folder / f"blurred_{name}.ome.tif") for name in names]
    difference = read_image(written[0])
    assert (difference.axes, difference.scale) == ("TYX", (1.0, 0.1, 0.1))
    expected = pixels_of(files["blurred"]) - pixels_of(files["clean"])
    np.testing.assert_allclose(difference.pixels, expected, atol=1e-2)
    recipe = difference.recipe
    assert (recipe.operation, recipe.settings["other"]) == ("compare", "clean")
    assert recipe.previous.settings["name"] == "gaussian"


BAD = [
    ("clean noisy", "Add --data-range 255"),
    ("clean noisy --data-range ten", "ten is no number"),
    ("clean noisy --data-range 255 --per Z", "no axis Z to measure along. Choose T, plane."),
    ("noisy --per T", "need a clean image"),
    ("noisy --metric scores", "--metric scores needs a clean image."),
    ("noisy --metric residual", "needs the noisy image"),
    ("blurred --metric resolution", "needs the size of a pixel"),
    ("clean noisy --data-range 255 --csv nowhere/table.csv", "no folder nowhere"),
    ("clean noisy --data-range 255 --maps nowhere", "no folder nowhere"),
    ("clean clean clean --data-range 255 --maps .", "same name"),
    ("clean finer --data-range 255", "0.05 µm along Y, one of clean 0.1 µm"),
    ("clean missing --data-range 255 --noisy noisy", "missing.tif"),
]


@pytest.mark.parametrize(("line", "says"), BAD)
def test_what_cannot_be_measured_ends_with_one_sentence(line, says, files, tmp_path, command):
    files["finer"] = tmp_path / "finer.ome.tif"
    units = ("second", "micrometer", "micrometer")
    pixels = pixels_of(files["clean"])
    write_image(files["finer"], Image(pixels, "TYX", scale=(1, 0.05, 0.05), units=units))
    files["missing"] = tmp_path / "missing.tif"
    before = set(tmp_path.iterdir())
    code, out, err = command("measure", *(files.get(word, word) for word in line.split()))
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert set(tmp_path.iterdir()) == before
