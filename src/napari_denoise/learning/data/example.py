"""What each method shows the network, and what it asks of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.learning.data.checkerboard import split_checkerboard
from napari_denoise.learning.data.masking import mask_pixels
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.data.structured_masks import mask_shape, mask_structures
from napari_denoise.learning.methods import (
    CARE,
    N2N,
    Autoencoder,
    BlindSpotMethod,
    DivNoising,
    Noise2Fast,
    ProbabilisticMethod,
    StructN2V,
    TrainingMethod,
)

__all__ = ["Example", "make_example"]


@dataclass(frozen=True, slots=True)
class Example:
    """A batch to learn from; all arrays ``NC(Z)YX``, in the images' units.

    Attributes
    ----------
    shown : array
        What the network sees.
    target : array
        What it should give.
    weight : array
        How much each pixel counts in the loss.
    seed : int
        Of random numbers that the network draws itself.
    """

    shown: FloatArray
    target: FloatArray
    weight: FloatArray
    seed: int = 0


def make_example(
    method: TrainingMethod, sampler: PatchSampler, rng: np.random.Generator
) -> Example:
    """Draw a batch and turn it into what `method` learns from."""
    match method:
        case BlindSpotMethod():
            patches = sampler.draw(method.batch_size, rng)
            percentage = method.masked_pixel_percentage
            shown, mask = mask_pixels(patches.shown, percentage, method.replacement, rng)
            return Example(shown=shown, target=patches.shown, weight=mask * patches.weight)
        case ProbabilisticMethod():
            return _probabilistic(method, sampler, rng)
        case StructN2V():
            return _structures(method, sampler, rng)
        case Noise2Fast():
            patches = sampler.draw(method.batch_size, rng)
            pair = split_checkerboard(np.stack([patches.shown, patches.weight]), rng)
            (shown, seen), (target, weight) = pair
            return Example(shown=shown, target=target, weight=seen * weight)
        case N2N():
            pairs = sampler.draw(method.batch_size, rng)
            # Either may be the one that is seen: if one is a little brighter, the result is not.
            swap = rng.integers(2, size=(method.batch_size, *(1,) * (pairs.shown.ndim - 1))) > 0
            shown = np.where(swap, pairs.target, pairs.shown)
            target = np.where(swap, pairs.shown, pairs.target)
            return Example(shown=shown, target=target, weight=pairs.weight)
        case CARE() | Autoencoder() | DivNoising():
            drawn = sampler.draw(method.batch_size, rng)
            seed = int(rng.integers(2**31)) if isinstance(method, DivNoising) else 0
            return Example(drawn.shown, drawn.target, drawn.weight, seed)
    raise NotImplementedError(type(method).__name__)


def _structures(method: StructN2V, sampler: PatchSampler, rng: np.random.Generator) -> Example:
    assert method.orientation != "auto"  # noqa: S101  # measured by now
    assert method.span  # noqa: S101
    patches = sampler.draw(method.batch_size, rng, turned="half")
    shape = mask_shape(method.orientation, method.span, patches.shown.ndim - 2)
    percentage = method.masked_pixel_percentage
    shown, mask = mask_structures(patches.shown, percentage, shape, method.replacement, rng)
    return Example(shown=shown, target=patches.shown, weight=mask * patches.weight)


def _probabilistic(
    method: ProbabilisticMethod, sampler: PatchSampler, rng: np.random.Generator
) -> Example:
    patches = sampler.draw(method.batch_size, rng)
    if sampler.is_noise_added:
        return Example(shown=patches.shown, target=patches.target, weight=patches.weight)
    shown, mask = mask_pixels(patches.shown, method.masked_pixel_percentage, "mean", rng)
    return Example(shown=shown, target=patches.shown, weight=mask * patches.weight)
