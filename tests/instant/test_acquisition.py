"""Simulated acquisition: true to physics on average, and described as a calibration would."""

import numpy as np
import pytest
import torch

from napari_denoise.instant.acquisition import simulate
from napari_denoise.noise.anscombe import anscombe, inverse


def acquired(clean, seed=0):
    return simulate(clean, torch.Generator().manual_seed(seed))


def test_the_mean_of_a_recording_is_the_clean_image():
    batch = acquired(torch.full((400, 1, 32, 32), 0.5))
    # The algebraic inverse of a noisy value is that value: nothing but the noise is in between.
    recorded = inverse(batch.planes[:, 0] + batch.level, batch.dark_variance)
    noise = (batch.clean.clamp(min=0) + batch.dark_variance).sqrt().mean(dim=(1, 2))
    bias = (recorded - batch.clean).mean(dim=(1, 2)) / noise
    assert abs(float(bias.median())) < 0.01
    assert float(bias.abs().quantile(0.8)) < 0.1


def test_stabilised_noise_has_about_unit_variance():
    batch = acquired(torch.full((400, 1, 48, 48), 0.9))
    is_bright = batch.clean.mean(dim=(1, 2)) > 5
    sigma = batch.planes[is_bright].std(dim=(1, 2, 3))
    assert float(sigma.median()) == pytest.approx(1, abs=0.05)
    assert float(sigma.quantile(0.1)) > 0.75
    assert float(sigma.quantile(0.9)) < 1.3


def test_the_network_is_told_how_correlated_the_noise_is():
    batch = acquired(torch.full((300, 1, 64, 64), 0.9))
    noise = batch.planes[:, 0] - batch.planes[:, 0].mean(dim=(1, 2), keepdim=True)
    found = (noise[:, :, 1:] * noise[:, :, :-1]).mean(dim=(1, 2)) / noise.square().mean(dim=(1, 2))
    given = batch.conditions[:, 3, 0, 0]
    assert np.corrcoef(found, given)[0, 1] > 0.9
    assert float(given.max()) > 0.6


def test_some_noise_is_blotchy_as_that_of_wide_field_cameras():
    """Real frames have up to twenty times the power of white noise in what is coarse."""
    batch = acquired(torch.full((300, 1, 64, 64), 0.9))
    noise = batch.planes[:, 0] - batch.planes[:, 0].mean(dim=(1, 2), keepdim=True)
    blocks = torch.nn.functional.avg_pool2d(noise, 8).square().mean(dim=(1, 2)) * 64
    power = blocks / noise.square().mean(dim=(1, 2))
    assert 0.1 < float((power > 8).float().mean()) < 0.4
    assert float((power < 2).float().mean()) > 0.4


def test_another_seed_gives_other_noise_and_the_same_seed_the_same():
    clean = torch.rand(2, 3, 16, 16)
    first, again, other = acquired(clean), acquired(clean), acquired(clean, seed=1)
    assert torch.equal(first.planes, again.planes)
    assert torch.equal(first.conditions, again.conditions)
    assert not torch.equal(first.planes, other.planes)


def test_some_stacks_end_with_the_middle_plane():
    planes = acquired(torch.rand(200, 5, 12, 12)).planes
    is_end = (planes[:, :2] == planes[:, [4, 3]]).flatten(1).all(dim=1)
    assert 0.05 < float(is_end.float().mean()) < 0.3


def test_a_light_level_goes_there_and_back():
    electrons, dark = torch.tensor([0.0, 1.0, 500.0]), torch.tensor(2.0)
    assert torch.allclose(inverse(anscombe(electrons, dark), dark), electrons, atol=1e-3)
