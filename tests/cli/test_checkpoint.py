"""Trainings on the command line that end before their time, and go on."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile

from napari_denoise.learning.models.file import read_checkpoint_info, read_model_info

SHORT = ("--set", "n_steps=6", "--set", "patch_size=16", "--set", "n_features=8")

TRAIN = """
import sys
from napari_denoise import cli
from napari_denoise.learning.training import autosave
autosave.INTERVAL_S = 0.05
sys.argv = ["napari-denoise", *sys.argv[1:]]
cli.main()
"""


@pytest.fixture
def noisy(tmp_path, rng):
    y, x = np.mgrid[:48, :40] / 6
    path = tmp_path / "noisy.tif"
    tifffile.imwrite(path, rng.poisson(400 + 300 * np.sin(y) * np.cos(x)).astype(np.uint16))
    return path


@pytest.fixture
def finished(tmp_path, noisy, command):
    path = tmp_path / "finished.safetensors"
    arguments = ("--method", "n2v", "--model", path, *SHORT, "--device", "cpu")
    assert command("train", noisy, *arguments)[0] == 0
    return path


def test_a_killed_training_goes_on_from_what_it_left(tmp_path, noisy, command):
    model, left = tmp_path / "m.safetensors", tmp_path / "m.unfinished.safetensors"
    arguments = ["train", noisy, "--method", "n2v", "--model", model, *SHORT, "--device", "cpu"]
    endless = [*arguments, "--set", "n_steps=100000"]
    with subprocess.Popen([sys.executable, "-c", TRAIN, *map(str, endless)]) as process:
        deadline = time.monotonic() + 120
        while not left.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert not model.exists()
    n_done = read_checkpoint_info(left).n_done

    code, _, error = command(*arguments)
    assert code == 2
    assert f"A training of m.safetensors was interrupted after {n_done:,} steps." in error
    assert f"--resume {left}" in error

    n_steps = f"n_steps={n_done + 2}"
    arguments = ("--model", model, "--resume", left, "--set", n_steps, "--json")
    code, out, _ = command("train", noisy, *arguments, "--device", "cpu")
    assert code == 0
    assert json.loads(out)["steps"] == n_done + 2
    assert read_model_info(model).method.patch_size == 16
    assert not left.exists()


def test_a_finished_model_is_trained_further(tmp_path, noisy, finished, command):
    out_path = tmp_path / "further.safetensors"
    arguments = ("--model", out_path, "--resume", finished, "--set", "n_steps=4", "--json")
    code, out, _ = command("train", noisy, *arguments, "--device", "cpu")
    assert code == 0
    report = json.loads(out)
    assert (report["method"], report["steps"], report["is_finished"]) == ("n2v", 10, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "finished.safetensors",
        "further.safetensors",
        "noisy.tif",
    ]


def test_a_model_of_volumes_is_trained_further_on_volumes(tmp_path, rng, command):
    volume, model = tmp_path / "volume.tif", tmp_path / "m.safetensors"
    tifffile.imwrite(volume, rng.poisson(100, (6, 24, 24)).astype(np.uint16))
    settings = ("--set", "n_steps=2", "--set", "patch_size=4,16,16", "--set", "n_features=4")
    arguments = ("--axes", "ZYX", "--model", model, "--device", "cpu")
    first = ("--method", "n2v", "--spatial", "ZYX", *settings)
    assert command("train", volume, *first, *arguments)[0] == 0
    assert command("train", volume, "--resume", model, *arguments)[0] == 0
    assert (read_model_info(model).spatial, read_model_info(model).n_steps) == ("ZYX", 4)


def test_a_time_budget_ends_the_training_and_says_so(tmp_path, noisy, command):
    model = tmp_path / "m.safetensors"
    budget = ("--set", "n_steps=1000000", "--set", "max_minutes=0.01")
    arguments = ("--method", "n2v", "--model", model, *SHORT, *budget, "--device", "cpu")
    code, _, error = command("train", noisy, *arguments)
    assert code == 0
    assert "its time of 0.01 min was over" in " ".join(error.split())
    info = read_model_info(model)
    assert info.recipe.settings["n_steps"] == info.n_steps < 100_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "OUT.safetensors"), "Choose a learned method"),
        (
            ("--model", "OUT.safetensors", "--resume", "FINISHED", "--set", "depth=3"),
            "was trained with depth 2, and cannot go on with 3",
        ),
        (
            ("--model", "OUT.safetensors", "--resume", "FINISHED", "--method", "n2v2"),
            "trained with Noise2Void, and N2V2 cannot go on",
        ),
        (
            ("--model", "OUT.safetensors", "--resume", "missing.safetensors"),
            "There is no model file",
        ),
        (("--model", "OUT.safetensors", "--resume", "NOISY"), "is no model file"),
    ],
)
def test_what_cannot_be_resumed_is_refused(
    arguments, message, tmp_path, noisy, finished, command, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    names = {"FINISHED": finished, "NOISY": noisy}
    code, _, error = command("train", noisy, *(names.get(part, part) for part in arguments))
    assert code == 2
    assert message in error
    assert not (tmp_path / "OUT.safetensors").exists()
