"""A filter of another package is in the dock, with a form made from its settings."""

import numpy as np
import pytest
from scipy import ndimage

from napari_denoise import filters
from napari_denoise._napari.denoise.widget import DenoiseWidget
from own_filter import Percentile

pytestmark = pytest.mark.gui


def test_a_registered_filter_is_in_the_docks_list_and_runs(qtbot, viewer, finish, rng, monkeypatch):
    monkeypatch.setattr(filters, "FILTERS", list(filters.FILTERS))
    filters.register_filter(Percentile)
    pixels = rng.poisson(50, (24, 24)).astype(np.uint16)
    viewer.add_image(pixels, name="cells")
    dock = DenoiseWidget(viewer)
    qtbot.addWidget(dock)
    dock.setMethod(Percentile)
    assert finish(dock.runBar) == ""
    result = viewer.layers["cells · Percentile"]
    expected = ndimage.percentile_filter(pixels.astype(np.float32), 50, 3)
    np.testing.assert_array_equal(result.data, expected)
