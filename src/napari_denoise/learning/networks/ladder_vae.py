"""A ladder of latent variables: what may be behind a noisy image, drawn level by level.

On the way down the image is looked at ever more coarsely. On the way up each level draws what is
there, first the coarse and then the fine, from a distribution that the image and all coarser
levels decide. Another draw is another image that fits the noisy one as well.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.progress import Job, Progress, run
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.networks.operations import mean_of_blocks
from napari_denoise.learning.networks.unet import Block, Convolution, padded

if TYPE_CHECKING:
    from napari_denoise.learning.methods.divnoising import LadderArchitecture

__all__ = ["DrawNoise", "LadderNetwork"]

T = TypeVar("T")

DrawNoise = Callable[[int, tuple[int, ...]], Tensor]
"""Gives standard normal noise for a level (0 is the finest) in a shape ``NC(Z)YX``."""

_WIDEST = 6.0
"""Bound on the logarithms of widths: beyond lies nothing but overflow."""


class _Rung(nn.Module):
    """One level: what is likely there (prior), what the image says (posterior), what follows.

    Parameters
    ----------
    n_above : int
        Feature maps of the coarser level; 0 at the top, where the prior is standard normal.
    n_features, n_latents, n_spatial : int
    rng : torch.Generator
    """

    def __init__(
        self, n_above: int, n_features: int, n_latents: int, n_spatial: int, rng: torch.Generator
    ) -> None:
        super().__init__()
        n_seen = n_above + n_features
        self.posterior = Convolution(n_seen, 2 * n_latents, n_spatial, rng)
        self.prior = (
            Convolution(n_above, 2 * n_latents, n_spatial, rng, width=1) if n_above else None
        )
        self.merge = Block(n_above + n_latents, n_features, n_spatial, rng)
        with torch.no_grad():
            # At first nothing is told: the posterior is the prior.
            self.posterior.weight.mul_(0.1)
            if self.prior:
                self.prior.weight.mul_(0.1)

    def layers(
        self, seen: Tensor, above: Tensor | None, noise: DrawNoise, level: int
    ) -> Generator[bool, None, tuple[Tensor, Tensor]]:
        """Draw latents; returns the features that follow, and the divergence of each latent."""
        above_it = [] if above is None else [above]
        told = yield from self.posterior.layers(torch.cat([*above_it, seen], dim=1))
        shift, log_ratio = _halves(told)
        # In units of the prior's width, so that what the image says nothing of costs nothing.
        latents = shift + log_ratio.exp() * noise(level, tuple(shift.shape))
        if self.prior is not None and above is not None:
            mean, log_width = _halves((yield from self.prior.layers(above)))
            latents = mean + log_width.exp() * latents
        divergence = (shift.square() + (2 * log_ratio).exp() - 1) / 2 - log_ratio
        merged = torch.cat([*above_it, latents.to(seen.dtype)], dim=1)
        return (yield from self.merge.layers(merged)), divergence


def _halves(told: Tensor) -> tuple[Tensor, Tensor]:
    """Means, and bounded logarithms of widths."""
    mean, log_width = told.float().chunk(2, dim=1)
    return mean, _WIDEST * torch.tanh(log_width / _WIDEST)


class LadderNetwork(Network):
    """Convolutional ladder of latent variables without batch normalisation.

    After Prakash et al. 2022, arXiv:2104.01374, at a fraction of its size.

    Parameters
    ----------
    architecture : LadderArchitecture
    rng : torch.Generator, optional
        For the first weights; a fixed seed if None.
    """

    architecture: LadderArchitecture

    def __init__(
        self, architecture: LadderArchitecture, rng: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.architecture = architecture
        rng = rng or torch.Generator().manual_seed(0)
        n, depth = architecture.n_spatial, len(architecture.pooling)
        fine, coarse = architecture.n_features, 2 * architecture.n_features
        self.stem = Block(1, fine, n, rng)
        self.down = nn.ModuleList(
            Block(coarse if level else fine, coarse, n, rng) for level in range(depth)
        )
        n_above = [coarse] * (depth - 1) + [0]
        self.rungs = nn.ModuleList(
            _Rung(each, coarse, architecture.n_latents, n, rng) for each in n_above
        )
        self.last = Block(coarse, fine, n, rng)
        self.head = Convolution(fine, 1, n, rng, width=1)

    def forward(self, batch: Tensor, noise: DrawNoise) -> tuple[Tensor, Tensor]:
        """As :meth:`look` and :meth:`imagine` in turn."""
        return run(self.imagine(run(self.look(batch)), noise, batch.shape[2:]))

    def look(self, batch: Tensor) -> Job[list[Tensor]]:
        """See what the image says at each level, the finest first.

        Parameters
        ----------
        batch : Tensor, axes N1(Z)YX
            With noise of unit variance, less the image's mean level.
        """
        n_layers = 2 + 2 * len(self.architecture.pooling)
        return (yield from _reported(self._look(batch), n_layers))

    def imagine(
        self, seen: list[Tensor], noise: DrawNoise, size: tuple[int, ...]
    ) -> Job[tuple[Tensor, Tensor]]:
        """Draw an image that may be behind what was seen.

        Parameters
        ----------
        seen : list of Tensor
            Of :meth:`look`.
        noise : callable
            Decides which image it is.
        size : tuple of int
            Pixels per spatial axis.

        Returns
        -------
        image : Tensor, axes N1(Z)YX
            Without noise, in its units, less the mean level.
        divergence : Tensor, axes LN
            How much each level had to be told beyond what is likely anyway: Kullback–Leibler
            divergence per image, in nats.
        """
        n_layers = 4 * len(self.architecture.pooling) + 2
        return (yield from _reported(self._imagine(seen, noise, size), n_layers))

    def _look(self, batch: Tensor) -> Generator[bool, None, list[Tensor]]:
        batch = padded(batch, self.architecture.alignment()) / self.architecture.contrast
        batch = yield from self.stem.layers(batch)
        seen: list[Tensor] = []
        for factors, block in zip(self.architecture.pooling, self.down, strict=True):
            batch = mean_of_blocks(batch, factors)
            batch = yield from cast("Block", block).layers(batch)
            seen.append(batch)
        return seen

    def _imagine(
        self, seen: list[Tensor], noise: DrawNoise, size: tuple[int, ...]
    ) -> Generator[bool, None, tuple[Tensor, Tensor]]:
        above: Tensor | None = None
        divergences: list[Tensor] = []
        for level in reversed(range(len(seen))):
            rung = cast("_Rung", self.rungs[level])
            features, divergence = yield from rung.layers(seen[level], above, noise, level)
            divergences.insert(0, divergence.flatten(1).sum(dim=1))
            scale = [float(factor) for factor in self.architecture.pooling[level]]
            above = F.interpolate(features, scale_factor=scale, mode="nearest")
        assert above is not None  # noqa: S101  # there is at least one level
        image = yield from self.head.layers((yield from self.last.layers(above)))
        crop = (slice(None), slice(None), *map(slice, size))
        return image[crop].float() * self.architecture.contrast, torch.stack(divergences)


def _reported(layers: Generator[bool, None, T], n_layers: int) -> Job[T]:
    """Run layers as a job that tells how many are done, so it can be cancelled."""
    n_done = 0
    while True:
        try:
            n_done += next(layers)
        except StopIteration as end:
            result: T = end.value
            return result
        yield Progress(fraction=min(n_done / n_layers, 1.0))
