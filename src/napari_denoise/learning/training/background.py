"""The intensity where there is no light, measured on what is learned from."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_denoise.learning.data.batch import Batch

__all__ = ["measure_background"]

# Trade-off: averages over some 50 pixels, so noise falls to a seventh, and dark places of a few
# pixels are lost.
_SIGMA = 2.0
"""Standard deviation in pixels of the blur along Y and X that noise is evened out with."""

# Not the minimum, which is a single pixel's noise.
_DARKEST = 1.0
"""Share of the pixels, in percent, that are taken for background."""


def measure_background(samples: Batch) -> tuple[float, ...]:
    """The level below which only the darkest pixels lie, per channel, in the images' units.

    Measured on blurred patches, so that it is the darkness of places and not of the noise.
    """
    sigmas = (0,) * (samples.input.ndim - 2) + (_SIGMA, _SIGMA)
    smooth = ndimage.gaussian_filter(samples.input, sigmas, mode="nearest")
    channels = (smooth[:, i][samples.mask[:, i] > 0] for i in range(samples.input.shape[1]))
    return tuple(float(np.percentile(channel, _DARKEST)) for channel in channels)
