"""Whether the signal of a film fades from frame to frame, as bleaching makes it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from napari_denoise.core.axes import Layout
from napari_denoise.core.progress import Job, Progress
from napari_denoise.noise.calibration.mean_variance import Values
from napari_denoise.noise.calibration.sampling import windows_of

__all__ = ["block_means", "measure_photobleaching_job", "share_bleached"]

_MIN_FRAMES = 5
"""Fewer can fall one after the other by chance."""
# Trade-off: more frames and windows see a fainter trend, and take longer to read from a disk.
_MAX_FRAMES = 32
_MAX_WINDOWS = 4
_N_BLOCKS = 8
"""Along each side of a window."""
_BRIGHT = 0.25
"""Signal of a block, in units of that of the brightest, from which on it counts."""
_SIGNIFICANT = 2.2
"""Normal deviate of Kendall's trend: five frames reach it if each is darker than all before."""
_AGREED = 0.8
"""Share of the bright blocks that must fade: specimens that move fade in one place only."""
_MIN_LOSS = 0.05
"""Share of the signal. Trade-off: less may as well be the drift of a lamp."""


def measure_photobleaching_job(frames: Any, layout: Layout, offset: float) -> Job[float | None]:
    """Share of the signal that a film loses; None without a time axis, or with too few frames.

    Parameters
    ----------
    frames : array-like in the layout's axes
        May be lazy.
    layout : Layout
    offset : float
        Level without light, in DN.
    """
    if "T" not in layout.axes or frames.shape[layout.axes.index("T")] < _MIN_FRAMES:
        return None
    means = yield from block_means(frames, layout)
    return share_bleached(means, offset)


def block_means(frames: Any, layout: Layout) -> Job[Values]:
    """Mean of each block of some frames, shape ``(frames, blocks)``, in DN.

    Parameters
    ----------
    frames : array-like in the layout's axes, T among them
        May be lazy: at most 32 frames are read, evenly spread, in a few windows of one plane.
    layout : Layout
    """
    time, shape = layout.axes.index("T"), tuple(frames.shape)
    n_frames = shape[time]
    chosen = np.unique(np.linspace(0, n_frames - 1, min(n_frames, _MAX_FRAMES)).round()).astype(int)
    units = [unit for unit in layout.units(shape) if unit[time] == 0]
    # The middle of a stack, where a specimen is more likely to be than at its ends.
    middle = units[len(units) // 2]
    windows = windows_of(layout.unit_shape(shape))
    windows = windows[:: -(-len(windows) // _MAX_WINDOWS)]
    means = []
    for i, frame in enumerate(chosen.tolist()):
        unit = (*middle[:time], frame, *middle[time + 1 :])
        means.append(
            [m for window in windows for m in _blocks(layout.read(frames, unit, window)[0])]
        )
        yield Progress(fraction=(i + 1) / len(chosen), message="looking for bleaching")
    return np.array(means)


def _blocks(plane: Values) -> list[float]:
    rows, columns = (np.linspace(0, size, _N_BLOCKS + 1).astype(int) for size in plane.shape)
    return [
        float(plane[top:bottom, left:right].mean(dtype=np.float64))
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]


def share_bleached(means: Values, offset: float) -> float:
    """Share of the signal that the last frame has lost against the first; zero if none surely has.

    Parameters
    ----------
    means : array, ``(frames, blocks)``
        From :func:`block_means`, in DN.
    offset : float
        Level without light, in DN.
    """
    signal = means - offset
    # Background does not bleach, and would hide how much the rest does.
    typical = signal.mean(axis=0)
    bright = signal[:, typical >= _BRIGHT * np.max(typical)]
    total = bright.sum(axis=1)
    if np.max(typical) <= 0 or total.min() <= 0:
        return 0.0
    is_agreed = np.mean([_trend(block) < 0 for block in bright.T]) >= _AGREED
    if _trend(total) > -_SIGNIFICANT or not is_agreed:
        return 0.0
    # Bleaching is exponential in time: a straight line in the logarithm.
    loss = 1 - float(np.exp(_slope(np.log(total)) * (len(total) - 1)))
    return loss if loss >= _MIN_LOSS else 0.0


def _trend(values: Values) -> float:
    """Kendall's test for a trend, as a normal deviate: below zero for values that fall."""
    n = len(values)
    later, earlier = np.triu_indices(n, 1)[::-1]
    # One less, towards zero: the continuity correction of a score that moves in steps of two.
    score = float(np.sign(values[later] - values[earlier]).sum())
    return float(np.sign(score) * max(abs(score) - 1, 0) / np.sqrt(n * (n - 1) * (2 * n + 5) / 18))


def _slope(values: Values) -> float:
    """The median slope between any two values: a frame that is off does no harm."""
    later, earlier = np.triu_indices(len(values), 1)[::-1]
    return float(np.median((values[later] - values[earlier]) / (later - earlier)))
