"""The instant denoiser's network: what it sees, and that nobody waits for it."""

import pytest
import torch

from napari_denoise.core.progress import run
from napari_denoise.learning.networks.architecture import InstantArchitecture
from napari_denoise.learning.networks.execution import slabs
from napari_denoise.learning.networks.execution.slabs import Scratch
from napari_denoise.learning.networks.instant import N_CONDITIONS, InstantNetwork

SMALL = InstantArchitecture(widths=(8, 8, 8), n_blocks=(1, 1, 2))


@pytest.fixture
def network():
    return InstantNetwork(SMALL, torch.Generator().manual_seed(1)).requires_grad_(
        requires_grad=False
    )


def batch(height, width, n_planes=1):
    rng = torch.Generator().manual_seed(0)
    planes = torch.randn(1, n_planes, height, width, generator=rng)
    return planes, torch.rand(1, N_CONDITIONS, height, width, generator=rng)


@pytest.mark.parametrize("size", [(1, 1), (3, 17), (32, 32), (31, 45)])
def test_an_image_of_any_size_keeps_it(network, size):
    cleaned, log_variance = network(*batch(*size))
    assert cleaned.shape == log_variance.shape == (1, *size)


def test_no_pixel_beyond_the_halo_matters_and_one_just_within_does(network):
    halo, step = SMALL.halo()[-1], SMALL.alignment()[-1]
    planes, conditions = batch(2 * halo + 40, 2 * halo + 40)
    before, _ = network(planes, conditions)
    reached = 0
    for place in range(halo + 16, halo + 16 + step):
        changed = planes.clone()
        changed[..., place, place] += 1e4
        rows = ((network(changed, conditions)[0] - before).abs() > 0).any(dim=2).nonzero()[:, 1]
        reached = max(reached, int((rows - place).abs().max()))
    assert halo - step < reached <= halo


def test_in_a_volume_the_neighbouring_planes_belong_to_the_halo():
    wide = SMALL.model_copy(update={"n_planes": 5})
    assert wide.halo() == (2, *SMALL.halo())
    assert wide.alignment() == (1, *SMALL.alignment())


def test_it_can_be_left_between_any_two_layers(network):
    fractions = []
    run(network.steps(*batch(32, 32)), lambda event: fractions.append(event.fraction))
    n_layers = 2 + 2 * (2 * (1 + 1) + 2) + 2 * 2  # both answers in one go
    assert len(fractions) == n_layers
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1)


@pytest.mark.parametrize("widths", [(8, 8, 8), (8, 16, 28, 40), (8, 40, 24)])
def test_memory_that_is_used_again_changes_nothing(monkeypatch, widths):
    architecture = InstantArchitecture(widths=widths, n_blocks=(1, 2, 1, 2)[: len(widths)])
    network = InstantNetwork(architecture, torch.Generator().manual_seed(1))
    images = [batch(*size) for size in [(70, 50), (40, 90), (70, 50), (33, 64)]]
    whole = [network.compute(*image) for image in images]
    network.requires_grad_(requires_grad=False)
    monkeypatch.setattr(slabs, "WORK_PER_SLAB", 1e5)
    scratch = Scratch()
    again = [run(network.steps(*image, scratch)) for image in images]
    for found, expected in zip(again, whole, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_only_the_middle_plane_is_cleaned():
    architecture = InstantArchitecture(n_planes=3, widths=(8, 8), n_blocks=(1, 1))
    network = InstantNetwork(architecture)
    with torch.no_grad():
        network.noise.weight.zero_()
    planes, conditions = batch(16, 16, n_planes=3)
    assert torch.equal(network(planes, conditions)[0], planes[:, 1])


def test_what_the_uncertainty_learns_leaves_the_image_alone():
    network = InstantNetwork(SMALL)
    _, log_variance = network(*batch(16, 16))
    gradients = torch.autograd.grad(
        log_variance.sum(), list(network.parameters()), allow_unused=True
    )
    touched = [
        name
        for (name, _), gradient in zip(network.named_parameters(), gradients, strict=True)
        if gradient is not None
    ]
    assert touched == ["log_variance.weight", "log_variance.bias"]


@pytest.mark.parametrize("is_learning", [True, False])
def test_the_fast_way_gives_what_plain_torch_gives(network, is_learning):
    network.requires_grad_(is_learning)
    images = batch(37, 50)
    for fast, plain in zip(network.compute(*images), network(*images), strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-5)
