"""Our AdamW is torch's, on one vector."""

import torch
from torch import nn

from napari_denoise.learning.training.optimizer import AdamW, flatten, flatten_weights


def make(weights, n_averaged=5.0) -> AdamW:
    return AdamW(weights, weights.clone(), n_averaged=n_averaged)


def test_steps_equal_those_of_torch():
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(50, generator=generator)
    gradients = [torch.randn(50, generator=generator) for _ in range(20)]
    theirs = nn.Parameter(start.clone())
    reference = torch.optim.AdamW([theirs], lr=0.01, weight_decay=0.01)
    ours = make(start.clone())
    for gradient in gradients:
        theirs.grad = gradient.clone()
        reference.step()
        ours.step(gradient, 0.01)
    torch.testing.assert_close(ours.weights, theirs.detach(), rtol=1e-5, atol=1e-7)


def test_changing_the_vector_changes_the_network():
    network = nn.Linear(3, 2)
    weights = flatten_weights(network)
    weights.fill_(2.0)
    assert network(torch.ones(1, 3)).tolist() == [[8.0, 8.0]]
    torch.testing.assert_close(flatten(list(network.parameters())), weights)


def test_the_average_forgets_the_first_weights_and_lags_behind():
    optimizer = make(torch.zeros(1), n_averaged=20)
    for _ in range(200):
        optimizer.step(torch.tensor([-1.0]), 0.1)
    assert 0.8 < (optimizer.average / optimizer.weights).item() < 1


def test_going_back_repeats_exactly():
    optimizer = make(torch.zeros(4))
    gradient = torch.arange(4.0)
    optimizer.step(gradient, 0.1)
    kept = optimizer.snapshot()
    optimizer.step(gradient, 0.1)
    first = optimizer.weights.clone()
    optimizer.weights.fill_(torch.nan)
    optimizer.restore(kept)
    assert optimizer.n_steps == 1
    optimizer.step(gradient, 0.1)
    torch.testing.assert_close(optimizer.weights, first, rtol=0, atol=0)
