"""Whether a denoised image still tells how much light there was; only the noisy one is needed.

What is compared are means over blocks of up to 16 pixels. A blur that keeps the light but
spreads it within that distance passes: it costs resolution, not intensity.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Progress
from napari_denoise.metrics.block_means import (
    Line,
    block_sizes,
    fit_line,
    group_blocks,
    means_and_surroundings,
)
from napari_denoise.metrics.metric import Metric, Quantity, Scene
from napari_denoise.metrics.pairs import NOISY_AND_DENOISED, Plane, check_pair, planes
from napari_denoise.metrics.verdict import Evidence, find_problem, praise

__all__ = ["PHOTOMETRY", "Photometry", "check_photometry_job"]

_MIN_STRENGTH = 10.0
"""F statistic from which surroundings tell enough of a block to be an instrument: Staiger & Stock
1997, doi:10.2307/2171753."""

_MAX_BLOCKS = 2**20
"""Blocks that are kept of a stack, 24 MB; of more, every so many."""

_MIN_PILE = 10
"""Pixels at an end of the range that may be clipped; fewer are an honest tail."""


@dataclass(frozen=True, slots=True)
class Photometry:
    """How the intensities of a denoised image relate to those of the noisy one.

    Attributes
    ----------
    is_safe : bool
        Whether intensities may be measured on the denoised image.
    reason : str
        Why, or why not: one sentence.
    mean_ratio : float
        Mean of the output over mean of the input, both above `background`.
    slope, intercept, slope_error : float
        Of the line ``output = slope * input + intercept``, with the slope's standard error; NaN
        where the image has too little structure for a line.
    intensities, deviations : tuple of float
        For each decile of the blocks, from the darkest surroundings to the brightest: mean of
        the input, and of output minus input, in the image's units; empty like the line.
    background : float
        The given offset, or else the mean of the darkest decile, or else zero.
    plane_deviation : float
        Mean of output minus input over the plane that deviates most, as a part of the signal.
    worst_plane : tuple of int
        Index of that plane.
    n_clipped : int
        Pixels at an end of the output's range that the input goes beyond.
    """

    is_safe: bool
    reason: str
    mean_ratio: float
    slope: float
    intercept: float
    slope_error: float
    intensities: tuple[float, ...]
    deviations: tuple[float, ...]
    background: float
    plane_deviation: float
    worst_plane: tuple[int, ...]
    n_clipped: int


@dataclass(frozen=True, slots=True)
class _Sample:
    """What is kept of all planes."""

    places: list[tuple[int, ...]]
    means: npt.NDArray[np.float64]
    """One row per plane: mean of the input, of its square, and of the output."""
    blocks: tuple[npt.NDArray[np.float64], ...]
    """One for each size of block, the coarsest first."""
    n_clipped: int
    n_pixels: int


def check_photometry_job(
    noisy: Any, denoised: Any, *, offset: float | None = None, n_clipped: int = 0
) -> Job[Photometry]:
    """Check that denoising left intensities what they were, reading one plane at a time.

    An image is safe to quantify if its mean, the slope, each intensity decile and each
    plane are right within 2 % and twice (for planes four times) the standard error, and no more
    than one pixel in 10,000 is clipped. Slope and deciles come from blocks grouped by their
    surroundings [1]_ [2]_, if these tell enough about a block [3]_.

    Parameters
    ----------
    noisy, denoised : array-like, ``(...)YX``, same shape, any real dtype
        May be lazy.
    offset : float, optional
        What the camera gives without light, in the image's units, if known.
    n_clipped : int
        Pixels already known to be clipped, by the cast to an integer type.

    Returns
    -------
    Photometry

    Raises
    ------
    InputError
        If the shapes differ, or a pixel or the offset is not finite.

    References
    ----------
    .. [1] Wald 1940, doi:10.1214/aoms/1177731868
    .. [2] Durbin 1954, doi:10.2307/1401917
    .. [3] Staiger & Stock 1997, doi:10.2307/2171753
    """
    noisy, denoised = check_pair(noisy, denoised, ("The noisy image", "the denoised one"))
    if offset is not None and not math.isfinite(offset):
        raise InputError(
            f"An offset of {offset} cannot be used. Give what the camera reads without light, or "
            f"none if it is not known."
        )
    sample = yield from _sample(noisy, denoised)
    clipped = (sample.n_clipped + n_clipped) / sample.n_pixels
    evidence, background = _weigh(sample, offset, clipped)
    # Reported whether or not it is too much.
    worst = int(np.abs(evidence.plane_deviations).argmax())
    problem = find_problem(evidence, sample.places)
    groups, line = evidence.groups, evidence.line or Line(math.nan, math.nan, math.nan)
    above = float(sample.means[:, 0].mean()) - background
    return Photometry(
        is_safe=problem is None,
        reason=f"Not safe to quantify: {problem}." if problem else praise(evidence),
        mean_ratio=1 + evidence.deviation / above if above else math.nan,
        slope=line.slope,
        intercept=line.intercept,
        slope_error=line.slope_error,
        intensities=tuple(groups.first.tolist()) if groups else (),
        deviations=tuple((groups.second - groups.first).tolist()) if groups else (),
        background=background,
        plane_deviation=float(evidence.plane_deviations[worst]) / (evidence.signal or math.nan),
        worst_plane=sample.places[worst],
        n_clipped=sample.n_clipped + n_clipped,
    )


def _sample(noisy: Any, denoised: Any) -> Job[_Sample]:
    is_whole = np.dtype(denoised.dtype).kind in "bui"
    sizes = block_sizes(noisy.shape[-2:])
    n_planes, n_pixels = math.prod(noisy.shape[:-2]), math.prod(noisy.shape)
    # As many of each plane: the choice must not favour the first ones.
    steps = [math.ceil(n_pixels / size**2 / _MAX_BLOCKS) for size in sizes]
    places, means, blocks, n_clipped = [], [], [], 0
    for i, (place, (before, after)) in enumerate(planes(noisy, denoised, NOISY_AND_DENOISED)):
        yield Progress(fraction=(i + 0.3) / n_planes, message=f"plane {i + 1} of {n_planes}")
        n_clipped += _n_clipped(before, after, is_whole=is_whole)
        yield Progress(fraction=(i + 0.6) / n_planes)
        places.append(place)
        means.append((before.mean(), np.square(before).mean(), after.mean()))
        each = zip(sizes, steps, strict=True)
        blocks.append(
            [means_and_surroundings(before, after, size)[:, ::step].copy() for size, step in each]
        )
        yield Progress(fraction=(i + 1) / n_planes)
    by_size = tuple(np.concatenate(part, axis=1) for part in zip(*blocks, strict=True))
    return _Sample(places, np.array(means), by_size, n_clipped, n_pixels)


def _n_clipped(before: Plane, after: Plane, *, is_whole: bool) -> int:
    """Pixels that pile up at an end of the output's range while the input goes beyond it.

    The tail of an honest histogram thins out towards its end: more pixels at the end than next
    to it are a pile. Whole numbers may be half a unit off by rounding.
    """
    # "Next to" is a bin of a histogram of 256, and a grey level at least.
    width = max(float(np.ptp(after)) / 256, 1.0 if is_whole else 0.0)
    found = 0
    for sign in (-1, 1):
        outward = sign * after
        at_end = outward == outward.max()
        n_at_end = np.count_nonzero(at_end)
        n_near = np.count_nonzero(outward >= outward.max() - width) - n_at_end
        if n_at_end < _MIN_PILE or n_at_end <= n_near or n_at_end == after.size:
            continue
        # Clipped pixels were brighter (or darker) than the end on the average; a plateau of the
        # image, such as an empty background, is as bright as that.
        beyond = sign * (before[at_end] - after[at_end])
        error = beyond.std() / math.sqrt(n_at_end)
        if beyond.mean() > 3 * error + (0.5 if is_whole else 0.0):
            found += int(n_at_end)
    return found


def _weigh(sample: _Sample, offset: float | None, clipped: float) -> tuple[Evidence, float]:
    before, square, after = sample.means.mean(axis=0)
    # The coarsest blocks of which surroundings tell enough; finer ones are not even grouped then.
    candidates = (group_blocks(blocks) for blocks in sample.blocks)
    groups = next((g for g in candidates if g and g.strength >= _MIN_STRENGTH), None)
    darkest = float(groups.first.min()) if groups else 0.0
    background = darkest if offset is None else offset
    signal = float(before - background)
    if signal <= 0 or (groups is None and offset is None):
        # What is signal and what background cannot be told: a part of all variation may be lost.
        signal = math.sqrt(max(float(square - before**2), 0.0))
    # The scatter of blocks, not of pixels, whose noise a filter has made alike in neighbours.
    differences = sample.blocks[0][2] - sample.blocks[0][1]
    evidence = Evidence(
        float(after - before),
        float(differences.std()) / math.sqrt(differences.size),
        sample.means[:, 2] - sample.means[:, 0],
        signal,
        groups,
        fit_line(groups) if groups else None,
        clipped,
    )
    return evidence, background


def _start(scene: Scene) -> Job[Photometry] | None:
    return None if scene.noisy is None else check_photometry_job(scene.noisy, scene.image)


def _verdict(photometry: Photometry) -> str:
    return "yes" if photometry.is_safe else "no"


PHOTOMETRY = Metric(
    "photometry",
    "the noisy image",
    _start,
    attrgetter("reason"),
    (
        Quantity(
            "safe_to_quantify",
            "Safe",
            "Whether intensities may be measured on it: mean, slope and every plane agree with "
            "the noisy image within 2 %, and nothing is clipped.",
            _verdict,
            None,
            is_main=True,
        ),
        Quantity(
            "mean_ratio",
            "Mean ratio",
            "Mean above background, over that of the noisy image. 1 is right.",
            attrgetter("mean_ratio"),
        ),
        Quantity(
            "slope",
            "Slope",
            "Slope of the line through output against input intensities. 1 is right.",
            attrgetter("slope"),
        ),
        Quantity(
            "n_clipped",
            "Clipped",
            "Pixels set to an end of the image's range that the noisy image goes beyond.",
            attrgetter("n_clipped"),
            0,
        ),
    ),
)
