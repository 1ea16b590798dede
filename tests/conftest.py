"""What all tests share."""

from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def real_data() -> Path:
    """The folder of real images beside the checkout."""
    if not DATA.is_dir():
        pytest.skip(f"the real images are not there ({DATA})")
    return DATA
