"""Images whose published indices are known."""

import numpy as np
import pytest
from scipy import ndimage


@pytest.fixture
def scene():
    """A clean image, and one of another offset and gain with an error."""
    y, x = np.mgrid[:176, :192].astype(float)
    clean = 500 + 200 * np.sin(x / 7) * np.cos(y / 11) + 80 * np.sin(x * y / 400)
    return clean, 0.4 * clean + 30 * np.sin(0.37 * x * y) + 90


@pytest.fixture
def clean(rng):
    """Two planes of smooth structure, between about 100 and 300."""
    return 1000 * ndimage.gaussian_filter(rng.normal(size=(2, 128, 160)), (0, 4, 4)) + 200
