"""What each method shows the network, and what it asks of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_denoise.intensities import FloatArray
from napari_denoise.learning.config import N2V, TrainingMethod
from napari_denoise.learning.masking import mask_pixels

__all__ = ["Example", "make_example"]


@dataclass(frozen=True, slots=True)
class Example:
    """A batch to learn from; all arrays ``NC(Z)YX``, normalised.

    Attributes
    ----------
    shown : array
        What the network sees.
    target : array
        What it should give.
    weight : array
        How much each pixel counts in the loss.
    """

    shown: FloatArray
    target: FloatArray
    weight: FloatArray


def make_example(method: TrainingMethod, patches: FloatArray, rng: np.random.Generator) -> Example:
    """Turn patches into what `method` learns from."""
    match method:
        case N2V():
            percentage = method.masked_pixel_percentage
            shown, mask = mask_pixels(patches, percentage, method.replacement, rng)
            return Example(shown=shown, target=patches, weight=mask)
    raise NotImplementedError(type(method).__name__)
