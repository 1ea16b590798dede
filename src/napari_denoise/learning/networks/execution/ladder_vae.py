"""The ladder of latent variables, stepped layer by layer."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.progress import Job
from napari_denoise.learning.networks.execution.layers import (
    aligned,
    block_layers,
    convolution_layers,
)
from napari_denoise.learning.networks.execution.operations import mean_of_blocks
from napari_denoise.learning.networks.execution.slabs import reported_job
from napari_denoise.learning.networks.latents import DrawNoise, draw_latents

if TYPE_CHECKING:
    from napari_denoise.learning.networks.ladder_vae import LadderVAE
    from napari_denoise.learning.networks.layers import Block

__all__ = ["decode_job", "encode_job"]


def encode_job(network: LadderVAE, batch: Tensor) -> Job[list[Tensor]]:
    """As :meth:`LadderVAE.encode`, a job that reports after each layer.

    Parameters
    ----------
    network : LadderVAE
    batch : Tensor, axes N1(Z)YX
    """
    n_layers = 2 + 2 * len(network.architecture.pooling)
    return (yield from reported_job(_encode(network, batch), n_layers))


def decode_job(
    network: LadderVAE, features: list[Tensor], noise: DrawNoise, size: tuple[int, ...]
) -> Job[tuple[Tensor, Tensor]]:
    """As :meth:`LadderVAE.decode`, a job that reports after each layer.

    Parameters
    ----------
    network : LadderVAE
    features : list of Tensor, axes NC(Z)YX
    noise : callable
    size : tuple of int
        Pixels per spatial axis.
    """
    n_layers = 4 * len(network.architecture.pooling) + 2
    return (yield from reported_job(_decode(network, features, noise, size), n_layers))


def _encode(network: LadderVAE, batch: Tensor) -> Generator[bool, None, list[Tensor]]:
    architecture, features = network.architecture, list[Tensor]()
    batch = aligned(batch, architecture.alignment()) / architecture.contrast
    batch = yield from block_layers(network.stem, batch)
    for factors, block in zip(architecture.pooling, network.down, strict=True):
        batch = mean_of_blocks(batch, factors)
        batch = yield from block_layers(cast("Block", block), batch)
        features.append(batch)
    return features


def _decode(
    network: LadderVAE, features: list[Tensor], noise: DrawNoise, size: tuple[int, ...]
) -> Generator[bool, None, tuple[Tensor, Tensor]]:
    above: Tensor | None = None
    divergences: list[Tensor] = []
    for level in reversed(range(len(features))):
        rung = network.rungs[level]
        below, divergence = yield from _rung_layers(rung, features[level], above, noise, level)
        divergences.insert(0, divergence.flatten(1).sum(dim=1))
        scale = [float(factor) for factor in network.architecture.pooling[level]]
        above = F.interpolate(below, scale_factor=scale, mode="nearest")
    assert above is not None  # noqa: S101  # there is at least one level
    last = yield from block_layers(network.last, above)
    image = yield from convolution_layers(network.head, last)
    crop = (slice(None), slice(None), *map(slice, size))
    return image[crop].float() * network.architecture.contrast, torch.stack(divergences)


def _rung_layers(
    rung: Any, features: Tensor, above: Tensor | None, noise: DrawNoise, level: int
) -> Generator[bool, None, tuple[Tensor, Tensor]]:
    above_it = [] if above is None else [above]
    joined = torch.cat([*above_it, features], dim=1)
    posterior = yield from convolution_layers(rung.posterior, joined)
    drawn = noise(level, (len(posterior), posterior.shape[1] // 2, *posterior.shape[2:]))
    prior = None
    if rung.prior is not None and above is not None:
        prior = yield from convolution_layers(rung.prior, above)
    latents, divergence = draw_latents(posterior, prior, drawn)
    merged = torch.cat([*above_it, latents.to(features.dtype)], dim=1)
    return (yield from block_layers(rung.merge, merged)), divergence
