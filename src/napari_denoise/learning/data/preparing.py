"""What patches a method learns from: images, pairs, or clean images with noise added to them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_denoise.core.progress import Job, Notice, Progress
from napari_denoise.learning.data.pairs import check_sampled_pairs, compare_pairs
from napari_denoise.learning.data.patches import TrainingImage
from napari_denoise.learning.data.pieces import Repeats
from napari_denoise.learning.data.sampler import Patches, PatchSampler
from napari_denoise.learning.data.simulation import simulate_with
from napari_denoise.learning.methods import N2N, PairedMethod, TrainingMethod

__all__ = ["draw_samples", "make_sampler"]

_N_SAMPLES = 128
"""Patches that intensities are measured on."""


def make_sampler(
    method: TrainingMethod,
    images: Sequence[TrainingImage],
    patch_size: tuple[int, ...],
    rng: np.random.Generator,
) -> Job[PatchSampler]:
    """A sampler of what the method learns from; targets have the intensities of the images.

    Raises
    ------
    InputError
        If the targets leave nothing to learn, or the noise to be added does not suit the images.
    """
    sampler = PatchSampler(images, patch_size)
    if isinstance(method, N2N) and method.repeats:
        sampler = sampler.replaced(repeats=Repeats(method.repeats, method.pairing))
    noise = method.simulated_noise()
    if noise is not None:
        samples = yield from draw_samples(sampler, rng, "measuring the range")
        job = simulate_with(noise, sampler.images, samples.known_pixels())
        sampler = sampler.replaced(simulation=(yield from job))
    if noise is not None or isinstance(method, PairedMethod):
        return (yield from _matched(sampler, rng))
    return sampler


def draw_samples(sampler: PatchSampler, rng: np.random.Generator, message: str) -> Job[Patches]:
    """Patches to measure on."""
    drawn = []
    for _ in range(_N_SAMPLES):
        yield from sampler.read_ahead(rng)
        yield Progress(fraction=0.0, message=message)
        drawn.append(sampler.draw(1, rng, turned="not"))
    return Patches.joined(drawn)


def _matched(sampler: PatchSampler, rng: np.random.Generator) -> Job[PatchSampler]:
    """A sampler whose targets have the intensities of the images."""
    drawn = yield from draw_samples(sampler, rng, "comparing images with their targets")
    pairs = [*np.stack([drawn.shown, drawn.target], axis=1)]
    check_sampled_pairs(pairs)
    likeness = compare_pairs(pairs)
    if words := likeness.in_words(sampler.repeats.axis if sampler.repeats else ""):
        yield Notice(fraction=0.0, message=words)
    if sampler.repeats or likeness.is_same_scale:
        return sampler
    return sampler.replaced(target_map=likeness.target_map)
