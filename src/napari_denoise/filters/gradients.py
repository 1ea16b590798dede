"""Differences between neighbouring pixels, and what flows along them."""

from __future__ import annotations

import numpy as np

from napari_denoise.core.dtype import FloatArray

__all__ = ["divergence", "gradient", "length"]


def gradient(pixels: FloatArray) -> FloatArray:
    """Differences to the next pixel along each axis, 0 at the last; axes: component, (Z)YX."""
    # Zero beyond the last pixel: nothing flows through the border, as if it were mirrored.
    slopes = np.zeros((pixels.ndim, *pixels.shape), np.float32)
    for axis, slope in enumerate(slopes):
        inner = np.moveaxis(slope, axis, 0)[:-1]
        along = np.moveaxis(pixels, axis, 0)
        np.subtract(along[1:], along[:-1], out=inner)
    return slopes


def divergence(flow: FloatArray) -> FloatArray:
    """What flows into each pixel: minus the adjoint of the gradient."""
    # What leaves one pixel comes to the next: the sum over the image stays what it is, which
    # the methods above need to keep the mean, and Chambolle's to converge.
    total = np.zeros(flow.shape[1:], np.float32)
    for axis, component in enumerate(flow):
        inner = np.moveaxis(component, axis, 0)[:-1]
        along = np.moveaxis(total, axis, 0)
        along[:-1] += inner
        along[1:] -= inner
    return total


def length(vectors: FloatArray) -> FloatArray:
    """Euclidean length of each vector; axes: component, (Z)YX."""
    # einsum squares and adds up without an array for the squares of all components.
    lengths: FloatArray = np.sqrt(np.einsum("i...,i...->...", vectors, vectors))
    return lengths
