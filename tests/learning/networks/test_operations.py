"""Faster ways to a convolution or mean give what torch's own give, and their gradients too."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.learning.networks.execution import operations
from napari_denoise.learning.networks.execution.operations import (
    ORDER,
    convolve,
    convolve_transposed,
    mean_of_blocks,
)


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("is_learning", [False, True])
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("n_images", [1, 2])
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("size", [(7, 6), (5, 7, 6), (1, 7, 6)])
def test_a_convolution_is_that_of_torch(size, n_channels, n_images, width, is_learning):
    n = len(size)
    batch = random(n_images, n_channels, *size).contiguous(memory_format=ORDER[n])
    weight = random(4, n_channels, *[width] * n).requires_grad_(is_learning)
    bias = random(4).requires_grad_(is_learning)
    expected = {2: F.conv2d, 3: F.conv3d}[n](batch, weight, bias, padding=width // 2)
    found = convolve(batch, weight, bias)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    if is_learning:
        error = random(*expected.shape)
        gradients = (torch.autograd.grad(each, weight, error)[0] for each in (found, expected))
        torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)
    if size[0] > 2 and width == 3:
        inner = convolve(batch, weight, bias, n_lacking=1)
        torch.testing.assert_close(inner, expected[:, :, 1:-1], rtol=1e-5, atol=1e-5)


def test_without_onednn_volumes_take_the_common_way(monkeypatch):
    batch, weight = random(1, 2, 5, 7, 6), random(4, 2, 3, 3, 3)
    here = convolve(batch, weight, None)
    monkeypatch.setattr(operations.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(torch, "mkldnn_convolution", None)
    torch.testing.assert_close(convolve(batch, weight, None), here, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("factors", [(2, 2), (1, 2), (1, 2, 2), (2, 2, 2)])
def test_a_transposed_convolution_leaves_out_rows_at_the_ends(factors):
    n = len(factors)
    batch, bias = random(1, 3, *[6] * n), random(4)
    weight = random(3, 4, *[factor + 2 for factor in factors])
    whole = convolve_transposed(batch, weight, bias, factors)
    assert whole.shape[2:] == tuple(6 * factor for factor in factors)
    cut = factors[0]
    inner = convolve_transposed(batch, weight, bias, factors, n_lacking=cut)
    torch.testing.assert_close(inner, whole[:, :, cut:-cut], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("factors", [(2, 2), (1, 2), (1, 2, 2), (2, 2, 2), (2, 1, 2)])
def test_the_mean_of_blocks_is_that_of_torch(factors):
    n = len(factors)
    batch = random(2, 3, *[8] * n).contiguous(memory_format=ORDER[n])
    expected = {2: F.avg_pool2d, 3: F.avg_pool3d}[n](batch, factors)
    torch.testing.assert_close(mean_of_blocks(batch, factors), expected)
    learning = mean_of_blocks(batch.clone().requires_grad_(), factors)
    torch.testing.assert_close(learning, expected)
    assert learning.requires_grad
