"""What ``train`` learns from: folders, targets by name, regions, clean images with noise."""

import json

import numpy as np
import pytest
import tifffile

from napari_denoise.learning.models.file import read_model_info
from napari_denoise.noise import Composite

SHORT = ("--set", "n_steps=3", "--set", "patch_size=16", "--set", "n_features=4", "--device", "cpu")
SCRATCH = (*SHORT, "--set", "start=scratch")


@pytest.fixture
def folders(tmp_path, rng):
    """Five images in a folder, and in another one clean ones, each folder with one of its own."""
    for kind, names in (("noisy", "abcde"), ("clean", "bcdef")):
        (tmp_path / kind).mkdir()
        for name in names:
            pixels = np.add.outer(np.arange(40.0), np.arange(50.0)) + 10 * ord(name)
            if kind == "noisy":
                pixels = rng.normal(pixels, 5)
            tifffile.imwrite(tmp_path / kind / f"{name}.tif", pixels.astype(np.float32))
    return tmp_path / "noisy", tmp_path / "clean"


@pytest.fixture
def train(tmp_path, command):
    """Train on what the arguments say; the report, standard error, and the model's header."""

    def call(*arguments):
        model = tmp_path / "model.safetensors"
        code, out, error = command("train", *arguments, "--model", model, "--json")
        assert code == 0, error
        return json.loads(out), " ".join(error.split()), read_model_info(model)

    return call


def skipped_in(report):
    """The reason by image, the last one of several; none is listed twice."""
    pairs = [(each["image"], each["reason"]) for each in report["skipped"]]
    assert len(pairs) == len(set(pairs))
    return dict(pairs)


def test_a_folder_is_trained_on_and_what_is_broken_in_it_is_listed(folders, train):
    noisy, _ = folders
    (noisy / "b.tif").write_bytes((noisy / "b.tif").read_bytes()[:2000])
    tifffile.imwrite(noisy / "c.tif", np.full((40, 50), np.nan, np.float32))
    tifffile.imwrite(noisy / "d.tif", np.zeros((9, 9), np.float32))
    report, error, info = train(noisy, "--method", "n2v", *SHORT)
    skipped = skipped_in(report)
    assert set(skipped) == {"b", "c", "d"}
    assert "ends before its last plane" in skipped["b"]
    assert "NaN" in skipped["c"]
    assert skipped["d"] == "it has 9 × 9 pixels, and a patch 16 × 16."
    for name in skipped:
        assert f"{name} is skipped: " in error
    assert info.recipe.source == "a, c, e"


def test_files_that_fit_a_pattern_are_trained_on(folders, train):
    report, _, info = train(folders[0] / "[ab].tif", "--method", "n2v", *SHORT)
    assert (report["skipped"], info.recipe.source) == ([], "a, b")


def test_targets_in_a_folder_are_found_by_name(folders, train):
    noisy, clean = folders
    (clean / "e.tif").write_text("no image")
    report, _, info = train(noisy, "--method", "care", "--target", clean, *SCRATCH)
    assert info.recipe.source == "b → b, c → c, d → d"
    skipped = skipped_in(report)
    assert skipped["a"] == "there is no target of that name."
    assert skipped["f"] == "it is a target, and no image has its name."
    assert set(skipped) == {"a", "e", "f"}


def test_a_target_of_another_shape_is_skipped_in_a_folder_with_its_image(folders, train):
    noisy, clean = folders
    tifffile.imwrite(clean / "c.tif", np.zeros((40, 49), np.float32))
    report, _, info = train(noisy, "--method", "care", "--target", clean, *SCRATCH)
    assert "its target shape (40, 49)" in skipped_in(report)["c"]
    assert info.recipe.source == "b → b, d → d, e → e"


def test_a_mask_says_where_to_learn(folders, train, tmp_path):
    noisy, _ = folders
    mask = np.zeros((40, 50), np.uint8)
    mask[5:30, 10:35] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    tifffile.imwrite(noisy / "a.tif", np.where(mask, 7, np.nan).astype(np.float32))
    report, _, info = train(noisy, "--method", "n2v", "--region", tmp_path / "mask.tif", *SHORT)
    assert (report["skipped"], info.recipe.source) == ([], "a, b, c, d, e")


def test_noise_is_added_to_clean_images(folders, train):
    noise = ("--noise", "poisson:photons=0.5,per=DN", "--noise", "gaussian:sigma=3")
    _, _, info = train(folders[1], "--method", "care", *noise, *SCRATCH)
    assert isinstance(info.method.noise, Composite)
    assert [each.name for each in info.method.noise.noises] == ["poisson", "gaussian"]
    assert info.method.noise.noises[0].photons == 0.5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("EMPTY", "--method", "n2v"), "There is no image in the folder"),
        (("NOISY", "--method", "n2v", "--noise", "gaussian"), "Unknown setting 'noise'"),
        (("NOISY", "--method", "care", "--noise", "fog"), "There is no noise model 'fog'"),
        (("NOISY", "--method", "care", "--target", "EMPTY"), "There is no image in the folder"),
        (("NOISY", "--method", "care"), "None of the 5 images can be used. The first: CARE learns"),
        (("NOISY", "--method", "n2v", "--region", "SMALL"), "Give a mask with as many rows"),
        (("NOISY", "--method", "n2v", "--region", "BLACK"), "has no pixel"),
        (("BROKEN", "--method", "n2v"), "None of the 2 files can be read. The first: "),
    ],
)
def test_what_cannot_be_learned_from_is_refused(folders, tmp_path, command, arguments, says):
    for name in ("empty", "broken"):
        (tmp_path / name).mkdir()
    for name in "ab":
        (tmp_path / "broken" / f"{name}.tif").write_text("no image")
    tifffile.imwrite(tmp_path / "small.tif", np.ones((10, 10), np.uint8))
    tifffile.imwrite(tmp_path / "black.tif", np.zeros((40, 50), np.uint8))
    places = {
        "NOISY": folders[0],
        "EMPTY": tmp_path / "empty",
        "BROKEN": tmp_path / "broken",
        "SMALL": tmp_path / "small.tif",
        "BLACK": tmp_path / "black.tif",
    }
    model = tmp_path / "model.safetensors"
    line = [places.get(word, word) for word in arguments]
    code, _, error = command("train", *line, "--model", model)
    assert code == 2
    assert says in error
    assert not model.exists()
