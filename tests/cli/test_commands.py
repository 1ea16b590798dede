"""The command line, from file to file."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.image import Image
from napari_denoise.core.progress import run
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.filters import Gaussian
from napari_denoise.io.images import read_image, write_image
from napari_denoise.learning.models.file import read_model_info

SHORT = ("--set", "n_steps=6", "--set", "patch_size=16", "--set", "n_features=8")


@pytest.fixture
def clean(tmp_path):
    """A calibrated two-plane stack of smooth blobs."""
    y, x = np.mgrid[:48, :40] / 6
    plane = 400 + 300 * (np.sin(y) * np.cos(x))
    path = tmp_path / "clean.ome.tif"
    pixels = np.stack([plane, plane[::-1]]).astype(np.uint16)
    scale, units = (0.5, 0.1, 0.1), ("micrometer",) * 3
    write_image(path, Image(pixels, "ZYX", scale=scale, units=units))
    return path


@pytest.fixture
def noisy(tmp_path, clean, command):
    path = tmp_path / "noisy.tif"
    assert command("simulate", clean, path, "--noise", "poisson", "--seed", 1)[0] == 0
    return path


def psnr_of(command, clean, image):
    code, out, _ = command("measure", clean, image, "--data-range", 600, "--json")
    assert code == 0
    return json.loads(out)["psnr"]


def test_a_noisy_stack_becomes_a_measured_denoised_one(tmp_path, clean, noisy, command):
    denoised = tmp_path / "denoised.tif"
    code, out, _ = command("denoise", noisy, denoised, "--method", "gaussian", "--set", "sigma=1.5")
    assert code == 0
    assert str(denoised) in out
    assert "afe to quantify" in out
    assert psnr_of(command, clean, denoised) > psnr_of(command, clean, noisy) + 6
    result = read_image(denoised)
    assert (result.axes, result.scale) == ("ZYX", (0.5, 0.1, 0.1))
    assert result.units == ("micrometer",) * 3
    assert result.pixels.dtype == np.float32
    steps = result.recipe.steps()
    assert [step.settings["name"] for step in steps] == ["poisson", "gaussian"]
    assert (steps[0].seed, steps[0].source, steps[1].source) == (1, "clean", "noisy")


def test_a_model_is_trained_and_applied_and_the_same_seed_gives_the_same_bytes(
    tmp_path, noisy, command
):
    def once(name):
        model, out = tmp_path / f"{name}.safetensors", tmp_path / f"{name}.tif"
        code, printed, _ = command(
            "train", noisy, "--method", "n2v", "--model", model, *SHORT, "--seed", 3,
            "--device", "cpu", "--json",
        )  # fmt: skip
        assert code == 0
        report = json.loads(printed)
        assert (report["steps"], report["seed"]) == (6, 3)
        assert report["seconds"] > 0
        assert np.isfinite(report["loss"])
        assert command("apply", noisy, out, "--model", model, "--device", "cpu")[0] == 0
        return model.read_bytes(), np.asarray(read_image(out).pixels)

    first, second = once("a"), once("b")
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1], second[1])
    assert first[1].dtype == np.float32


@pytest.fixture
def scene_files(tmp_path, command):
    """A clean scene and a noisy version, large enough to measure the camera on."""
    paths = tmp_path / "scene.tif", tmp_path / "scene_noisy.tif"
    pixels = scene((192, 192), rng=np.random.default_rng(4)) * 2000
    write_image(paths[0], pixels.astype(np.uint16), axes="YX")
    assert command("simulate", *paths, "--noise", "poisson", "--seed", 1)[0] == 0
    return paths


def test_a_filter_inside_stabilisation_says_so_in_its_recipe(tmp_path, scene_files, command):
    (clean, noisy), out = scene_files, tmp_path / "out.tif"
    code, _, _ = command("denoise", noisy, out, "--method", "wavelet", "--stabilize")
    assert code == 0
    settings = read_image(out).recipe.settings
    assert (settings["name"], settings["denoiser"]["name"]) == ("stabilized", "wavelet")
    assert psnr_of(command, clean, out) > psnr_of(command, clean, noisy) + 3


def test_the_camera_is_calibrated_for_programs_and_for_people(scene_files, command):
    noisy = scene_files[1]
    code, out, _ = command("calibrate", noisy, "--json")
    assert code == 0
    report = json.loads(out)
    assert {"gain", "offset", "read_noise", "correlation", "reliable", "advice"} <= set(report)
    # 20 photons in a peak of up to 2000 DN.
    assert 50 < report["gain"] < 150
    assert "gain" in command("calibrate", noisy)[1].lower()


def test_a_model_is_trained_on_pairs_and_begins_with_the_instant_denoiser(
    tmp_path, scene_files, command
):
    clean, noisy = scene_files
    model, out = tmp_path / "care.safetensors", tmp_path / "out.tif"
    code, printed, _ = command(
        "train", noisy, "--method", "care", "--target", clean, "--model", model,
        "--set", "n_steps=4", "--set", "patch_size=32", "--device", "cpu", "--json",
    )  # fmt: skip
    assert code == 0
    assert json.loads(printed)["steps"] == 4
    assert command("apply", noisy, out, "--model", model, "--device", "cpu")[0] == 0
    assert psnr_of(command, clean, out) > psnr_of(command, clean, noisy) + 5
    assert read_image(out).recipe.steps()[-1].settings["name"] == "model"


def test_repeats_in_one_file_are_pairs(tmp_path, noisy, command):
    model = tmp_path / "n2n.safetensors"
    code, _, _ = command(
        "train", noisy, "--method", "n2n", "--axes", "SYX", "--model", model, *SHORT,
        "--set", "repeats=S", "--set", "start=scratch",
    )  # fmt: skip
    assert code == 0
    assert model.exists()


def test_pairs_that_do_not_fit_are_refused_before_any_work(tmp_path, noisy, clean, command):
    model = tmp_path / "m.safetensors"
    care = ("train", noisy, "--method", "care", "--model", model)
    code, _, error = command(*care)
    assert (code, "noisy has no target" in error) == (2, True)
    code, _, error = command(*care, "--target", clean, "--target", clean)
    assert (code, "number of images (1) and of targets (2)" in error) == (2, True)
    turned = tmp_path / "turned.ome.tif"
    write_image(turned, np.zeros((48, 40, 2), np.uint16), axes="YXC")
    code, _, error = command(*care, "--target", turned)
    assert (code, "noisy has axes ZYX, its target turned has" in error) == (2, True)
    assert not model.exists()


def test_deconoising_takes_the_pixel_size_of_the_file_and_gives_both_images(
    tmp_path, clean, noisy, command
):
    model, out = tmp_path / "deco.safetensors", tmp_path / "sharp.tif"
    train = ("train", "--method", "deconoising", "--model", model, *SHORT)
    optics = ("--set", "numerical_aperture=0.8", "--set", "wavelength_nm=520")
    assert command(*train, noisy, *optics)[0] == 0
    assert read_model_info(model).architecture.psf_size == (7, 7)
    assert command("apply", noisy, out, "--model", model, "--set", "output=deconvolved")[0] == 0
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, read_image(noisy).pixels.compute())
    code, _, error = command(*train, plain, *optics)
    assert code == 2
    assert "Give psf_sigma in pixels instead" in error


def test_samples_of_divnoising_get_an_axis_of_their_own(tmp_path, noisy, command):
    model, out = tmp_path / "div.safetensors", tmp_path / "samples.ome.tif"
    camera = ("--set", "gain=1")
    assert (
        command("train", noisy, "--method", "divnoising", "--model", model, *SHORT, *camera)[0] == 0
    )
    assert command("apply", noisy, out, "--model", model, "--samples", 3, "--set", "seed=7")[0] == 0
    source, result = read_image(noisy), read_image(out)
    assert sorted(result.axes) == sorted("S" + source.axes)
    assert result.pixels.shape[result.axes.index("S")] == 3
    assert (result.recipe.settings["seed"], result.recipe.settings["n_samples"]) == (7, 3)
    code, _, error = command("apply", out, tmp_path / "more.tif", "--model", model, "--samples", 3)
    assert code == 2
    assert "the image has one already" in error


def test_a_sweep_ends_in_a_table_and_keeps_every_model(tmp_path, clean, noisy, command):
    out = tmp_path / "models"
    sweep = ("sweep", noisy, "--method", "deconoising", "--vary", "psf_sigma=0.5, 1", *SHORT)
    against = ("--clean", clean, "--data-range", 600)
    code, told, _ = command(*sweep, "--out", out, *against)
    assert code == 0
    assert re.search(r"psf_sigma +J-invariant loss +PSNR dB +seconds\n +0\.5 .*\n +1 ", told)
    assert re.search(r"psf_sigma=(0\.5|1) predicts masked pixels best → .*safetensors", told)
    sigmas = [
        read_model_info(out / f"deconoising psf_sigma={value}.safetensors").method.psf_sigma
        for value in ("0.5", "1")
    ]
    assert sigmas == [0.5, 1.0]
    table = (out / "sweep.csv").read_text(encoding="utf-8-sig").splitlines()
    assert table[0] == "psf_sigma,j_invariant_loss,error,psnr_db,seconds,model"
    assert [row.split(",")[0] for row in table[1:]] == ["0.5", "1"]
    rows = json.loads(command(*sweep, "--out", out, "--json")[1])
    assert [(row["value"], row["psnr_db"]) for row in rows] == [("0.5", None), ("1", None)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--vary", "psf_sigma"), "NAME=VALUE,VALUE"),
        (("--vary", "sigma=1,2"), "no setting 'sigma'"),
        (("--vary", "psf_sigma=1,x"), "psf_sigma must"),
        (("--vary", "psf_sigma=1", "--data-range", 600), "needs both"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(tmp_path, noisy, command, arguments, words):
    out = tmp_path / "models"
    code, _, error = command("sweep", noisy, "--method", "deconoising", "--out", out, *arguments)
    assert code == 2
    assert words in error
    assert not out.exists()


def test_a_preset_of_a_method_is_trained_with_what_is_set_beside_it(tmp_path, noisy, command):
    model = tmp_path / "model.safetensors"
    train = ("train", noisy, "--method", "deconoising", "--model", model, *SHORT)
    assert command(*train, "--preset", "paper", "--set", "batch_size=1")[0] == 0
    method = read_model_info(model).method
    assert (method.replacement, method.depth, method.n_steps) == ("uniform", 3, 6)
    code, _, error = command(*train, "--preset", "papers")
    assert code == 2
    assert "DecoNoising has: paper" in error


def test_training_tells_a_person_its_steps_seconds_and_losses(tmp_path, noisy, command):
    model = tmp_path / "m.safetensors"
    code, out, _ = command("train", noisy, "--method", "n2v", "--model", model, *SHORT)
    assert code == 0
    assert out.startswith("6 steps in ")
    assert "loss" in out
    assert str(model) in out


def test_methods_are_listed_for_programs_and_for_people(command):
    listed = json.loads(command("methods", "--json")[1])
    assert {"gaussian", "median", "box", "n2v"} <= {method["name"] for method in listed}
    assert all({"name", "kind", "settings"} <= set(method) for method in listed)
    (sigma,) = next(m["settings"] for m in listed if m["name"] == "gaussian")
    assert (sigma["name"], sigma["default"], sigma["minimum"]) == ("sigma", 1.0, 0)
    text = command("methods")[1]
    assert "gaussian (filter) – Gaussian" in text
    assert "sigma=1.0 pixels [≥ 0, ≤ 200]" in text
    assert re.search(r"learning_rate=\S+ \[> 0, ≤ 1\]: ", text)


def test_measuring_for_people_names_the_range(clean, noisy, command):
    _, out, _ = command("measure", clean, noisy, "--data-range", 255)
    assert out.startswith("PSNR ")
    assert "data range 255" in out


def test_a_calibration_is_printed_for_programs_and_for_people(tmp_path, command):
    rng = np.random.default_rng(0)
    pixels = np.stack([10 + 4 * rng.poisson(level, (96, 96)) for level in (2, 9, 20, 40)])
    path = tmp_path / "raw.tif"
    tifffile.imwrite(path, pixels.astype(np.uint16), photometric="minisblack")
    code, out, _ = command("calibrate", path, "--axes", "TYX", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["gain"] == pytest.approx(4, rel=0.1)
    assert {"offset", "read_noise", "correlation", "reliable", "advice"} <= set(found)
    assert (found["mask_span_x"], found["row_stripes"], found["bleached"]) == (1, 0, None)
    assert "DN per photo-electron" in command("calibrate", path, "--axes", "TYX")[1]
    code, _, err = command("calibrate", path, "--axes", "CYX")
    assert code == 2
    assert "4 channels" in err
    assert command("calibrate", path, "--axes", "CYX", "--channel", 3)[0] == 0


def test_stripes_and_bleaching_are_told_on_the_command_line(tmp_path, command):
    rng = np.random.default_rng(0)
    light = np.kron(np.linspace(2, 40, 9).reshape(3, 3), np.ones((32, 32)))
    fading = light * np.linspace(1, 0.5, 6)[:, None, None]
    film = 100 + 4 * rng.poisson(fading) + rng.normal(0, 6, (6, 96, 1))
    path = tmp_path / "film.tif"
    tifffile.imwrite(path, film.astype(np.uint16), photometric="minisblack")
    found = json.loads(command("calibrate", path, "--axes", "TYX", "--json")[1])
    assert found["row_stripes"] == pytest.approx(6, rel=0.2)
    assert found["bleached"] == pytest.approx(0.5, abs=0.05)
    printed = command("calibrate", path, "--axes", "TYX")[1]
    assert "row stripes" in printed
    assert "of the signal lost" in printed


def test_repeats_and_dark_frames_are_calibrated(tmp_path, command):
    rng = np.random.default_rng(0)
    field, dark = tmp_path / "field.tif", tmp_path / "dark.tif"
    photons = rng.poisson(np.arange(96)[:, None], (4, 96, 96))
    frames = 100 + 4 * photons + rng.normal(0, 6, photons.shape)
    tifffile.imwrite(field, frames.astype(np.uint16), photometric="minisblack")
    tifffile.imwrite(dark, rng.normal(100, 6, (96, 96)).astype(np.uint16))
    line = ("calibrate", field, "--axes", "TYX", "--json", "--dark", dark)
    found = json.loads(command(*line, "--repeats")[1])
    assert found["gain"] == pytest.approx(4, rel=0.1)
    assert found["read_noise"] == pytest.approx(6, rel=0.05)
    code, _, err = command(*line)
    assert code == 2
    assert "--repeats" in err


def test_equal_images_measure_as_null_and_stay_valid_json(clean, command):
    _, out, _ = command("measure", clean, clean, "--data-range", 255, "--json")
    assert json.loads(out)["psnr"] is None


def test_images_in_another_axis_order_are_measured_plane_by_plane(tmp_path, clean, command):
    turned = tmp_path / "turned.tif"
    pixels = np.asarray(read_image(clean).pixels)
    write_image(turned, pixels.transpose(2, 1, 0), axes="XYZ")
    assert psnr_of(command, clean, turned) is None


def test_the_result_takes_the_input_type_on_request_and_says_what_was_clipped(tmp_path, command):
    source, out = tmp_path / "in.tif", tmp_path / "out.tif"
    tifffile.imwrite(source, np.full((32, 32), 250, np.uint8))
    code, printed, _ = command("simulate", source, out, "--noise", "gaussian", "--set", "sigma=30")
    assert code == 0
    assert "pixels clipped to uint8" in printed
    assert read_image(out).pixels.dtype == np.uint8
    assert command("denoise", out, tmp_path / "b.tif", "--method", "box", "--dtype", "same")[0] == 0
    assert read_image(tmp_path / "b.tif").pixels.dtype == np.uint8


def test_axes_override_what_the_file_says(tmp_path, clean, command):
    out = tmp_path / "out.tif"
    arguments = ("--method", "gaussian", "--axes", "TYX", "--spatial", "TYX")
    assert command("denoise", clean, out, *arguments)[0] == 0
    assert read_image(out).axes == "TYX"


def test_the_version_is_told(command):
    assert command("--version")[1].strip() == "0.1.0"


def test_ctrl_c_while_training_keeps_the_model(tmp_path, noisy):
    model = tmp_path / "m.safetensors"
    code = (
        "import os, signal, sys, threading\n"
        "from napari_denoise import cli\nfrom napari_denoise.cli import progress_bar as console\n"
        "real = console.run\n"
        "def run(job, watch):\n"
        "    def interrupt(event):\n"
        "        if getattr(event, 'step', 0) == 4: os.kill(os.getpid(), signal.SIGINT)\n"
        "        return watch(event)\n"
        "    return real(job, interrupt)\n"
        "console.run = run\n"
        "sys.argv = ['napari-denoise', *sys.argv[1:]]\n"
        "cli.main()\n"
    )
    arguments = ("train", noisy, "--method", "n2v", "--model", model, "--json", *SHORT)
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments), "--set", "n_steps=100000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] < 100
    assert model.exists()


@pytest.fixture
def bad(tmp_path, clean):
    """Files nobody can use, by name."""
    files = {name: tmp_path / f"{name}.tif" for name in ("missing", "text", "nan", "empty", "cut")}
    files["text"].write_text("this is no image")
    tifffile.imwrite(files["nan"], np.full((16, 16), np.nan, np.float32))
    files["empty"].write_bytes(b"")
    files["cut"].write_bytes(clean.read_bytes()[:600])
    files["note"] = tmp_path / "note.safetensors"
    files["note"].write_text("this is no model")
    files["good"] = clean
    return files


def test_several_noises_are_added_in_their_order(tmp_path, clean, command):
    out = tmp_path / "noisy.tif"
    noises = ("--noise", "bleaching:remaining=0.25", "--noise", "poisson:photons=5,per=DN")
    code, _, err = command("simulate", clean, out, *noises, "--axes", "TYX")
    assert code == 0, err
    result = read_image(out)
    parts = result.recipe.settings["noises"]
    assert [part["name"] for part in parts] == ["bleaching", "poisson"]
    assert (parts[1]["photons"], parts[1]["per"]) == (5, "DN")
    means = np.asarray(result.pixels).mean(axis=(1, 2))
    assert means[1] / means[0] == pytest.approx(0.25, rel=0.02)


def test_a_preset_is_a_noise_with_settings_that_can_be_changed(tmp_path, clean, command):
    out = tmp_path / "noisy.tif"
    assert (
        command("simulate", clean, out, "--noise", "emccd:photons=50", "--set", "offset=7")[0] == 0
    )
    settings = read_image(out).recipe.settings
    assert settings["name"] == "camera"
    assert (settings["photons"], settings["offset"], settings["excess_noise"]) == (50, 7, 2)


def test_a_dose_series_is_an_axis_of_the_file(tmp_path, clean, command):
    out = tmp_path / "series.tif"
    assert command("simulate", clean, out, "--noise", "poisson", "--doses", "1,0.5,0.25")[0] == 0
    series = read_image(out)
    assert (series.axes, series.pixels.shape) == ("SZYX", (3, 2, 48, 40))
    assert series.scale[1:] == (0.5, 0.1, 0.1)
    assert series.recipe.doses == (1, 0.5, 0.25)
    means = np.asarray(series.pixels).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(means / means[0], [1, 0.5, 0.25], rtol=0.03)
    again = command("simulate", out, tmp_path / "more.tif", "--noise", "poisson", "--doses", "1")
    assert again[0] == 2
    assert "lies along S" in again[2]


def test_tuned_settings_are_printed_and_stored_and_those_given_stay(
    tmp_path, clean, noisy, command
):
    out = tmp_path / "tuned.tif"
    arguments = ("--method", "nlm", "--stabilize", "--tune", "--set", "search_radius=4")
    code, said, err = command("denoise", noisy, out, *arguments)
    assert code == 0, err
    found = re.search(r"^tuned: strength=([\d.]+)$", said, re.MULTILINE)
    settings = read_image(out).recipe.settings
    assert settings["name"] == "stabilized"
    assert settings["denoiser"]["strength"] == float(found[1]) != 0.8
    assert settings["denoiser"]["search_radius"] == 4
    assert psnr_of(command, clean, out) > psnr_of(command, clean, noisy) + 6


def test_a_tuned_blur_beats_the_default_one(tmp_path, clean, noisy, command):
    plain, tuned = tmp_path / "plain.tif", tmp_path / "tuned.tif"
    assert command("denoise", noisy, plain, "--method", "gaussian")[0] == 0
    assert command("denoise", noisy, tuned, "--method", "gaussian", "--tune")[0] == 0
    assert psnr_of(command, clean, tuned) > psnr_of(command, clean, plain) + 1


BAD = [
    ("denoise good OUT --method instant --tune", "no setting that can be tuned"),
    ("denoise nan OUT --method gaussian --tune", "too small to measure noise"),
    ("denoise good OUT --method gaussian --tune --set sigma=2", "no other setting"),
    ("denoise missing OUT --method gaussian", "missing.tif"),
    ("denoise text OUT --method gaussian", "text.tif"),
    ("denoise empty OUT --method gaussian", "empty.tif"),
    ("denoise cut OUT --method gaussian", "cut.tif"),
    ("denoise nan OUT --method gaussian", "NaN"),
    ("denoise good OUT --method gaussian --axes ZCYX", "ZCYX"),
    ("denoise good OUT --method gaussian --axes QYX", "unknown letters"),
    ("denoise good OUT --method gaussian --set sigma=-1", "sigma must be"),
    ("denoise good OUT --method gaussian --set sgma=1", "Unknown setting 'sgma'"),
    ("denoise good OUT --method gaussian --set sigma", "NAME=VALUE"),
    ("denoise good OUT --method gaussian --set sigma=1,2,3", "sigma has 3 values"),
    ("denoise good OUT --method magic", "no method 'magic'"),
    ("denoise good OUT --method n2v", "trained first"),
    ("denoise good OUT --method gaussian --dtype words", "no dtype 'words'"),
    ("denoise good OUT.jpg --method gaussian", "jpg"),
    ("denoise good nowhere/OUT --method gaussian", "nowhere"),
    ("simulate good OUT --noise rain", "no noise model 'rain'"),
    ("simulate nan OUT --noise poisson", "NaN"),
    ("simulate good OUT --noise poisson:photons=-1", "photons must be"),
    ("simulate good OUT --noise poisson:photons", "NAME=VALUE"),
    ("simulate good OUT --noise emccd:colour=3", "Unknown setting 'colour'"),
    ("simulate good OUT --noise poisson --noise stripes --set sigma=3", "whose --set is"),
    ("simulate good OUT --noise bleaching", "happens along time"),
    ("simulate good OUT --noise poisson --doses half", "such as 1,0.5"),
    ("simulate good OUT --noise poisson --doses 1,0", "cannot be used"),
    ("simulate good OUT --noise scmos:gain_map=missing.tif", "no such file"),
    ("train nan --method n2v --model OUT.safetensors", "NaN"),
    ("train good --method n2v --model OUT.pth", ".safetensors"),
    ("train good --method n2v --model nowhere/OUT.safetensors", "nowhere"),
    ("train good --method n2v --model OUT.safetensors --set steps=3", "Unknown setting 'steps'"),
    ("train missing --method n2v --model OUT.safetensors", "missing.tif"),
    ("apply good OUT --model note", "note.safetensors"),
    ("apply good OUT --model missing", "missing.tif"),
    ("measure good missing --data-range 255", "missing.tif"),
    ("measure good nan --data-range 255", "shape"),
    ("measure good good --data-range 0", "data range"),
]


@pytest.mark.parametrize(("line", "says"), BAD)
def test_bad_input_ends_with_one_sentence_and_no_file(line, says, tmp_path, bad, command):
    folder = tmp_path / "out"
    folder.mkdir()

    def place(word):
        if "OUT" in word:
            end = ".tif" if word.endswith("OUT") else ""
            return folder / (word.replace("OUT", "out") + end)
        return bad.get(word, word)

    code, out, err = command(*map(place, line.split()))
    assert code == 2
    assert says in err
    assert err.startswith("napari-denoise: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert out == ""
    assert list(folder.iterdir()) == []


def test_a_model_for_other_axes_is_refused(tmp_path, clean, command):
    model, flat = tmp_path / "m.safetensors", tmp_path / "flat.tif"
    arguments = ("--method", "n2v", "--model", model, "--spatial", "ZYX", *SHORT[:2])
    assert command("train", clean, *arguments)[0] == 0
    tifffile.imwrite(flat, np.ones((20, 20), np.uint16))
    code, _, err = command("apply", flat, tmp_path / "out.tif", "--model", model)
    assert code == 2
    assert "ZYX" in err
    assert not (tmp_path / "out.tif").exists()


def test_the_input_is_never_overwritten(clean, command):
    before = clean.read_bytes()
    code, _, err = command("denoise", clean, clean, "--method", "gaussian")
    assert code == 2
    assert "is the input itself" in err
    assert clean.read_bytes() == before


@pytest.mark.parametrize(("axes", "dtype"), [("YX", "uint8"), ("YXZ", "float32"), ("TCYX", "same")])
def test_a_result_is_written_as_it_comes_and_is_what_python_gives(
    command, tmp_path, rng, axes, dtype, monkeypatch
):
    monkeypatch.setattr(Gaussian, "tile_size", lambda self, extents: (16,) * len(extents))
    image = rng.integers(0, 300, [{"T": 2, "C": 3, "Z": 2}.get(a, 37) for a in axes], np.uint16)
    write_image(tmp_path / "in.tif", Image(image, axes, scale=(0.5,) * image.ndim))
    out = tmp_path / "out.tif"
    code, said, error = command(
        "denoise", tmp_path / "in.tif", out, "--method", "gaussian", "--dtype", dtype
    )
    assert code == 0, error
    assert str(out) in said
    kind = image.dtype if dtype == "same" else np.dtype(dtype)
    expected = run(denoise_job(Gaussian(), image, Layout(axes, "YX"), dtype=kind)).image.pixels
    result = read_image(out)
    assert (result.axes, result.scale, result.pixels.dtype) == (axes, (0.5,) * image.ndim, kind)
    np.testing.assert_array_equal(result.pixels, expected)
    assert result.recipe is not None
    assert {path.name for path in tmp_path.iterdir()} == {"in.tif", "out.tif"}


def test_a_run_that_fails_leaves_the_file_that_was_there(command, tmp_path):
    image = np.ones((2, 40, 40), np.float32)
    image[1, 3, 3] = np.nan
    write_image(tmp_path / "in.tif", image, axes="ZYX")
    out = tmp_path / "out.tif"
    out.write_bytes(b"what was there")
    code, _, error = command("denoise", tmp_path / "in.tif", out, "--method", "gaussian")
    assert code != 0
    assert "NaN" in error
    assert out.read_bytes() == b"what was there"
    assert {path.name for path in tmp_path.iterdir()} == {"in.tif", "out.tif"}
