"""The short scripts do what they say, on small images."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import napari_denoise as nd
from napari_denoise.data.synthetic.scenes import scene

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def files(tmp_path, rng):
    """A clean image and a noisy one, in files."""
    clean = nd.Image(200 * scene((64, 72), rng=rng), "YX", scale=(0.1, 0.1), units=("µm", "µm"))
    noisy = nd.add_noise(clean, nd.PoissonNoise(photons=30), seed=1)
    nd.write_image(tmp_path / "clean.tif", clean)
    nd.write_image(tmp_path / "noisy.tif", noisy)
    return tmp_path


@pytest.fixture
def script(monkeypatch, files, capsys):
    """Run an example as from a terminal, in the files' folder; gives what it prints."""

    def run(name: str, *arguments: str) -> str:
        monkeypatch.chdir(files)
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def psnr(files: Path, name: str) -> float:
    clean, image = (np.asarray(nd.read_image(files / each)) for each in ("clean.tif", name))
    return nd.psnr(clean, image, data_range=200)


@pytest.mark.parametrize("method", [(), ("gaussian",)])
def test_a_file_is_denoised(script, files, method):
    printed = script("denoise_file.py", "noisy.tif", "out.ome.tif", *method)
    assert "YX 64 × 72" in printed
    assert psnr(files, "out.ome.tif") > psnr(files, "noisy.tif") + 2
    assert nd.read_image(files / "out.ome.tif").scale == (0.1, 0.1)


def test_a_network_is_trained_kept_and_applied(script, files):
    script("train_and_apply.py", "noisy.tif", "out.tif", "60")
    assert nd.load_model(files / "out.safetensors").method.name == "n2v"
    assert nd.read_image(files / "out.tif").recipe.settings["name"] == "model"


def test_a_result_is_measured_with_a_reference_and_without(script):
    script("denoise_file.py", "noisy.tif", "out.tif")
    without = script("measure_result.py", "out.tif", "noisy.tif")
    assert "PSNR" not in without
    assert "psnr" in script("measure_result.py", "out.tif", "noisy.tif", "clean.tif")
