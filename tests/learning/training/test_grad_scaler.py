"""Gradients in float16: neither lost below its smallest number nor beyond its largest."""

from math import isnan

import pytest
import torch

from napari_denoise.learning.training import grad_scaler
from napari_denoise.learning.training.grad_scaler import GradScaler


def halved(weight, slope):
    """A loss whose gradient passes through float16."""
    return lambda: (weight.half() * torch.tensor(1.0).half()).float().mul(slope).sum()


@pytest.fixture
def weight():
    return torch.ones(3, requires_grad=True)


def test_a_gradient_too_small_for_float16_is_kept(weight):
    plain = torch.autograd.grad(halved(weight, 1e-8)(), weight)[0]
    assert not plain.any()
    value, gradient = GradScaler(torch.float16).gradient(halved(weight, 1e-8), [weight])
    assert value == pytest.approx(3e-8)
    torch.testing.assert_close(gradient, torch.full((3,), 1e-8), rtol=1e-2, atol=0)


def test_a_gradient_that_overflows_is_taken_again_with_a_smaller_factor(weight):
    scale = GradScaler(torch.float16)
    _, gradient = scale.gradient(halved(weight, 40.0), [weight])
    torch.testing.assert_close(gradient, torch.full((3,), 40.0))
    assert scale.factor == 1024
    assert scale.gradient(halved(weight, 1e9), [weight])[1].isinf().all()


def test_after_many_good_steps_the_factor_grows_again(weight, monkeypatch):
    monkeypatch.setattr(grad_scaler, "_N_UNTIL_DOUBLED", 2)
    scale = GradScaler(torch.float16)
    for _ in range(4):
        scale.gradient(halved(weight, 1.0), [weight])
    assert scale.factor == 2**18 / 2 / 2  # 2 ** 17 is beyond float16


def test_a_loss_that_is_not_finite_has_no_gradient(weight):
    value, gradient = GradScaler(torch.float16).gradient(lambda: weight.sum() * torch.nan, [weight])
    assert gradient is None
    assert isnan(value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_types_need_no_factor(weight, dtype):
    scale = GradScaler(dtype)
    _, gradient = scale.gradient((weight * 0.3).sum, [weight])
    assert torch.equal(gradient, torch.full((3,), 0.3))
    assert scale.factor == 1
