"""Viewers, layers and plugin settings for the widgets' tests."""

import pytest
from napari import settings as napari_settings
from napari.components import ViewerModel


@pytest.fixture(autouse=True)
def _own_plugin_settings(tmp_path, monkeypatch):
    """Each test starts with the defaults, and what it stores goes with it."""
    napari_settings._clear_plugin_settings_cache()
    monkeypatch.setattr(napari_settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    yield
    napari_settings._clear_plugin_settings_cache()


@pytest.fixture
def viewer():
    """A viewer without a window."""
    return ViewerModel()
