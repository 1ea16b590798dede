"""The ladder network: how far it sees, and that it reports."""

import numpy as np
import pytest
import torch

from napari_denoise.core.progress import run
from napari_denoise.learning.methods.divnoising import LadderArchitecture
from napari_denoise.learning.models.draws import Draws
from napari_denoise.learning.networks.architecture import choose_pooling
from napari_denoise.learning.networks.ladder_vae import LadderVAE


def make_ladder(patch_size, depth=2):
    architecture = LadderArchitecture(
        n_features=4, n_latents=2, pooling=choose_pooling(patch_size, depth), contrast=3.0
    )
    network = LadderVAE(architecture, torch.Generator().manual_seed(5))
    for parameter in network.parameters():
        # Without rectified dead ends, so that all that can be seen is seen.
        parameter.requires_grad_(requires_grad=False).abs_()
    return network


def decoded(network, batch):
    factors = network.architecture.factors()

    def noise(level, shape):
        return torch.from_numpy(Draws().noise(0, level, factors[level], shape[1:])[None])

    return network(batch, noise)[0]


@pytest.mark.parametrize(
    ("size", "depth"), [((160, 24), 1), ((200, 24), 2), ((320, 24), 3), ((24, 24, 120), 2)]
)
def test_a_pixel_changes_others_as_far_as_the_halo_and_no_farther(size, depth):
    network = make_ladder((64,) * len(size), depth)
    axis = int(np.argmax(size))
    halo = network.architecture.halo()[axis]
    batch = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(1))
    before = decoded(network, batch.double().float())
    farthest = 0
    for step in range(network.architecture.alignment()[axis]):
        place = size[axis] // 2 + step
        changed = batch.clone()
        changed.select(2 + axis, place).add_(50.0)
        difference = (decoded(network, changed) - before).abs()
        others = [i for i in range(difference.ndim) if i != 2 + axis]
        reached = torch.nonzero(difference.amax(others) > 0).ravel() - place
        farthest = max(farthest, int(reached.abs().max()))
    assert farthest == halo


@pytest.mark.parametrize("size", [(37, 50), (1, 3), (5, 18, 21)])
def test_images_of_any_size_come_back_in_that_size(size):
    network = make_ladder((16,) * len(size))
    assert decoded(network, torch.zeros(1, 1, *size)).shape == (1, 1, *size)


def test_progress_is_told_after_each_layer():
    network = make_ladder((16, 16))
    fractions = []
    encoding = network.encode_job(torch.zeros(1, 1, 16, 16))
    features = run(encoding, lambda event: fractions.append(event.fraction))
    assert len(fractions) == 6
    assert fractions[-1] == 1.0
    fractions.clear()

    def noise(_level, shape):
        return torch.zeros(shape)

    job = network.decode_job(features, noise, (16, 16))
    run(job, lambda e: fractions.append(e.fraction))
    assert fractions == sorted(fractions)
    assert len(fractions) >= 9


def test_what_costs_nothing_tells_nothing():
    network = make_ladder((16, 16))
    for rung in network.rungs:
        rung.posterior.weight.zero_()
        rung.posterior.bias.zero_()

    def noise(_level, shape):
        return torch.randn(shape, generator=torch.Generator().manual_seed(2))

    one, divergence = network(torch.randn(1, 1, 16, 16), noise)
    other, _ = network(torch.randn(1, 1, 16, 16), noise)
    assert divergence.abs().max() == 0
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("is_learning", [True, False])
@pytest.mark.parametrize("size", [(16, 18), (5, 18, 21)])
def test_the_fast_way_gives_what_plain_torch_gives(size, is_learning):
    network = make_ladder((16,) * len(size)).requires_grad_(is_learning)

    def noise(_level, shape):
        return torch.randn(shape, generator=torch.Generator().manual_seed(2))

    batch = torch.randn(1, 1, *size, generator=torch.Generator().manual_seed(1))
    for fast, plain in zip(network.compute(batch, noise), network(batch, noise), strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-4)
