"""Two half images out of one: the black and the white fields of a checkerboard."""

from __future__ import annotations

import numpy as np

from napari_denoise.core.dtype import FloatArray

__all__ = ["split_checkerboard"]


def split_checkerboard(
    patches: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Halve the plane of each patch into the two colours of a checkerboard.

    Each colour is pushed together along Y or along X, so all four halves of Lequyer et al. 2022,
    doi:10.1038/s42256-022-00547-8, come up. Planes of a volume are halved alike.

    Parameters
    ----------
    patches : array, axes …YX
        At least two pixels along Y and X.
    rng : numpy.random.Generator
        Chooses the axis, and which half comes first.

    Returns
    -------
    first, second : array, axes …YX
        Half as long along Y or X; neighbours in the patch are at the same place.
    """
    # Even sizes, so that the colours have as many fields.
    patches = patches[..., : patches.shape[-2] // 2 * 2, : patches.shape[-1] // 2 * 2]
    is_along_y, is_swapped = rng.integers(2, size=2) > 0
    if is_along_y:
        patches = np.swapaxes(patches, -1, -2)
    first, second = np.empty((2, *patches.shape[:-1], patches.shape[-1] // 2), np.float32)
    for row in (0, 1):
        first[..., row::2, :] = patches[..., row::2, row::2]
        second[..., row::2, :] = patches[..., row::2, 1 - row :: 2]
    if is_along_y:
        first, second = np.swapaxes(first, -1, -2), np.swapaxes(second, -1, -2)
    return (second, first) if is_swapped else (first, second)
