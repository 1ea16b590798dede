"""The verdict: doubts in words, each with what to do."""

import numpy as np
import pytest

from napari_denoise.noise.advice import judge
from napari_denoise.noise.mean_variance import Curve
from napari_denoise.noise.photon_transfer import fit_line

MEAN = np.linspace(20.0, 200.0, 10)


def verdict(variance=2 * MEAN, *, mean=MEAN, share=0.0, gain=2.0, **more):
    count, none = np.full(mean.shape, 5000.0), np.zeros(mean.shape)
    total = variance / (1 - share)
    curve = Curve(mean, total, share * total, none, count, none, none)
    known = {"correlation": (0.0, 0.0), "saturated": 0.0, "cut_off": 0.0, **more}
    line = fit_line(curve, variance)
    return judge(curve, variance, line, gain=gain, offset=0.0, **known)


def test_a_straight_line_of_independent_noise_is_relied_upon():
    found = verdict()
    assert found.reliable
    assert "100 photo-electrons" in found.advice
    assert "Noise2Void apply" in found.advice


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"correlation": (0.1, 0.6)}, "mask neighbours along X with structN2V"),
        ({"saturated": 0.03}, "3.0% of the pixels are saturated"),
        ({"cut_off": 0.2}, "20% of the pixels have the lowest value"),
        ({"share": 0.7}, "Fine structure is nearly everywhere"),
        ({"variance": 2 * MEAN * np.exp(MEAN / 60)}, "does not rise in a straight line"),
        ({"variance": MEAN[:2], "mean": MEAN[:2]}, "too little range of brightness"),
        ({"variance": MEAN[:2] * 0 + 9, "mean": MEAN[:2], "gain": 0.0}, "too evenly bright"),
    ],
)
def test_each_doubt_is_said(facts, says):
    found = verdict(**facts)
    assert not found.reliable
    assert says in found.advice


def test_slight_correlation_is_told_without_doubt():
    found = verdict(correlation=(0.2, 0.1))
    assert found.reliable
    assert "slightly correlated (lag 1: 0.20)" in found.advice
    assert "along Y with" in found.advice


def test_noise_without_slope_over_a_wide_range_is_called_gaussian():
    found = verdict(np.full(MEAN.shape, 50.0), gain=0.0)
    assert found.reliable
    assert "methods for Gaussian noise fit as they are" in found.advice
