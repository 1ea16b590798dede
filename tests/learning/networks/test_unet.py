"""The network's forward pass: any size, step by step, without touching global state."""

import pytest
import torch

from napari_denoise.core.progress import run
from napari_denoise.learning.networks.architecture import UNetArchitecture
from napari_denoise.learning.networks.execution import slabs
from napari_denoise.learning.networks.execution.layers import convolution_layers_on_way_up
from napari_denoise.learning.networks.layers import Convolution, downsample
from napari_denoise.learning.networks.unet import UNet

PLANE = UNetArchitecture(n_channels=1, n_features=4, pooling=((2, 2), (2, 2)))
VOLUME = UNetArchitecture(n_channels=2, n_features=4, pooling=((1, 2, 2), (2, 2, 2)))
SMOOTH_PLANE = PLANE.model_copy(update={"shrinking": "max-blur", "skips": "deep"})
SMOOTH_VOLUME = VOLUME.model_copy(update={"shrinking": "blur", "skips": "none"})


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (31, 64), (33, 1)])
@pytest.mark.parametrize("architecture", [PLANE, SMOOTH_PLANE])
def test_any_size_of_a_plane_comes_back(size, architecture):
    batch = torch.zeros(2, 1, *size)
    assert UNet(architecture)(batch).shape == batch.shape


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 9, 16), (7, 11, 5)])
@pytest.mark.parametrize("architecture", [VOLUME, SMOOTH_VOLUME])
def test_any_size_of_a_volume_comes_back(size, architecture):
    batch = torch.zeros(1, 2, *size)
    assert UNet(architecture)(batch).shape == batch.shape


@pytest.mark.parametrize("shrinking", ["average", "blur", "max-blur"])
def test_shrinking_leaves_a_plain_image_plain(shrinking):
    plain = torch.full((1, 1, 8, 12), 7.0)
    torch.testing.assert_close(downsample(plain, (2, 1), shrinking), torch.full((1, 1, 4, 12), 7.0))


def test_blurred_shrinking_weighs_four_pixels_by_the_binomial():
    line = torch.zeros(1, 1, 1, 8)
    line[..., 3] = 8.0
    shrunk = downsample(line, (1, 2), "blur")
    torch.testing.assert_close(shrunk[0, 0, 0], torch.tensor([0.0, 3.0, 1.0, 0.0]))
    reversed_line = downsample(line.flip(-1), (1, 2), "blur")
    torch.testing.assert_close(reversed_line, shrunk.flip(-1))


def test_max_blur_keeps_a_lone_pixel_brighter_than_the_mean_does():
    spot = torch.zeros(1, 1, 8, 8)
    spot[..., 3, 3] = 1.0
    blurred, average = (downsample(spot, (2, 2), how) for how in ("max-blur", "average"))
    assert blurred.max() > 2 * average.max()


def test_stepping_gives_what_the_forward_pass_gives():
    network, batch = (
        UNet(PLANE),
        torch.rand(1, 1, 20, 24, generator=torch.Generator().manual_seed(0)),
    )
    events = []
    result = run(network.steps(batch), events.append)
    torch.testing.assert_close(result, network(batch), rtol=1e-5, atol=1e-6)
    assert torch.equal(result, network.compute(batch))
    assert len(events) == 11
    assert events[-1].fraction == 1.0


@pytest.mark.parametrize("is_learning", [True, False])
@pytest.mark.parametrize("architecture", [PLANE, VOLUME, SMOOTH_PLANE, SMOOTH_VOLUME])
def test_the_fast_way_gives_what_plain_torch_gives_and_the_same_gradient(architecture, is_learning):
    network = UNet(architecture).requires_grad_(is_learning)
    sizes = (9, 22, 30)[-architecture.n_spatial :]
    rng = torch.Generator().manual_seed(0)
    batch = torch.rand(2, architecture.n_channels, *sizes, generator=rng)
    fast, plain = network.compute(batch), network(batch)
    torch.testing.assert_close(fast, plain, rtol=1e-5, atol=1e-5)
    if is_learning:
        weights = list(network.parameters())
        found, expected = (torch.autograd.grad(each.sum(), weights) for each in (fast, plain))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("architecture", [PLANE, VOLUME])
def test_a_large_layer_is_done_in_slabs_that_do_not_show(architecture, monkeypatch):
    network = UNet(architecture).requires_grad_(requires_grad=False)
    size = (21, 18, 30)[-architecture.n_spatial :]
    batch = torch.rand(1, architecture.n_channels, *size)
    whole = network.compute(batch)
    monkeypatch.setattr(slabs, "WORK_PER_SLAB", 5e4)
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
    wide = UNetArchitecture(n_channels=1, n_features=32, pooling=((2, 2), (2, 2)))
    assert 0.1 < UNet(wide)(batch).std() < 10


@pytest.mark.parametrize("architecture", [PLANE, VOLUME, SMOOTH_PLANE, SMOOTH_VOLUME])
def test_a_part_alone_is_what_it_is_in_the_whole(architecture):
    network = UNet(architecture).requires_grad_(requires_grad=False)
    sizes = (17, 58, 43)[-architecture.n_spatial :]
    batch = torch.rand(1, architecture.n_channels, *sizes)
    whole = network.compute(batch)
    for spans in [
        (slice(8, 9), slice(24, 40), slice(12, 31)),
        (slice(0, 3), slice(50, 58), slice(30, 43)),
    ]:
        core = spans[-architecture.n_spatial :]
        part = run(network.steps(batch, core))
        torch.testing.assert_close(part, whole[(..., *core)], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("factors", [(2, 2), (1, 2), (1, 2, 2), (2, 1, 2)])
@pytest.mark.parametrize("n_skipped", [0, 3])
def test_the_way_up_is_a_convolution_of_repeated_pixels(factors, n_skipped):
    rng = torch.Generator().manual_seed(1)
    layer = Convolution(2 + n_skipped, 5, len(factors), rng)
    low = torch.rand(1, 2, *(6, 5, 4)[: len(factors)], generator=rng)
    size = [n * factor for n, factor in zip(low.shape[2:], factors, strict=True)]
    skip = torch.rand(1, n_skipped, *size, generator=rng)
    repeated = torch.nn.functional.interpolate(low, size=size, mode="nearest")
    expected = torch.relu(layer(torch.cat([repeated, skip], dim=1)))
    for is_learning in (True, False):
        layer.requires_grad_(is_learning)
        result = result_of(convolution_layers_on_way_up(layer, low, skip, factors))
        torch.testing.assert_close(result, expected)


def result_of(layers):
    try:
        while True:
            next(layers)
    except StopIteration as end:
        return end.value
