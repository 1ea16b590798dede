"""Distributions of noise follow from recordings whose signal is known."""

import numpy as np
import pytest

from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.core.progress import run
from napari_denoise.noise.calibration.known_signal import (
    Recordings,
    collect_repeats,
    fit_noise_model,
)

KINDS = ("mixture", "histogram")


def counted(rng, n=60_000):
    """Photons counted with a gain of 2 above 100; from 5 to 200 of them."""
    signal = rng.uniform(5, 200, n)
    return Recordings(100 + 2 * signal, 2 * (rng.poisson(signal) - signal))


@pytest.mark.parametrize("kind", KINDS)
def test_the_noise_of_each_signal_is_found(rng, kind):
    found = run(fit_noise_model(kind, counted(rng)))
    signals = np.array([150.0, 250.0, 400.0])
    np.testing.assert_allclose(found.variance(signals), 2 * (signals - 100), rtol=0.1)
    low, high = found.reach
    assert 105 < low < 130
    assert 480 < high < 505


def test_a_mixture_keeps_intensities_and_tells_skewed_noise_from_even(rng):
    signal = rng.uniform(0, 100, 40_000)
    skewed = rng.exponential(5, signal.size) - 5
    found = run(fit_noise_model("mixture", Recordings(signal, skewed)))
    weights, places, widths = map(np.array, (found.weights, found.places, found.widths))
    np.testing.assert_allclose((weights * places).sum(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    total = (weights * (widths**2 + places**2)).sum(axis=1)
    np.testing.assert_allclose(total, 1, rtol=0.1)
    third = (weights * (places**3 + 3 * places * widths**2)).sum(axis=1)
    assert (third > 0.8).all()  # 2 for the whole long tail


def test_repeats_tell_signal_and_noise(rng):
    clean = np.add.outer(np.linspace(20, 100, 64), np.linspace(0, 20, 48))
    frames = clean + rng.normal(0, 4, (12, *clean.shape)) + np.linspace(0, 5, 12)[:, None, None]
    known = run(collect_repeats(frames, "TYX"))
    assert known.noise.std() == pytest.approx(4, rel=0.03)
    assert known.signal.min() < 25
    assert known.signal.max() > 115


def test_a_few_frames_are_refused(rng):
    with pytest.raises(AxesError, match="at least ten frames along T"):
        run(collect_repeats(rng.normal(size=(5, 32, 32)), "TYX"))
    with pytest.raises(AxesError, match="at least ten frames along T"):
        run(collect_repeats(rng.normal(size=(20, 32, 32)), "ZYX"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_noise_or_one_brightness_is_refused(rng, kind):
    flat = Recordings(np.full(5000, 7.0), rng.normal(size=5000))
    still = Recordings(rng.uniform(0, 9, 5000), np.zeros(5000))
    for known in (flat, still):
        with pytest.raises(InputError, match="dark and bright places"):
            run(fit_noise_model(kind, known))
    with pytest.raises(InputError, match="larger recording"):
        run(fit_noise_model(kind, Recordings(np.arange(100.0), rng.normal(size=100))))
