"""Collaborative filtering: blocks that look alike are stacked, and each stack is denoised as one.

The engine of BM3D and BM4D, written for whole arrays instead of single blocks: the distances
of all blocks to those at one offset are a box sum, and the transforms are matrix products, one
small one for each stack: on large ones, BLAS would put its threads in the way of ours. Blocks
are squares in planes and cubes in volumes; noise has a standard deviation of 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Literal

import numpy as np
import numpy.typing as npt
import pywt
from scipy import fft

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.filters.block_matching import Indices, find_similar_job
from napari_denoise.filters.neighbourhood import strides_of

__all__ = ["STEP", "Collaboration"]

STEP = 3
"""Each third block along each axis is a reference, for which others are looked for: in the papers
of BM3D and BM4D alike."""

_KAISER_BETA = 2.0
"""Blocks fade out towards their borders, so that these do not show. From the paper of BM3D."""

_PIXELS_AT_ONCE = 1 << 19
"""Pixels of stacks that are worked on at a time, 2 MB: bounds the memory, and what Cancel waits
for; fewer would be more calls."""

_SEARCH = 0.6
"""Share of the time that looking for similar blocks takes, about: for the progress bar alone."""

Transform = Literal["bior1.5", "dct"]
Shrinkage = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
"""Given the coefficients of noisy stacks and those of the best guess so far: the coefficients of
the denoised stacks, and a weight for each stack. Axes: stack, member, coefficient."""


@dataclass(frozen=True, slots=True)
class Collaboration:
    """How the blocks of a plane or volume help to denoise each other.

    Attributes
    ----------
    block : int
        Width of a block along each axis, in pixels.
    radius : int
        How far away similar blocks are looked for, in pixels along each axis.
    n_similar : int
        Blocks in a stack, a power of two.
    threshold : float
        Coefficients of a stack below this are taken for noise in the first stage.
    """

    block: int
    radius: int
    n_similar: int
    threshold: float

    def run(self, noisy: FloatArray, *, both_stages: bool) -> Job[FloatArray]:
        """Denoise a plane or volume, ``(Z)YX``, with the first stage or with both.

        Parameters
        ----------
        noisy : array, ``(Z)YX``, float32
            With noise of standard deviation 1.
        both_stages : bool
            Whether the result of the first stage guides a second one.

        Returns
        -------
        array, ``(Z)YX``, float32
        """
        widths = [(0, self._to_grid(size)) for size in noisy.shape]
        padded = np.pad(np.ascontiguousarray(noisy), widths, mode="symmetric")
        middle = 0.5 if both_stages else 1.0
        job = self._stage(padded, padded, "bior1.5", self._keep_large)
        result = yield from nested(job, 0.0, middle)
        if both_stages:
            result = yield from nested(self._stage(padded, result, "dct", _wiener), middle, 1.0)
        return result[tuple(slice(size) for size in noisy.shape)]

    def _to_grid(self, size: int) -> int:
        """Pixels to add, so that the last reference block ends with the image."""
        return max(self.block - size, 0) or -(size - self.block) % STEP

    def _keep_large(self, noisy: FloatArray, guess: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Keep the coefficients that noise does not explain."""
        del guess
        kept = np.abs(noisy) > self.threshold
        # The fewer are kept, the less noise there is in what they make up (Dabov et al. 2007).
        n_kept = np.count_nonzero(kept, axis=(1, 2))
        return noisy * kept, (1 / np.maximum(n_kept, 1)).astype(np.float32)

    def _stage(
        self, noisy: FloatArray, guess: FloatArray, transform: Transform, shrink: Shrinkage
    ) -> Job[FloatArray]:
        """Denoise, finding in `guess` which blocks look alike."""
        job = find_similar_job(
            guess, block=self.block, step=STEP, radius=self.radius, n_similar=self.n_similar
        )
        stacks = yield from nested(job, 0.0, _SEARCH)
        mean = _BlockMean.over(noisy.shape, self.block)
        forward = _block_transform(transform, self.block, noisy.ndim)
        # bior1.5 is not orthogonal: its transpose would not undo it.
        backward = np.linalg.inv(forward.astype(np.float64)).astype(np.float32)
        # In the first stage the best guess is the noisy image: it is transformed once.
        images = [noisy] if guess is noisy else [noisy, guess]
        n_at_once = max(_PIXELS_AT_ONCE // (stacks.shape[1] * len(forward)), 1)
        for start in range(0, len(stacks), n_at_once):
            yield Progress(fraction=_SEARCH + (1 - _SEARCH) * start / len(stacks))
            members = stacks[start : start + n_at_once]
            found = [mean.blocks(image, members) @ forward.T for image in images]
            denoised, weights = _shrink_stacks(shrink, found[0], found[-1])
            mean.add(members, denoised @ backward.T, weights)
        return mean.result()


@dataclass(frozen=True, slots=True)
class _BlockMean:
    """Weighted mean of blocks where they overlap.

    Attributes
    ----------
    shape : tuple of int
        Of the image.
    window : array, 1D
        How much each pixel of a block counts.
    within : array, 1D
        How far behind the first pixel of a block each of them lies in the flattened image.
    total : array, 1D, float64
        Sum of the weighted pixels at each place of the image.
    weights : array, 1D, float64
        Sum of the weights of the blocks that begin at each place.
    """

    shape: tuple[int, ...]
    window: FloatArray
    within: Indices
    total: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]

    @classmethod
    def over(cls, shape: tuple[int, ...], block: int) -> _BlockMean:
        window = reduce(np.multiply.outer, [np.kaiser(block, _KAISER_BETA)] * len(shape))
        steps = [np.arange(block) * stride for stride in strides_of(shape)]
        total, weights = np.zeros((2, int(np.prod(shape))))
        return cls(
            shape=shape,
            window=window.ravel().astype(np.float32),
            within=reduce(np.add.outer, steps).ravel(),
            total=total,
            weights=weights,
        )

    def blocks(self, image: FloatArray, begins: Indices) -> FloatArray:
        """The blocks that begin at these places; adds an axis of pixels."""
        blocks: FloatArray = image.ravel()[begins[..., np.newaxis] + self.within]
        return blocks

    def add(self, begins: Indices, blocks: FloatArray, weights: FloatArray) -> None:
        """Add stacks of blocks, with one weight per stack; axes: stack, member, pixel."""
        # bincount is numpy's one way to add up at places that come more than once without a
        # loop, and adds in double precision.
        n_places = len(self.total)
        places = begins[..., np.newaxis] + self.within
        weighted = blocks * (weights[:, np.newaxis, np.newaxis] * self.window)
        self.total[:] += np.bincount(places.ravel(), weighted.ravel(), n_places)
        # Weights are added at the block's first pixel only, and spread over the window once for
        # all blocks, in result().
        each = np.repeat(weights, begins.shape[1])
        self.weights[:] += np.bincount(begins.ravel(), each, n_places)

    def result(self) -> FloatArray:
        """The mean; each pixel must lie in some block."""
        weight = np.zeros_like(self.weights)
        # A convolution with the window, one of its pixels at a time, over the whole image.
        for share, behind in zip(self.window, self.within, strict=True):
            weight[behind:] += share * self.weights[: len(weight) - behind]
        mean: FloatArray = (self.total / weight).astype(np.float32).reshape(self.shape)
        return mean


def _shrink_stacks(
    shrink: Shrinkage, noisy: FloatArray, guess: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Shrink what the members of a stack share, and what they do not, apart."""
    # Along the stack too, or blocks that look alike would be denoised one by one.
    haar = _haar(noisy.shape[1])
    shrunk, weights = shrink(haar @ noisy, haar @ guess)
    return haar.T @ shrunk, weights


def _wiener(noisy: FloatArray, guess: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Keep of each coefficient the share that the first result says is no noise."""
    # As in Dabov et al. 2007, for noise of variance 1; a stack of next to nothing must not count
    # for everything.
    energy = np.square(guess)
    gain = energy / (energy + 1)
    weights: FloatArray = 1 / np.maximum(np.einsum("ijk,ijk->i", gain, gain), 1e-3)
    return noisy * gain, weights


@lru_cache
def _block_transform(kind: Transform, block: int, n_spatial: int) -> FloatArray:
    """Transform of a flattened block, in which noise keeps a standard deviation of 1."""
    identity = np.eye(block)
    if kind == "dct":
        line = fft.dct(identity, norm="ortho", axis=0)
    else:
        # The transform of a line, written out as a matrix, by transforming each unit vector.
        scales = [identity]
        while len(scales[0]) > 1:
            scales[:1] = pywt.dwt(scales[0], kind, mode="periodization", axis=0)
        line = np.concatenate(scales)
        line /= np.linalg.norm(line, axis=1, keepdims=True)
    # Separable: along all axes at once it is the Kronecker product.
    transform: FloatArray = reduce(np.kron, [line] * n_spatial).astype(np.float32)
    return transform


@lru_cache
def _haar(size: int) -> FloatArray:
    """Orthonormal Haar transform of a power of two."""
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        means, differences = np.kron(matrix, [1, 1]), np.kron(np.eye(len(matrix)), [1, -1])
        matrix = np.concatenate([means, differences]) / np.sqrt(2)
    return matrix.astype(np.float32)
