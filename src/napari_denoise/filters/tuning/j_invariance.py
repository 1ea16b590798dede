"""Blind spots: pixels that a filter does not get to see, and is then asked for.

What it puts there cannot be the noise it was not shown. Its error against the noisy pixel is
therefore its error against the clean one plus the noise, which no setting changes: the setting
with the least is the best, and no clean image is needed (J-invariance, Batson & Royer 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray

__all__ = ["BlindSpots", "Mask"]

Mask = npt.NDArray[np.bool_]

_NEAR = (sqrt(7) - 1) / 2
"""Weight of the mean of the four nearest pixels, beyond 1, in a pixel's stand-in."""

_HIDDEN = 0.02
"""Correlation with the spot's noise below which a pixel may be seen."""

_SPACING = 4
"""Pixels from one spot to the next: far enough apart to leave the image what it is."""


@dataclass(frozen=True, slots=True)
class BlindSpots:
    """A grid of spots in every plane, and what stands in for them.

    A stand-in is ``(1 + a) * near - a * diagonal`` with the means of the four pixels beside it
    and of the four diagonal ones. With ``a = (sqrt(7) - 1) / 2`` its noise is as strong as that
    of the pixel it replaces, and where the image is smooth, so is its signal to the third
    order. A plain mean would be less noisy: a filter would need to do less at the spots than
    anywhere else, and the setting found would be too weak.

    Attributes
    ----------
    radius : float
        How far around a spot pixels are replaced too, in pixels: those that share its noise.
    """

    radius: float = 0.0

    @classmethod
    def for_correlation(cls, correlation: float) -> BlindSpots:
        """Spots that hide noise of this lag-1 correlation, taken to fall off as a Gaussian.

        The wider they are, the worse the stand-ins: zero where each pixel's noise is its own.
        """
        if correlation <= 0:
            return cls()
        return cls(sqrt(log(_HIDDEN) / log(min(correlation, 0.9))))

    @property
    def margin(self) -> int:
        """Pixels along Y and X at a border that have no spot, as nothing could stand in."""
        return self._distance + int(self.radius)

    @property
    def _distance(self) -> int:
        """From where stand-ins are taken, in pixels along Y and X: from beyond what is hidden."""
        return int(2 * self.radius) + 1

    @property
    def n_phases(self) -> int:
        """Grids until each pixel has been a spot once."""
        return self._spacing**2

    def hide(self, noisy: FloatArray, phase: int = 0) -> tuple[FloatArray, Mask]:
        """Replace the spots; returns the image to be filtered, and where to look then.

        Parameters
        ----------
        noisy : array, (...)YX
        phase : int
            Which of the grids, 0 to ``n_phases - 1``.

        Returns
        -------
        hidden : array, shape of `noisy`
        spots : bool array, shape of `noisy`
            The spots' centres, which alone are to be judged.
        """
        spots = self._centres(noisy.shape, phase)
        stand_in = self._stand_in(noisy)
        hidden = noisy.copy()
        reach = int(self.radius)
        for y in range(-reach, reach + 1):
            for x in range(-reach, reach + 1):
                if y * y + x * x <= self.radius**2:
                    around = np.roll(spots, (y, x), (-2, -1))
                    hidden[around] = stand_in[around]
        return hidden, spots

    @property
    def _spacing(self) -> int:
        return max(_SPACING, ceil(2 * self.radius) + 2)

    def _centres(self, shape: tuple[int, ...], phase: int) -> Mask:
        down, right = divmod(phase, self._spacing)
        planes = np.arange(int(np.prod(shape[:-2], dtype=int))).reshape(*shape[:-2], 1, 1)
        rows, columns = np.ogrid[: shape[-2], : shape[-1]]
        # Moved from plane to plane, so that a volume's spots do not lie above each other.
        is_row = (rows + planes) % self._spacing == down
        is_column = (columns + 2 * planes) % self._spacing == right
        inside = np.zeros(shape[-2:], np.bool_)
        inside[self.margin : -self.margin, self.margin : -self.margin] = True
        centres: Mask = is_row & is_column & inside
        return centres

    def _stand_in(self, noisy: FloatArray) -> FloatArray:
        """For every pixel the value that would replace it; what wraps around is in the margin."""
        step = self._distance
        steps = (-step, step)
        stand_in = np.zeros_like(noisy)
        for shift in steps:
            for axis in (-2, -1):
                stand_in += np.float32((1 + _NEAR) / 4) * np.roll(noisy, shift, axis)
            for other in steps:
                stand_in -= np.float32(_NEAR / 4) * np.roll(noisy, (shift, other), (-2, -1))
        return stand_in
