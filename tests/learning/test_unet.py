"""The network's forward pass: any size, step by step, without touching global state."""

import pytest
import torch

from napari_denoise.learning import networks
from napari_denoise.learning.architecture import Architecture
from napari_denoise.learning.unet import UNet
from napari_denoise.progress import run

PLANE = Architecture(n_channels=1, n_features=4, pooling=((2, 2), (2, 2)))
VOLUME = Architecture(n_channels=2, n_features=4, pooling=((1, 2, 2), (2, 2, 2)))


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (31, 64), (33, 1)])
def test_any_size_of_a_plane_comes_back(size):
    batch = torch.zeros(2, 1, *size)
    assert UNet(PLANE)(batch).shape == batch.shape


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 9, 16), (7, 11, 5)])
def test_any_size_of_a_volume_comes_back(size):
    batch = torch.zeros(1, 2, *size)
    assert UNet(VOLUME)(batch).shape == batch.shape


def test_stepping_gives_what_the_forward_pass_gives():
    network, batch = UNet(PLANE), torch.rand(1, 1, 20, 24)
    events = []
    result = run(network.steps(batch), events.append)
    assert torch.equal(result, network(batch))
    assert len(events) == 11
    assert events[-1].fraction == 1.0


@pytest.mark.parametrize("architecture", [PLANE, VOLUME])
def test_a_large_layer_is_done_in_slabs_that_do_not_show(architecture, monkeypatch):
    network = UNet(architecture).requires_grad_(requires_grad=False)
    size = (21, 18, 30)[-architecture.n_spatial :]
    batch = torch.rand(1, architecture.n_channels, *size)
    whole = network(batch)
    monkeypatch.setattr(networks, "_WORK_PER_SLAB", 5e4)
    events = []
    in_slabs = run(network.steps(batch), events.append)
    torch.testing.assert_close(in_slabs, whole, rtol=1e-5, atol=1e-6)
    assert len(events) > 20
    assert events[-1].fraction == 1.0


def test_weights_come_from_the_generator_and_leave_the_global_one_alone():
    before = torch.get_rng_state()
    first, again, other = (
        UNet(PLANE, torch.Generator().manual_seed(seed)).head.weight for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_signals_keep_their_size_through_fresh_layers():
    batch = torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    wide = Architecture(n_channels=1, n_features=32, pooling=((2, 2), (2, 2)))
    assert 0.1 < UNet(wide)(batch).std() < 10
