"""The verdict: doubts in words, each with what to do."""

import numpy as np
import pytest

from napari_denoise.noise.calibration.diagnostics import diagnose
from napari_denoise.noise.calibration.mean_variance import Curve
from napari_denoise.noise.calibration.photon_transfer import fit_line
from napari_denoise.noise.calibration.statistics import NoiseStatistics, Stripes

WHITE = NoiseStatistics((0.0,), (0.0,))
MEAN = np.linspace(20.0, 200.0, 10)


def verdict(variance=2 * MEAN, *, mean=MEAN, share=0.0, gain=2.0, **more):
    count, none = np.full(mean.shape, 5000.0), np.zeros(mean.shape)
    total = variance / (1 - share)
    curve = Curve(mean, total, share * total, none, count, none, none)
    known = {"statistics": WHITE, "saturated": 0.0, "cut_off": 0.0, **more}
    line = fit_line(curve, variance)
    return diagnose(curve, variance, line, gain=gain, offset=0.0, **known)


def test_a_straight_line_of_independent_noise_is_relied_upon():
    found = verdict()
    assert found.reliable
    assert "100 photo-electrons" in found.advice
    assert "Noise2Void apply" in found.advice


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (
            {"statistics": NoiseStatistics((0.1,), (0.6, 0.3, 0.05))},
            "mask 5 pixels along X with structN2V",
        ),
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
    found = verdict(statistics=NoiseStatistics((0.2,), (0.1,)))
    assert found.reliable
    assert "slightly correlated (lag 1: 0.20 along Y, 0.10 along X)" in found.advice
    assert "mask 3 pixels along Y with" in found.advice


def test_stripes_are_told_with_their_mask_if_they_can_be_seen():
    found = verdict(statistics=NoiseStatistics((0.0,), (0.1,), rows=Stripes(3.0, 0.3)))
    assert found.reliable
    assert "Rows have offsets of their own, 3 DN or 0.3 times the noise" in found.advice
    assert "mask 17 pixels along X with structN2V" in found.advice
    assert "Noise2Void apply" not in found.advice
    faint = verdict(statistics=NoiseStatistics((0.0,), (0.0,), columns=Stripes(0.5, 0.05)))
    assert faint.advice == verdict().advice


def test_bleaching_is_told():
    found = verdict(statistics=NoiseStatistics((0.0,), (0.0,), bleached=0.4))
    assert "fades by 40%" in found.advice
    assert (
        verdict(statistics=NoiseStatistics((0.0,), (0.0,), bleached=0.0)).advice == verdict().advice
    )


def test_noise_without_slope_over_a_wide_range_is_called_gaussian():
    found = verdict(np.full(MEAN.shape, 50.0), gain=0.0)
    assert found.reliable
    assert "methods for Gaussian noise fit as they are" in found.advice
