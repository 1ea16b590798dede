"""How long after Stop, Cancel, or closing a dock or the window real work in napari is over.

Run with ``xvfb-run -a python benchmarks/stop_latency_docks.py`` (or on a real display). Trains
Noise2Void with its default network on a plane of 512 × 512, and applies the model to one of
2048 × 2048. Each row: milliseconds from the request until the job's thread has gone and, where
the dock still exists, its buttons are back. The goal is less than 300 ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Before napari is imported: what the docks remember must not end up in the user's settings.
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")

import napari
import numpy as np
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_denoise._napari.shared.models import ShelvedModel, shelf_of
from napari_denoise.learning.methods import N2V

GOAL_MS = 300
PLUGIN = "napari-denoise"


@dataclass
class Session:
    """A viewer with one dock at work."""

    viewer: napari.Viewer
    dock: object
    widget: object


def stop(session: Session) -> None:
    session.widget.runBar.stop()


def cancel(session: Session) -> None:
    session.widget.runBar.cancel()


def close_dock(session: Session) -> None:
    session.dock.destroyOnClose()
    session.dock = session.widget = None


def close_window(session: Session) -> None:
    """As the X of the window does; viewer.close() takes napari itself longer than the goal."""
    window = session.viewer.window._qt_window
    window._save_current_window_settings = lambda: None
    session.dock = session.widget = None
    window.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def start_training(device: str, model: ShelvedModel | None) -> Session:
    """Train for ever, until the loss curve has begun."""
    del model
    viewer = _viewer((512, 512))
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Train")
    widget.methodBox.chooser.setValue(N2V(n_steps=1_000_000))
    widget.deviceChooser.setValue(device)
    widget.runBar.run()
    _wait(lambda: widget.lossPlot.stepCount() > 0)
    return Session(viewer, dock, widget)


def start_applying(device: str, model: ShelvedModel | None) -> Session:
    """Apply the model, and be in the middle of it."""
    viewer = _viewer((12, 2048, 2048))
    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Denoise")
    widget.setModel(shelf_of(viewer).add(model))
    widget.deviceChooser.setValue(device)
    widget.runBar.run()
    _wait(lambda: "tile" in widget.runBar.message().lower())
    return Session(viewer, dock, widget)


def train_model(device: str) -> ShelvedModel:
    """A model of the default network, hardly trained."""
    viewer = _viewer((128, 128))
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Train")
    widget.methodBox.chooser.setValue(N2V(n_steps=2))
    widget.deviceChooser.setValue(device)
    widget.runBar.run()
    _wait(lambda: not widget.runBar.is_running)
    model = shelf_of(viewer).models[0]
    viewer.close()
    return model


def measure(start: Callable[..., Session], act: Callable[[Session], None], args: tuple) -> float:
    """Milliseconds from the request to idle, once."""
    session = start(*args)
    _wait(lambda: False, timeout_s=np.random.default_rng().uniform(0.1, 0.6))
    begin = time.perf_counter()
    act(session)
    _wait(lambda: not _jobs() and (session.widget is None or not session.widget.runBar.is_running))
    took = 1000 * (time.perf_counter() - begin)
    if act is not close_window:
        session.viewer.close()
    return took


def _viewer(shape: tuple[int, ...]) -> napari.Viewer:
    viewer = napari.Viewer(show=False)
    pixels = np.random.default_rng(0).poisson(50, shape).astype(np.uint16)
    viewer.add_image(pixels, name="noisy", contrast_limits=(0, 100))
    return viewer


def _jobs() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("napari-denoise")]


def _wait(is_done: Callable[[], bool], timeout_s: float = 120) -> None:
    end = time.perf_counter() + timeout_s
    while not is_done() and time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.001)


def main() -> None:
    """Measure all combinations and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    model = train_model(options.device)
    works = {"training": start_training, "applying": start_applying}
    acts = {
        "stop": stop,
        "cancel": cancel,
        "dock closed": close_dock,
        "window closed": close_window,
    }
    print(f"{'to idle, ms':32} {'median':>8} {'max':>8}")
    for work, start in works.items():
        for act_name, act in acts.items():
            if (work, act_name) == ("applying", "stop"):
                continue  # half an image is of no use: that dock offers Cancel only
            args = (options.device, model)
            times = [measure(start, act, args) for _ in range(options.repeats)]
            verdict = "ok" if max(times) < GOAL_MS else "TOO SLOW"
            name = f"{work}: {act_name}"
            print(f"{name:32} {statistics.median(times):8.0f} {max(times):8.0f}   {verdict}")


if __name__ == "__main__":
    main()
