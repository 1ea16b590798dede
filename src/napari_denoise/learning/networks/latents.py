"""Latent variables: how they are drawn, and what it costs to tell them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["DrawNoise", "draw_latents"]

DrawNoise = Callable[[int, tuple[int, ...]], Tensor]
"""Gives standard normal noise for a level (0 is the finest) in a shape ``NC(Z)YX``."""

_WIDEST = 6.0
"""Bound on the logarithms of widths: beyond lies nothing but overflow."""


def draw_latents(posterior: Tensor, prior: Tensor | None, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Latents from their distributions, and their Kullback–Leibler divergence in nats.

    Parameters
    ----------
    posterior, prior : Tensor, axes NC(Z)YX
        Means and logarithms of widths, the first half of the channels and the second; the posterior
        in units of the prior, which is standard normal if None.
    noise : Tensor, axes NC(Z)YX
        Standard normal.
    """
    shift, log_ratio = _halves(posterior)
    # In units of the prior's width, so that what the image says nothing of costs nothing.
    latents = shift + log_ratio.exp() * noise
    if prior is not None:
        mean, log_width = _halves(prior)
        latents = mean + log_width.exp() * latents
    return latents, (shift.square() + (2 * log_ratio).exp() - 1) / 2 - log_ratio


def _halves(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Means, and bounded logarithms of widths."""
    mean, log_width = maps.float().chunk(2, dim=1)
    return mean, _WIDEST * torch.tanh(log_width / _WIDEST)
