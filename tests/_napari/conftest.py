"""Viewers, layers, models and plugin settings for the widgets' tests."""

import threading
import time

import numpy as np
import pytest
from napari import settings as napari_settings
from napari.components import ViewerModel

from napari_denoise._napari.shared import models
from napari_denoise.core.axes import Layout
from napari_denoise.core.progress import Progress, run
from napari_denoise.learning.methods import N2V
from napari_denoise.learning.models.file import save_model
from napari_denoise.learning.training.job import TrainingImage, train_job

TINY = N2V(n_steps=2, batch_size=1, n_features=4, depth=1, patch_size=16)


@pytest.fixture(autouse=True)
def _own_places(tmp_path, monkeypatch):
    """Each test starts with the defaults, and what it stores goes with it."""
    napari_settings._clear_plugin_settings_cache()
    monkeypatch.setattr(napari_settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    monkeypatch.setattr(models, "autosave_folder", lambda: tmp_path / "unsaved models")
    yield
    napari_settings._clear_plugin_settings_cache()


@pytest.fixture
def viewer():
    """A viewer without a window."""
    return ViewerModel()


@pytest.fixture
def finish(qtbot):
    """Click Run and wait for the end; returns what went wrong, in words."""

    def finish(bar, *, start=True):
        if start:
            bar.run()
        qtbot.waitUntil(lambda: not bar.is_running, timeout=60_000)
        return bar.errorText()

    return finish


@pytest.fixture(scope="session")
def model_files(tmp_path_factory):
    """Trained models of planes and of volumes, in files."""
    folder = tmp_path_factory.mktemp("models")
    noisy = np.random.default_rng(0).normal(100, 10, (8, 24, 24)).astype(np.float32)
    for spatial in ("YX", "ZYX"):
        method = TINY.model_copy(update={"patch_size": 16 if spatial == "YX" else (4, 16, 16)})
        image = TrainingImage.of(noisy, Layout("ZYX", spatial), "noisy")
        save_model(run(train_job(method, [image])), folder / f"{spatial}.safetensors")
    return folder


class SlowJob:
    """A job that goes on until it is told to end, and says how it ended."""

    def __init__(self, result=None):
        self.result = result
        self.is_closed = threading.Event()
        self.is_running = threading.Event()

    def __call__(self, *args, **kwargs):
        try:
            while True:
                self.is_running.set()
                time.sleep(0.001)  # as work that lets go of the interpreter's lock
                if (yield Progress(fraction=0.1, message="working")) is not None:
                    return self.result
        finally:
            self.is_closed.set()


@pytest.fixture
def slow_job():
    return SlowJob()
