"""Noise that was measured is drawn as it was."""

import numpy as np
import pytest

from napari_denoise.core.progress import run
from napari_denoise.noise.calibration.known_signal import Recordings, fit_noise_model
from napari_denoise.noise.simulation.base import Recording
from napari_denoise.noise.simulation.measured import MeasuredNoise


@pytest.mark.parametrize("kind", ["mixture", "histogram"])
def test_what_is_drawn_is_distributed_as_what_was_measured(rng, kind):
    signal = rng.uniform(5, 200, 60_000)
    skewed = np.sqrt(signal) * (rng.exponential(1, signal.size) - 1)
    noise = MeasuredNoise(distribution=run(fit_noise_model(kind, Recordings(signal, skewed))))
    for level in (30.0, 100.0, 180.0):
        clean = np.full((200, 200), level)
        drawn = noise.sample(clean, Recording(), rng) - clean
        assert drawn.mean() == pytest.approx(0, abs=0.08 * np.sqrt(level))
        assert drawn.std() == pytest.approx(np.sqrt(level), rel=0.12)
        assert np.mean(drawn**3) > 0.8 * level**1.5  # 2 for the whole long tail
