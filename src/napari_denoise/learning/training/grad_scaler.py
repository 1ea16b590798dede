"""Gradients of a network that computes in float16, which knows no numbers below 6e-8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

import torch
from torch import Tensor

from napari_denoise.learning.training.optimizer import flatten

__all__ = ["GradScaler"]

_FIRST = 2.0**16
"""Of torch's own scaler: halved within a few steps where it is too much, so it may well be."""

_N_UNTIL_DOUBLED = 1000
"""Steps that go well before a larger factor is tried. Trade-off: a try too early costs a step."""


class GradScaler:
    """Multiplies losses before the gradient is taken, and divides it by the same.

    The factor is as large as the range of float16 allows: halved when a gradient overflows, now and
    then doubled (Micikevicius et al. 2018, arXiv:1710.03740). It is 1 for other types.

    Parameters
    ----------
    dtype : torch.dtype
        That the network computes in.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self._is_needed = dtype == torch.float16
        self._n_good = 0
        self.factor = _FIRST if self._is_needed else 1.0

    def gradient(
        self, compute_loss: Callable[[], Tensor], parameters: Sequence[Tensor]
    ) -> tuple[float, Tensor | None]:
        """The loss, and its gradient in a row; None if the loss is not finite.

        Parameters
        ----------
        compute_loss : callable
            Gives the same scalar however often it is called.
        parameters : sequence of Tensor
            What the gradient is taken by.
        """
        while True:
            loss = compute_loss()
            value = float(loss.detach())
            # Not for the scaling to mend: it happens before it.
            if not isfinite(value):
                return value, None
            # One vector: one test and one division, not one for each layer.
            scaled = loss if self.factor == 1 else loss * self.factor
            gradient = flatten(torch.autograd.grad(scaled, parameters, materialize_grads=True))
            if self.factor == 1 or bool(gradient.isfinite().all()):
                break
            self.factor, self._n_good = self.factor / 2, 0
        if self.factor != 1:
            gradient /= self.factor
        self._grow()
        return value, gradient

    def _grow(self) -> None:
        self._n_good += 1
        if self._is_needed and self._n_good >= _N_UNTIL_DOUBLED:
            self.factor, self._n_good = self.factor * 2, 0
