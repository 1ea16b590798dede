"""Channel by channel."""

import numpy as np
import pytest

from napari_denoise.core.image import Image
from napari_denoise.core.progress import run
from napari_denoise.noise import calibrate_channels_job


def recorded(gain, n_frames=1):
    """Flat squares from dark to bright, as a camera of this gain records them."""
    rng = np.random.default_rng(0)
    levels = rng.permutation(np.linspace(0, 100, 16)).reshape(4, 4)
    clean = np.kron(levels, np.ones((40, 40)))
    return (100 + gain * rng.poisson(np.stack([clean] * n_frames))).astype(np.uint16)


def test_each_channel_has_a_gain_of_its_own():
    image = Image(np.concatenate([recorded(2), recorded(8)]), "CYX")
    gains = [found.gain for found in run(calibrate_channels_job(image))]
    assert gains == pytest.approx([2, 8], rel=0.1)


def test_repeats_along_an_axis_taken_for_depth_are_repeats():
    (found,) = run(calibrate_channels_job(Image(recorded(4, 4), "ZYX"), is_repeated=True))
    assert found.gain == pytest.approx(4, rel=0.05)
