"""Masked pixels, which a denoiser does not get to see, and is then asked for.

What it puts there cannot be the noise it was not shown. Its error against the noisy pixel is
therefore its error against the clean one plus the noise, which no setting changes: the setting
with the least is the best, and no clean image is needed (J-invariance, Batson & Royer 2019,
doi:10.48550/arXiv.1901.11365).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray

__all__ = ["Mask", "Masker"]

Mask = npt.NDArray[np.bool_]

_NEAR = (sqrt(7) - 1) / 2
"""Weight of the mean of the four nearest pixels, beyond 1, in a replacement: the `a` for which
``(1 + a)² / 4 + a² / 4``, the variance of its noise, is 1."""

_SEEN = 0.02
"""Correlation with the masked pixel's noise below which a pixel may be seen. The less, the wider
the mask, and the worse its replacement follows structure."""

_SPACING = 4
"""Pixels from one masked pixel to the next, as in scikit-image: far enough apart to leave the image
what it is, and near enough for 4,096 of them in a crop of 256²."""

_LARGEST_CORRELATION = 0.9
"""Beyond, the mask would be wider than 6 pixels, and its replacement know nothing of the middle."""


@dataclass(frozen=True, slots=True)
class Masker:
    """A grid of masked pixels in every plane, and what replaces them.

    A replacement is ``(1 + a) * near - a * diagonal`` with the means of the four pixels beside
    it and of the four diagonal ones.

    Attributes
    ----------
    radius : float
        How far around a masked pixel others are replaced too, in pixels: those that share its
        noise.
    keeps_noise : bool
        Whether ``a = (sqrt(7) - 1) / 2``: the replacement's noise is then as strong as that of
        the pixel, and where the image is smooth, so is its signal to the third order. Settings
        are chosen with it: among the less noisy plain means of ``a = 0``, a denoiser would need
        to do less than elsewhere, and the settings found would be too weak. Errors are estimated
        without it: those of 11 filters come out 1.51, 0.94 and 1.25 times what they are at three
        levels of noise (geometric means), and with it 1.50, 1.18 and 1.41 times
        (``benchmarks/metrics.py --data``).
    """

    radius: float = 0.0
    keeps_noise: bool = True

    @classmethod
    def for_correlation(cls, correlation: float) -> Masker:
        """One that masks noise of this lag-1 correlation, taken to fall off as a Gaussian.

        The wider the masks, the worse the replacements: give zero where each pixel's noise is
        its own.
        """
        if correlation <= 0:
            return cls()
        # A correlation of c at one pixel is c^(r²) at r: solved for where it is _SEEN.
        return cls(sqrt(log(_SEEN) / log(min(correlation, _LARGEST_CORRELATION))))

    @property
    def margin(self) -> int:
        """Pixels along Y and X at a border that are not masked, as nothing could replace them."""
        return self._distance + int(self.radius)

    @property
    def _distance(self) -> int:
        """From where replacements are taken, in pixels along Y and X: from beyond the mask."""
        return int(2 * self.radius) + 1

    @property
    def n_phases(self) -> int:
        """Grids until each pixel has been masked once."""
        return self._spacing**2

    def mask(self, noisy: FloatArray, phase: int = 0) -> tuple[FloatArray, Mask]:
        """Replace pixels; returns the image to be denoised, and where to look then.

        Parameters
        ----------
        noisy : array, (...)YX
        phase : int
            Which of the grids, 0 to ``n_phases - 1``.

        Returns
        -------
        masked : array, shape of `noisy`
        mask : bool array, shape of `noisy`
            Middles of the masks, which alone are to be judged.
        """
        mask = self._centres(noisy.shape, phase)
        replacement = self._replacement(noisy)
        masked = noisy.copy()
        reach = int(self.radius)
        # The replacement of each pixel is that of itself, not of the mask's middle: structure goes
        # on below the mask.
        for y in range(-reach, reach + 1):
            for x in range(-reach, reach + 1):
                if y * y + x * x <= self.radius**2:
                    around = np.roll(mask, (y, x), (-2, -1))
                    masked[around] = replacement[around]
        return masked, mask

    @property
    def smallest_plane(self) -> int:
        """Rows and columns with which every grid has a pixel."""
        return 2 * self.margin + self._spacing

    @property
    def _spacing(self) -> int:
        # Masks must not touch.
        return max(_SPACING, ceil(2 * self.radius) + 2)

    def _centres(self, shape: tuple[int, ...], phase: int) -> Mask:
        down, right = divmod(phase, self._spacing)
        planes = np.arange(int(np.prod(shape[:-2], dtype=int))).reshape(*shape[:-2], 1, 1)
        rows, columns = np.ogrid[: shape[-2], : shape[-1]]
        # Moved from plane to plane, so that a volume's masks do not lie above each other.
        is_row = (rows + planes) % self._spacing == down
        is_column = (columns + 2 * planes) % self._spacing == right
        inside = np.zeros(shape[-2:], np.bool_)
        inside[self.margin : -self.margin, self.margin : -self.margin] = True
        centres: Mask = is_row & is_column & inside
        return centres

    def _replacement(self, noisy: FloatArray) -> FloatArray:
        """For every pixel the value that would replace it; what wraps around is in the margin."""
        step, beyond = self._distance, _NEAR if self.keeps_noise else 0.0
        steps = (-step, step)
        replacement = np.zeros_like(noisy)
        for shift in steps:
            for axis in (-2, -1):
                replacement += np.float32((1 + beyond) / 4) * np.roll(noisy, shift, axis)
            for other in steps:
                replacement -= np.float32(beyond / 4) * np.roll(noisy, (shift, other), (-2, -1))
        return replacement
