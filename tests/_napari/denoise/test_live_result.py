"""A large image's result fills up before one's eyes."""

import threading
import time

import numpy as np
import pytest

from napari_denoise._napari.denoise import live_result
from napari_denoise._napari.denoise.widget import DenoiseWidget
from napari_denoise.core.progress import Progress
from napari_denoise.filters import Gaussian

UNDER_WAY = "cells · under way"


@pytest.fixture
def gate(monkeypatch):
    """Keeps a Gaussian from going beyond its second tile until it is set."""
    gate, n_tiles, denoise_tile = threading.Event(), [], Gaussian.denoise_tile

    def slowly(self, tile):
        n_tiles.append(tile.shape)
        while len(n_tiles) > 2 and not gate.is_set():
            time.sleep(0.005)
            yield Progress(fraction=0.0)
        return (yield from denoise_tile(self, tile))

    monkeypatch.setattr(Gaussian, "denoise_tile", slowly)
    monkeypatch.setattr(Gaussian, "is_threaded", False)
    monkeypatch.setattr(live_result, "_DELAY_S", 0.0)
    monkeypatch.setattr(live_result, "_INTERVAL_S", 0.0)
    return gate


@pytest.fixture
def dock(qtbot, viewer, rng):
    viewer.add_image(rng.poisson(50, (4, 24, 24)).astype(np.uint8), name="cells")
    dock = DenoiseWidget(viewer)
    qtbot.addWidget(dock)
    dock.setMethod(Gaussian)
    return dock


@pytest.fixture
def started(dock, viewer, qtbot, gate):
    """The dock, as soon as a part of the result is shown."""
    dock.runBar.run()
    qtbot.waitUntil(lambda: UNDER_WAY in viewer.layers, timeout=20_000)
    return dock


def test_what_is_done_is_shown_over_the_source_until_all_is_done(started, viewer, gate, finish):
    partial = viewer.layers[UNDER_WAY]
    assert np.isfinite(partial.data[0]).all()
    assert np.isnan(partial.data[-1]).all()
    assert viewer.layers.selection.active is viewer.layers["cells"]
    assert UNDER_WAY not in started.layerChooser.names()
    gate.set()
    assert finish(started.runBar, start=False) == ""
    assert [layer.name for layer in viewer.layers] == ["cells", "cells · Gaussian"]
    assert np.isfinite(viewer.layers[-1].data).all()


def test_cancelling_takes_away_what_was_shown_and_nothing_else(started, viewer, finish):
    started.runBar.cancel()
    finish(started.runBar, start=False)
    assert [layer.name for layer in viewer.layers] == ["cells"]


def test_who_removes_the_unfinished_result_gets_the_whole_one(started, viewer, gate, finish):
    del viewer.layers[UNDER_WAY]
    gate.set()
    assert finish(started.runBar, start=False) == ""
    assert [layer.name for layer in viewer.layers] == ["cells", "cells · Gaussian"]


def test_a_quick_result_is_shown_only_once_it_is_whole(dock, viewer, finish):
    names = []
    viewer.layers.events.inserted.connect(lambda event: names.append(event.value.name))
    assert finish(dock.runBar) == ""
    assert names == ["cells · Gaussian"]


def test_whole_numbers_fill_up_from_zero(started_as_source, viewer):
    assert (viewer.layers[UNDER_WAY].data[-1] == 0).all()


@pytest.fixture
def started_as_source(dock, viewer, qtbot, gate, finish):
    dock.dtypeBox.setCurrentIndex(1)
    dock.runBar.run()
    qtbot.waitUntil(lambda: UNDER_WAY in viewer.layers, timeout=20_000)
    yield dock
    gate.set()
    finish(dock.runBar, start=False)
