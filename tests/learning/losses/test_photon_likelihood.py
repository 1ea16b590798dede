"""The camera's likelihood: what it prefers, and that it computes at any number of electrons."""

import numpy as np
import pytest
import torch

from napari_denoise.learning.losses.photon_likelihood import PhotonLikelihood
from napari_denoise.learning.normalization.camera import CameraNormalization


def best_guess(likelihood, pixels, start):
    """The one value that fits all pixels best, as an intensity in DN."""
    value = torch.full((1,), start, requires_grad=True)
    optimizer = torch.optim.LBFGS([value], max_iter=400, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = likelihood.nll(value, pixels).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return float(likelihood.intensities(value.detach()))


@pytest.mark.parametrize("electrons", [0.3, 2.0, 50.0, 3000.0])
@pytest.mark.parametrize("read_noise", [0.0, 1.5, 20.0])
def test_the_best_guess_is_the_mean_of_what_is_recorded(rng, electrons, read_noise):
    gain, offset = 2.5, 100.0
    counts = rng.poisson(electrons, 20000) + rng.normal(0, read_noise, 20000)
    pixels = torch.from_numpy(counts * gain + offset).float()
    camera = CameraNormalization(gain=gain, offset=offset, read_noise=read_noise * gain)
    start = float(camera.stabilize(pixels).mean())
    error = best_guess(PhotonLikelihood(camera), pixels, start) - float(pixels.mean())
    assert abs(error) < 2e-3 * electrons * gain


def test_without_a_gain_it_is_that_of_even_noise(rng):
    pixels = torch.from_numpy(rng.normal(500, 4, 1000)).float()
    likelihood = PhotonLikelihood(CameraNormalization(gain=0, offset=10, read_noise=4))
    assert best_guess(likelihood, pixels, 100.0) == pytest.approx(float(pixels.mean()), rel=1e-5)
    values = torch.tensor([2.0])
    one_sigma_off = likelihood.intensities(values) + 4
    assert float(likelihood.nll(values, one_sigma_off)) == pytest.approx(0.5)


@pytest.mark.parametrize("electrons", [100.0, 1e4, 1e7])
def test_a_pixel_one_sigma_off_has_an_nll_of_a_half(electrons):
    camera = CameraNormalization(gain=1, offset=0, read_noise=5)
    likelihood = PhotonLikelihood(camera)
    sigma = np.sqrt(electrons + 25)
    value = torch.tensor([2 * np.sqrt(electrons + 25.05)], dtype=torch.float32)
    nll = likelihood.nll(value, likelihood.intensities(value) + sigma)
    assert float(nll) == pytest.approx(0.5, rel=0.04)


def test_pixels_below_zero_and_hot_ones_give_finite_gradients():
    likelihood = PhotonLikelihood(CameraNormalization(gain=1, offset=100, read_noise=0.5))
    values = torch.linspace(-50, 50, 11).requires_grad_()
    pixels = torch.tensor([0.0, 90, 99, 99.9, 100, 101, 1e4, 6e4, 0, 100, 65535])
    nll = likelihood.nll(values, pixels)
    nll.sum().backward()
    assert torch.isfinite(nll).all()
    assert torch.isfinite(values.grad).all()
