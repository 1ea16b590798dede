"""A ladder of latent variables: what may be behind a noisy image, drawn level by level.

On the way down the image is looked at ever more coarsely. On the way up each level draws what is
there, first the coarse and then the fine, from a distribution that the image and all coarser
levels decide. Another draw is another image that fits the noisy one as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.lazy import imported
from napari_denoise.core.progress import Job, nested
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.networks.latents import DrawNoise, draw_latents
from napari_denoise.learning.networks.layers import Block, Convolution, downsample, padded

if TYPE_CHECKING:
    from napari_denoise.learning.methods.divnoising import LadderArchitecture

__all__ = ["LadderVAE"]


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
            # At first the image says nothing: the posterior is the prior.
            self.posterior.weight.mul_(0.1)
            if self.prior:
                self.prior.weight.mul_(0.1)

    def forward(
        self, features: Tensor, above: Tensor | None, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draw latents; returns the features that follow, and the divergence of each latent."""
        above_it = [] if above is None else [above]
        posterior = self.posterior(torch.cat([*above_it, features], dim=1))
        prior = None if self.prior is None or above is None else self.prior(above)
        latents, divergence = draw_latents(posterior, prior, noise)
        merged = torch.cat([*above_it, latents.to(features.dtype)], dim=1)
        return self.merge(merged), divergence


# What computes it fast knows the network, and not the other way round: so it is named alone.
_EXECUTOR = "napari_denoise.learning.networks.execution.ladder_vae"


class LadderVAE(Network):
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
        """Draw an image that may be behind a noisy one.

        Parameters
        ----------
        batch : Tensor, axes N1(Z)YX
            With noise of unit variance, less the image's mean level.
        noise : callable
            Decides which image it is.

        Returns
        -------
        image : Tensor, axes N1(Z)YX
            Without noise, in its units, less the mean level.
        divergence : Tensor, axes LN
            How much each level had to be told beyond what is likely anyway: Kullback–Leibler
            divergence per image, in nats.
        """
        return self.decode(self.encode(batch), noise, tuple(batch.shape[2:]))

    def encode(self, batch: Tensor) -> list[Tensor]:
        """What the image says at each level, the finest first."""
        architecture, features = self.architecture, list[Tensor]()
        batch = self.stem(padded(batch, architecture.alignment()) / architecture.contrast)
        for factors, block in zip(architecture.pooling, self.down, strict=True):
            batch = block(downsample(batch, factors, "average"))
            features.append(batch)
        return features

    def decode(
        self, features: list[Tensor], noise: DrawNoise, size: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        """Draw an image that may be behind what was encoded; as :meth:`forward`.

        Parameters
        ----------
        features : list of Tensor
            Of :meth:`encode`.
        noise : callable
        size : tuple of int
            Pixels per spatial axis.
        """
        above: Tensor | None = None  # the top level's prior needs none
        divergences: list[Tensor] = []
        for level in reversed(range(len(features))):
            each = features[level]
            shape = (len(each), self.architecture.n_latents, *each.shape[2:])
            below, divergence = self.rungs[level](each, above, noise(level, shape))
            divergences.insert(0, divergence.flatten(1).sum(dim=1))
            scale = [float(factor) for factor in self.architecture.pooling[level]]
            above = F.interpolate(below, scale_factor=scale, mode="nearest")
        crop = (slice(None), slice(None), *map(slice, size))
        image = self.head(self.last(above))[crop].float() * self.architecture.contrast
        return image, torch.stack(divergences)

    def encode_job(self, batch: Tensor) -> Job[list[Tensor]]:
        """As :meth:`encode`, layer by layer."""
        job: Job[list[Tensor]] = imported(f"{_EXECUTOR}:encode_job")(self, batch)
        return job

    def decode_job(
        self, features: list[Tensor], noise: DrawNoise, size: tuple[int, ...]
    ) -> Job[tuple[Tensor, Tensor]]:
        """As :meth:`decode`, layer by layer."""
        decode_job = imported(f"{_EXECUTOR}:decode_job")
        job: Job[tuple[Tensor, Tensor]] = decode_job(self, features, noise, size)
        return job

    def steps(self, batch: Tensor, noise: DrawNoise) -> Job[tuple[Tensor, Tensor]]:
        """As :meth:`forward`, layer by layer."""
        features = yield from nested(self.encode_job(batch), 0.0, 0.5)
        job = self.decode_job(features, noise, tuple(batch.shape[2:]))
        return (yield from nested(job, 0.5, 1.0))
