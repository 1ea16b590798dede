"""What a network learns from at a time: patches, their targets, and which of the pixels count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_denoise.core.dtype import FloatArray

__all__ = ["Batch"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Patches to learn from; all arrays ``NC(Z)YX`` float32, in the images' units.

    Attributes
    ----------
    input : array
        What the network sees: the patches as they are drawn, with pixels masked by some methods.
    target : array
        What it should give: the same place of the image's target, or of a repeat; the patches
        themselves where there is neither.
    mask : array
        How much each pixel counts: 1 for pixels to learn from; 0 for those outside the region,
        where `input` and `target` hold the mean of the others.
    seed : int
        Of random numbers that the network draws itself.
    """

    input: FloatArray
    target: FloatArray
    mask: FloatArray
    seed: int = 0

    @classmethod
    def joined(cls, parts: Sequence[Batch]) -> Batch:
        """All of them in one."""

        def joined(name: str) -> FloatArray:
            return np.concatenate([getattr(part, name) for part in parts])

        return cls(input=joined("input"), target=joined("target"), mask=joined("mask"))

    def masked(self, masked: FloatArray, mask: FloatArray) -> Batch:
        """The same patches, of which masked pixels are asked for.

        Parameters
        ----------
        masked : array, axes NC(Z)YX
            What the network is to see.
        mask : array, axes NC(Z)YX
            1 where a pixel is to be guessed, else 0.
        """
        return Batch(input=masked, target=self.input, mask=mask * self.mask)

    def known_pixels(self) -> FloatArray:
        """What `input` holds inside the region in all channels, axes ``Cn``."""
        inside = self.mask.all(axis=1)
        return np.moveaxis(self.input, 1, 0)[:, inside]
