"""BM3D: blocks that look alike are stacked, and each stack is denoised as one.

Written from Dabov et al. 2007 and Lebrun's analysis of 2012, for whole arrays instead of
single blocks: distances of all blocks to those at one offset are a box sum, the transforms
are matrix products, and blocks are put back in the transform domain, so that each place is
transformed back only once. In all of it, noise has a standard deviation of 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
import pywt
from scipy import fft, sparse

from napari_denoise.axes import Layout
from napari_denoise.errors import AxesError
from napari_denoise.filters.base import NoiseRemover
from napari_denoise.filters.block_matching import Indices, find_similar
from napari_denoise.intensities import FloatArray
from napari_denoise.progress import Job, Progress, nested
from napari_denoise.settings import setting

__all__ = ["BM3D"]

_BLOCK = 8
"""Width of a block in pixels."""

_STEP = 3
"""Each third block in Y and X is a reference, for which others are looked for."""

_HARD_THRESHOLD = 2.7
"""Coefficients of a stack below this are taken for noise."""

_N_SIMILAR = 16
"""Blocks in a stack, a power of two. More in the second stage, as in the paper, gain nothing."""

_KAISER_BETA = 2.0
"""Blocks fade out towards their borders, so that these do not show."""

_STACKS_AT_ONCE = 512
"""Bounds the memory, and the time that Cancel takes."""

Shrinkage = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


class BM3D(NoiseRemover):
    """Stacks blocks that look alike and removes what they do not share.

    The best classical method for white noise. Noise that grows with the signal has to be
    stabilised first.
    """

    title: ClassVar[str] = "BM3D"
    citation: ClassVar[str] = (
        "Dabov, Foi, Katkovnik & Egiazarian 2007, doi:10.1109/TIP.2007.901238; "
        "Lebrun 2012, doi:10.5201/ipol.2012.l-bm3d"
    )

    n_tuning_crops: ClassVar[int] = 1

    name: Literal["bm3d"] = "bm3d"
    search_radius: int = setting(
        16, "How far away similar blocks are looked for.", unit="pixels", ge=1, le=50, step=1
    )
    stages: Literal["both", "first"] = setting(
        "both",
        "The first stage alone is twice as fast and about half a decibel worse.",
        advanced=True,
    )

    def check(self, layout: Layout, shape: tuple[int, ...]) -> None:
        super().check(layout, shape)
        if layout.n_spatial != 2:
            raise AxesError(
                f"BM3D denoises planes, but {layout.spatial} was chosen as spatial axes. Choose "
                f"YX, which takes a stack plane by plane, or another method."
            )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        # Twice as far, stacks still exchange blocks; that changes less than can be seen.
        return (self.search_radius + 2 * _BLOCK,) * n_spatial

    def alignment(self, n_spatial: int) -> tuple[int, ...]:
        return (_STEP,) * n_spatial

    def tile_size(self, n_spatial: int) -> tuple[int, ...]:
        return (max(255, 4 * self.search_radius),) * n_spatial

    def _filter_scaled(self, pixels: FloatArray) -> Job[FloatArray]:
        padded = np.pad(pixels, [(0, _to_grid(size)) for size in pixels.shape], mode="symmetric")
        middle = 0.5 if self.stages == "both" else 1.0
        stage = _Stage(_block_transform("bior1.5"), _threshold)
        job = stage.run(padded, padded, self.search_radius)
        result = yield from nested(job, 0.0, middle)
        if self.stages == "both":
            stage = _Stage(_block_transform("dct"), _wiener)
            job = stage.run(padded, result, self.search_radius)
            result = yield from nested(job, middle, 1.0)
        return result[tuple(slice(size) for size in pixels.shape)]


def _to_grid(size: int) -> int:
    """Pixels to add, so that the last reference block ends with the image."""
    return max(_BLOCK - size, 0) or -(size - _BLOCK) % _STEP


@dataclass(frozen=True, slots=True)
class _Stage:
    """One of BM3D's two stages.

    Attributes
    ----------
    transform : array, (coefficient, pixel)
        Of a flattened block.
    shrink : callable
        Given the coefficients of noisy stacks and those of the best guess so far: the
        coefficients of the denoised stacks, and a weight for each stack.
    """

    transform: FloatArray
    shrink: Shrinkage

    def run(self, noisy: FloatArray, guess: FloatArray, radius: int) -> Job[FloatArray]:
        """Denoise, finding in `guess` which blocks look alike."""
        job = find_similar(guess, block=_BLOCK, step=_STEP, radius=radius, n_similar=_N_SIMILAR)
        stacks = yield from nested(job, 0.0, 0.6)
        blocks = [_blocks(noisy) @ self.transform.T]
        blocks += [blocks[0] if guess is noisy else _blocks(guess) @ self.transform.T]
        totals, weights = np.zeros_like(blocks[0]), np.zeros(len(blocks[0]), np.float32)
        for start in range(0, stacks.shape[1], _STACKS_AT_ONCE):
            yield Progress(fraction=0.6 + 0.4 * start / stacks.shape[1])
            members = stacks[:, start : start + _STACKS_AT_ONCE]
            denoised, weight = self._denoise_stacks(*(block[members] for block in blocks))
            _put_back(totals, weights, members, denoised, weight)
        return _overlap(totals, weights, self.transform, noisy.shape)

    def _denoise_stacks(
        self, noisy: FloatArray, guess: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        haar = _haar(len(noisy))
        shrunk, weight = self.shrink(_along_stack(haar, noisy), _along_stack(haar, guess))
        return _along_stack(haar.T, shrunk), weight


def _threshold(noisy: FloatArray, guess: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Keep the coefficients that noise does not explain."""
    del guess
    kept = np.abs(noisy) > _HARD_THRESHOLD
    n_kept = np.count_nonzero(kept, axis=(0, 2))
    return noisy * kept, (1 / np.maximum(n_kept, 1)).astype(np.float32)


def _wiener(noisy: FloatArray, guess: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Keep of each coefficient the share that the first result says is no noise."""
    energy = np.square(guess)
    gain = energy / (energy + 1)
    weight: FloatArray = 1 / np.maximum(np.einsum("ijk,ijk->j", gain, gain), 1e-3)
    return noisy * gain, weight


def _blocks(image: FloatArray) -> FloatArray:
    """All blocks of an image, flattened; axes: place, pixel."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (_BLOCK, _BLOCK))
    return windows.reshape(-1, _BLOCK * _BLOCK)


def _along_stack(matrix: FloatArray, stacks: FloatArray) -> FloatArray:
    """Transform along the first of the axes member, stack, coefficient."""
    return (matrix @ stacks.reshape(len(matrix), -1)).reshape(stacks.shape)


def _put_back(
    totals: FloatArray,
    weights: FloatArray,
    members: Indices,
    stacks: FloatArray,
    weight: FloatArray,
) -> None:
    """Add each block of the stacks, weighted, to those at its place."""
    places, rows = np.unique(members, return_inverse=True)
    columns = np.arange(members.size)
    each = np.broadcast_to(weight, members.shape).ravel()
    gather = sparse.csr_array((each, (rows.ravel(), columns)), (len(places), members.size))
    totals[places] += gather @ stacks.reshape(members.size, -1)
    weights[places] += np.bincount(rows.ravel(), each).astype(np.float32)


def _overlap(
    totals: FloatArray, weights: FloatArray, transform: FloatArray, shape: tuple[int, ...]
) -> FloatArray:
    """Transform the blocks back and take the weighted mean where they overlap."""
    fade = np.kaiser(_BLOCK, _KAISER_BETA).astype(np.float32)
    window = np.outer(fade, fade)
    inverse = np.linalg.inv(transform.astype(np.float64)).astype(np.float32)
    faded = (inverse * window.reshape(-1, 1)) @ totals.T
    n_places = tuple(size - _BLOCK + 1 for size in shape)
    total, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    weights = weights.reshape(n_places)
    for (row, column), share in np.ndenumerate(window):
        target = slice(row, row + n_places[0]), slice(column, column + n_places[1])
        total[target] += faded[row * _BLOCK + column].reshape(n_places)
        weight[target] += share * weights
    return total / weight


@lru_cache
def _block_transform(kind: Literal["dct", "bior1.5"]) -> FloatArray:
    """Transform of a flattened block, in which noise keeps a standard deviation of 1."""
    identity = np.eye(_BLOCK)
    if kind == "dct":
        line = fft.dct(identity, norm="ortho", axis=0)
    else:
        scales = [identity]
        while len(scales[0]) > 1:
            scales[:1] = pywt.dwt(scales[0], kind, mode="periodization", axis=0)
        line = np.concatenate(scales)
        line /= np.linalg.norm(line, axis=1, keepdims=True)
    return np.kron(line, line).astype(np.float32)


@lru_cache
def _haar(size: int) -> FloatArray:
    """Orthonormal Haar transform of a power of two."""
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        means, differences = np.kron(matrix, [1, 1]), np.kron(np.eye(len(matrix)), [1, -1])
        matrix = np.concatenate([means, differences]) / np.sqrt(2)
    return matrix.astype(np.float32)
