"""What napari is told, and that it costs nothing to tell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from npe2 import PluginManifest

from napari_denoise._napari.shared import preferences as preferences_module
from napari_denoise._napari.shared.dock import DtypePolicy
from napari_denoise._napari.shared.preferences import (
    SAME_AS_SOURCE,
    Preferences,
    preferences,
    remember,
)
from napari_denoise.data.samples import PUBLIC, SAMPLES

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def manifest():
    return PluginManifest.from_distribution("napari-denoise")


def test_every_command_leads_to_something_that_can_be_called(manifest):
    for command in manifest.contributions.commands:
        module, name = command.python_name.split(":")
        assert callable(getattr(__import__(module, fromlist=[name]), name)), command.id


def test_the_manifest_at_the_top_is_the_one_in_the_package():
    top = REPOSITORY / "napari.yaml"
    assert top.resolve() == REPOSITORY / "src" / "napari_denoise" / "napari.yaml"


def test_every_sample_is_offered_and_downloads_say_their_size(manifest):
    titles = {sample.key: sample.display_name for sample in manifest.contributions.sample_data}
    assert set(titles) == {*SAMPLES, *PUBLIC}
    for name, public in PUBLIC.items():
        assert titles[name] == f"{public.title}, {public.size_mb:g} MB download"
    for name, sample in SAMPLES.items():
        assert titles[name] == f"{sample.title}, noisy and clean"


def test_no_reader_is_claimed_for_images(manifest):
    patterns = [p for reader in manifest.contributions.readers for p in reader.filename_patterns]
    assert patterns == ["*.safetensors"]


def test_defaults_in_the_manifest_are_those_in_the_code(manifest):
    stored = manifest.contributions.configurations["general"].properties
    assert Preferences(**{key: field.default for key, field in stored.items()}) == Preferences()
    assert SAME_AS_SOURCE in stored["result_dtype"].enum


def test_what_is_remembered_is_found_again():
    remember(device="cpu")
    assert preferences() == Preferences(device="cpu")


def test_without_the_plugin_installed_the_defaults_are_used(qtbot, monkeypatch):
    def unknown(plugin):
        raise KeyError(plugin)

    monkeypatch.setattr(preferences_module, "get_plugin_settings", unknown)
    remember(device="cpu")
    assert preferences() == Preferences()


def test_an_unknown_dtype_policy_falls_back_to_float32(qtbot):
    policy = DtypePolicy("float16")
    qtbot.addWidget(policy)
    assert policy.value() == "float32"


_OPEN_ALL = """
import sys
from napari.components import ViewerModel
from npe2 import PluginManifest
from qtpy.QtWidgets import QApplication
application = QApplication([])
viewer = ViewerModel()
manifest = PluginManifest.from_distribution("napari-denoise")
for command in manifest.contributions.commands:
    module, name = command.python_name.split(":")
    found = getattr(__import__(module, fromlist=[name]), name)
    if name.endswith("Widget"):
        found(viewer).close()
print("torch" in sys.modules)
"""


def test_no_dock_and_no_command_imports_torch():
    done = subprocess.run(
        [sys.executable, "-c", _OPEN_ALL],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.stdout.strip().endswith("False")
