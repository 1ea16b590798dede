"""A filter of another package is offered wherever those that come along are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import own_filter
from napari_denoise import filters
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import run
from napari_denoise.filters import Gaussian, register_filter
from napari_denoise.io.images import read_image, write_image
from napari_denoise.registry import denoisers, describe_methods, make_denoiser
from own_filter import Percentile


@pytest.fixture(autouse=True)
def _filters_of_this_test_alone(monkeypatch):
    monkeypatch.setattr(filters, "FILTERS", list(filters.FILTERS))
    filters._load_plugins.cache_clear()
    yield
    filters._load_plugins.cache_clear()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package with such entry points where Python finds packages."""

    def install(**filters: str) -> Path:
        site = tmp_path / "site"
        about = site / "toy_plugin-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-plugin\nVersion: 1.0\n")
        lines = [f"{name} = {place}" for name, place in filters.items()]
        (about / "entry_points.txt").write_text("\n".join(["[napari_denoise.filters]", *lines]))
        monkeypatch.syspath_prepend(site)
        return site

    return install


def test_a_registered_filter_is_described_made_and_run(rng):
    register_filter(Percentile)
    assert denoisers()[-1] is Percentile
    described = {method["name"]: method for method in describe_methods()}["percentile"]
    assert [setting["name"] for setting in described["settings"]] == ["percentile", "size"]
    image = rng.poisson(50, (3, 40, 50)).astype(np.float32)
    denoiser = make_denoiser("percentile", {"percentile": 25, "size": 5})
    result = run(denoise_job(denoiser, image, Layout("ZYX"))).image
    for plane, filtered in zip(image, result.pixels, strict=True):
        np.testing.assert_array_equal(filtered, ndimage.percentile_filter(plane, 25, 5))


def test_an_installed_filter_is_on_the_command_line(install, tmp_path, rng):
    """In a process of its own, which nobody has told of the filter."""
    site, examples = install(percentile="own_filter:Percentile"), Path(own_filter.__file__).parent
    path = os.pathsep.join([str(site), str(examples), *sys.path])

    def call(*arguments: object) -> str:
        program = "from napari_denoise.cli import main; main()"
        line = [sys.executable, "-c", program, *map(str, arguments)]
        done = subprocess.run(
            line, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": path}
        )
        return done.stdout

    assert "percentile" in {each["name"] for each in json.loads(call("methods", "--json"))}
    noisy, out = tmp_path / "noisy.tif", tmp_path / "out.tif"
    image = rng.poisson(50, (32, 32)).astype(np.float32)
    write_image(noisy, image)
    call("denoise", noisy, out, "--method", "percentile", "--set", "size=5")
    result = read_image(out)
    np.testing.assert_array_equal(result, ndimage.percentile_filter(image, 50, 5))
    assert result.recipe.settings["name"] == "percentile"


def test_a_plugin_that_fails_is_skipped_with_a_warning(install):
    install(broken="no_such_module:Filter", percentile="own_filter:Percentile")
    with pytest.warns(UserWarning, match="'broken' of a plugin is skipped"):
        names = [cls.tag() for cls in denoisers()]
    assert "percentile" in names


def test_what_is_no_filter_or_has_a_taken_name_is_refused():
    class Blur(Gaussian):
        """Another Gaussian."""

    with pytest.raises(SettingsError, match="'gaussian' already"):
        register_filter(Blur)
    with pytest.raises(SettingsError, match="is no filter"):
        register_filter(int)
