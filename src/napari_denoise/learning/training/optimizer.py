"""AdamW on one flat vector of weights, and the running average that is the result.

torch's own optimisers import 800 modules when the first one is made, which takes seconds
that nothing can cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor, nn

__all__ = ["AdamW", "flatten", "flatten_weights"]


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    """All numbers in a row."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def flatten_weights(network: nn.Module) -> Tensor:
    """One vector that from now on holds the network's weights: to change it is to change them."""
    parameters = list(network.parameters())
    weights = flatten(parameters)
    nn.utils.vector_to_parameters(weights, parameters)
    return weights


@dataclass(slots=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101).

    Attributes
    ----------
    weights : Tensor
        Changed in place by :meth:`step`.
    average : Tensor
        Exponential moving average of the weights, over the last `n_averaged` steps or so.
    """

    weights: Tensor
    average: Tensor
    n_averaged: float
    weight_decay: float = 0.01
    decay_mean: float = 0.9
    decay_square: float = 0.999
    n_steps: int = 0
    mean: Tensor = field(init=False)
    square: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.mean = torch.zeros_like(self.weights)
        self.square = torch.zeros_like(self.weights)

    def step(self, gradient: Tensor, learning_rate: float) -> None:
        """Change the weights, all in one go, against the gradient."""
        self.n_steps += 1
        self.mean.lerp_(gradient, 1 - self.decay_mean)
        self.square.mul_(self.decay_square)
        self.square.addcmul_(gradient, gradient, value=1 - self.decay_square)
        scale = (self.square / (1 - self.decay_square**self.n_steps)).sqrt_().add_(1e-8)
        self.weights.mul_(1 - learning_rate * self.weight_decay)
        step_size = learning_rate / (1 - self.decay_mean**self.n_steps)
        self.weights.addcdiv_(self.mean, scale, value=-step_size)
        # Young weights are forgotten faster, so that the average is good at any time.
        horizon = min(self.n_averaged, (self.n_steps + 10) / 10)
        self.average.lerp_(self.weights, 1 / horizon)

    def snapshot(self) -> Snapshot:
        """A copy of all that :meth:`step` changes."""
        state = (self.weights, self.average, self.mean, self.square)
        return Snapshot(self.n_steps, tuple(tensor.clone() for tensor in state))

    def restore(self, snapshot: Snapshot) -> Self:
        """Go back to where the snapshot was taken."""
        state = (self.weights, self.average, self.mean, self.square)
        for tensor, kept in zip(state, snapshot.state, strict=True):
            tensor.copy_(kept)
        self.n_steps = snapshot.n_steps
        return self


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The optimiser at one moment."""

    n_steps: int
    state: tuple[Tensor, ...]
