"""How likely a value is: a density over values, whatever is known of the noise."""

import numpy as np
import pytest
import torch

from napari_denoise.core.progress import run
from napari_denoise.learning.losses.likelihood import make_likelihood
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.noise.calibration.known_signal import Recordings, fit_noise_model
from napari_denoise.noise.noise_model import HistogramNoiseModel, MixtureNoiseModel

CAMERA = CameraNormalization(gain=2.0, offset=100.0, read_noise=3.0)


@pytest.fixture(params=["camera", "mixture", "histogram"])
def likelihood(request, rng):
    distribution = None
    if request.param != "camera":
        signal = rng.uniform(100, 500, 50_000)
        noise = rng.normal(0, np.sqrt(2 * (signal - 100) + 9))
        distribution = run(fit_noise_model(request.param, Recordings(signal, noise)))
    return make_likelihood(CAMERA, distribution, torch.device("cpu"))


def test_it_is_a_density(likelihood):
    values = torch.linspace(-300, 900, 12_001)
    for signal in (110.0, 237.0, 480.0):
        density = likelihood.log_density(values, torch.tensor(signal)).exp()
        assert float(density.sum() * 0.1) == pytest.approx(1, abs=0.03)
        mean = float((density * values).sum() / density.sum())
        assert mean == pytest.approx(signal, abs=1.5)


def test_noise_is_what_it_was_made_with(likelihood):
    signals = torch.tensor([150.0, 300.0, 450.0])
    wanted = 2 * (signals - 100) + 9
    torch.testing.assert_close(likelihood.variance(signals), wanted, rtol=0.1, atol=0)


def test_far_values_have_a_likelihood_and_a_way_back(likelihood):
    signals = torch.tensor([-1e4, 90.0, 200.0, 1e5], requires_grad=True)
    logs = likelihood.log_density(torch.tensor(1500.0), signals)
    logs.sum().backward()
    assert torch.isfinite(logs).all()
    assert torch.isfinite(signals.grad).all()
    assert signals.grad[2] > 0


@pytest.mark.parametrize(
    ("cls", "changes"),
    [
        (HistogramNoiseModel, {"signals": (2.0, 1.0)}),
        (HistogramNoiseModel, {"densities": ((0.0, 1.0), (0.5, 0.5))}),
        (HistogramNoiseModel, {"densities": ((0.5, 0.5),) * 3}),
        (MixtureNoiseModel, {"widths": ((1.0,), (-1.0,))}),
        (MixtureNoiseModel, {"places": ((0.0,), (0.0, 1.0))}),
    ],
)
def test_damaged_numbers_are_no_distribution(cls, changes):
    rows = ((1.0,), (1.0,))
    whole = {
        HistogramNoiseModel: {"span": 6.0, "densities": ((0.5, 0.5),) * 2},
        MixtureNoiseModel: {"weights": rows, "places": ((0.0,), (0.0,)), "widths": rows},
    }[cls] | {"signals": (1.0, 2.0), "sigmas": (1.0, 1.0)}
    cls(**whole)
    with pytest.raises(ValueError, match="validation error"):
        cls(**{**whole, **changes})
