"""Training the instant denoiser: in pieces as in one go, and nothing is lost on the way."""

import json
from itertools import islice

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from napari_denoise.core.errors import ModelError
from napari_denoise.instant import pretraining as optimization
from napari_denoise.instant import train as instant_train
from napari_denoise.instant.curriculum import Curriculum, patches
from napari_denoise.instant.pretraining import Pretraining
from napari_denoise.learning.networks.architecture import InstantArchitecture
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.networks.shipped import load_network, save_network

SMALL = InstantArchitecture(widths=(8, 8), n_blocks=(1, 1))


@pytest.fixture
def pieces(tmp_path, monkeypatch):
    """Runs the program on a small network; returns what it printed."""
    monkeypatch.setattr(instant_train, "InstantArchitecture", lambda n_planes: SMALL)
    monkeypatch.setattr(optimization, "_N_VALIDATION", 1)

    def run(*options, out="weights.safetensors"):
        arguments = ["--out", str(tmp_path / out), "--device", "cpu", "--batch", "2"]
        return instant_train.main([*arguments, *map(str, options)])

    return run


def test_two_pieces_are_one_training(pieces, tmp_path):
    assert pieces("--steps", 4, "--budget", "1h", out="whole.safetensors") == 0
    assert pieces("--steps", 2, "--budget", "1h", out="parts.safetensors") == 0
    assert pieces("--steps", 2, "--budget", "1h", out="parts.safetensors") == 0
    whole, parts = (load_file(tmp_path / f"{name}.state") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_weights_say_how_they_came_about(pieces, tmp_path, capsys):
    pieces("--steps", 3, "--budget", "1h", "--seed", 7, "--finish")
    network, record = load_network(tmp_path / "weights.safetensors")
    assert network.architecture == SMALL
    assert record["seed"] == 7
    assert record["steps"] == 3
    assert {"date", "version", "validation_db", "learning_rate"} <= record.keys()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["validation_db"] == record["validation_db"]


def test_learning_lowers_the_error_on_scenes_kept_apart(monkeypatch):
    monkeypatch.setattr(optimization, "_N_VALIDATION", 2)
    monkeypatch.setattr(optimization, "_WARM_UP", 1)
    training = Pretraining(
        Curriculum(seed=0, patch_size=64), SMALL, torch.device("cpu"), learning_rate=3e-3
    )
    before = training.validate()
    for clean in islice(patches(training.curriculum, 0), 60):
        training.step(clean)
    assert training.validate() > before + 3


def test_a_step_that_overflows_changes_nothing():
    training = Pretraining(Curriculum(seed=0, patch_size=16), SMALL, torch.device("cpu"))
    with torch.no_grad():
        training.network.head.weight[0] = 1e38
    before = training.network.head.weight.clone()
    training.step(next(patches(training.curriculum, 0)))
    assert torch.equal(training.network.head.weight, before)
    assert training.n_steps == 1


def test_a_state_of_another_training_is_refused(pieces, capsys):
    pieces("--steps", 1, "--budget", "1h")
    assert pieces("--steps", 1, "--seed", 5) == 2
    assert "another training" in capsys.readouterr().err


def test_a_budget_is_read_as_people_write_it():
    assert [instant_train.seconds(text) for text in ("90", "90s", "10m", "1.5h")] == [
        90,
        90,
        600,
        5400,
    ]
    with pytest.raises(Exception, match="Write 90s, 10m or 2h"):
        instant_train.seconds("soon")


def test_volumes_begin_with_what_was_learned_on_planes():
    planes = InstantNetwork(InstantArchitecture(widths=(8, 8), n_blocks=(1, 1)))
    architecture = InstantArchitecture(n_planes=5, widths=(8, 8), n_blocks=(1, 1))
    training = Pretraining(
        Curriculum(seed=0, n_planes=5, patch_size=16), architecture, torch.device("cpu")
    )
    training.begin_with(planes)
    volume, told = torch.randn(1, 5, 16, 16), torch.rand(1, 4, 16, 16)
    with torch.no_grad():
        expected, _ = planes(volume[:, 2:3], told)
        assert torch.allclose(training.network(volume, told)[0], expected, atol=1e-5)


def test_many_hands_make_the_same_patches():
    curriculum = Curriculum(seed=3, patch_size=16, batch_size=2)
    alone, helped = patches(curriculum, 5), patches(curriculum, 5, n_workers=2)
    for mine, theirs in islice(zip(alone, helped, strict=False), 3):
        np.testing.assert_array_equal(mine, theirs)
    helped.close()


def test_patches_of_a_volume_have_planes():
    batch = next(patches(Curriculum(seed=0, n_planes=5, patch_size=16, batch_size=2), 0))
    assert batch.shape == (2, 5, 16, 16)
    assert np.isfinite(batch).all()
    assert batch.min() >= 0


@pytest.mark.parametrize("n_bytes", [0, 100, 4000])
def test_damaged_weights_are_refused_in_words(tmp_path, n_bytes):
    path = tmp_path / "weights.safetensors"
    save_network(InstantNetwork(SMALL), path, {})
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(ModelError, match="Install napari-denoise again"):
        load_network(path)
