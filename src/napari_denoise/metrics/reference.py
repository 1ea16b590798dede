"""Scores against a clean image of the same scene, for all pixels, each plane, frame and channel.

The data range is never guessed: PSNR and SSIM mean nothing without it, and every published
number rests on one.
"""

from __future__ import annotations

import math
import os
from operator import attrgetter
from typing import Any

import numpy as np

from napari_denoise.core.progress import Job, Progress, nested, run_all
from napari_denoise.metrics.metric import Metric, Quantity, Scene
from napari_denoise.metrics.microssim import ScaleFit, fit_scale_job, micro_ssim_map
from napari_denoise.metrics.pairs import Plane, check_data_range, check_pair, to_double
from napari_denoise.metrics.pixel_sums import PixelSums, plane_sums_job, total
from napari_denoise.metrics.scores import PlaneScores, Scores
from napari_denoise.metrics.ssim import mean_maps_job, plane_ssim_job, ssim_maps

__all__ = [
    "EXTENDED",
    "SCORES",
    "compare_job",
    "compare_planes_job",
]

_FIT_SHARE = 0.1
"""Part of a comparison that goes into fitting MicroSSIM's offset and scale, for the bar."""


def compare_job(
    clean: Any, image: Any, *, data_range: float, is_extended: bool = True
) -> Job[Scores]:
    """All metrics at once, reading one plane at a time.

    Parameters
    ----------
    clean, image : array-like, ``(...)YX``, same shape
        May be lazy.
    data_range : float
        As for :func:`~napari_denoise.metrics.psnr`.
    is_extended : bool
        As for :func:`compare_planes_job`.

    Returns
    -------
    Scores
        Of all pixels together.

    Raises
    ------
    InputError
        As for :func:`~napari_denoise.metrics.psnr`.
    """
    job = compare_planes_job(clean, image, data_range=data_range, is_extended=is_extended)
    table = yield from job
    return table.overall


def compare_planes_job(
    clean: Any, image: Any, *, data_range: float, is_extended: bool = True
) -> Job[PlaneScores]:
    """All metrics at once, of the whole and of each plane and each position along an axis.

    MicroSSIM's offsets and scale are fitted once, for all planes together.

    Parameters
    ----------
    clean, image : array-like, ``(...)YX``, same shape
        May be lazy: each plane is read once, and up to 16 of them once more for the fit. As
        many are held at a time as the processor has cores.
    data_range : float
        As for :func:`~napari_denoise.metrics.psnr`.
    is_extended : bool
        Whether to measure MS-SSIM and MicroSSIM too, for about twice the time; NaN without.

    Returns
    -------
    PlaneScores

    Raises
    ------
    InputError
        As for :func:`~napari_denoise.metrics.psnr`.
    """
    clean, image = check_pair(clean, image)
    check_data_range(data_range)
    fit = None
    if is_extended:
        fit = yield from nested(fit_scale_job(clean, image), 0.0, _FIT_SHARE)
    shape = clean.shape[:-2]
    n_planes = math.prod(shape)
    places = list(np.ndindex(*shape))
    # A thread for each plane first, as these share nothing; what is left works within planes.
    n_threads = min(os.cpu_count() or 1, n_planes)
    n_left = (os.cpu_count() or 1) // n_threads  # for parts of a plane
    found: list[PixelSums] = []
    jobs = (_plane_sums(clean[p], image[p], data_range, fit, n_left) for p in places)
    job = run_all(jobs, found.append, n_jobs=n_planes, n_threads=n_threads, noun="plane")
    yield from nested(job, _FIT_SHARE, 1.0)
    return _table(dict(zip(places, found, strict=True)), shape, data_range)


def _plane_sums(
    first: Any, second: Any, data_range: float, fit: ScaleFit | None, n_threads: int
) -> Job[PixelSums]:
    """Sums over one plane, which is read here: in the thread that works on it."""
    # Before the first plane is read: a thread that is cancelled reads nothing.
    yield Progress(fraction=0.0)
    clean, image = to_double(first, "The clean image"), to_double(second, "The other image")
    job = _similarities(clean, image, data_range, fit, n_threads)
    similarities = yield from nested(job, 0.0, 0.95)
    return (yield from nested(plane_sums_job(clean, image, similarities), 0.95, 1.0))


def _similarities(
    clean: Plane, image: Plane, data_range: float, fit: ScaleFit | None, n_threads: int
) -> Job[tuple[float, float, float]]:
    """SSIM, MS-SSIM and MicroSSIM; without a fit SSIM alone, and NaN."""
    # One pass for all three: MicroSSIM is made of SSIM's moments.
    if fit is None:
        job = mean_maps_job(clean, image, lambda m: ssim_maps(m, data_range), n_threads=n_threads)
        return (yield from job)[0], math.nan, math.nan
    micro = micro_ssim_map(fit, float(np.ptp(clean)))
    return (yield from plane_ssim_job(clean, image, data_range, also=micro, n_threads=n_threads))


def _table(
    sums: dict[tuple[int, ...], PixelSums], shape: tuple[int, ...], data_range: float
) -> PlaneScores:
    # Scores of a frame or channel are not means of its planes' scores: PSNR is no mean. But sums
    # add up, so nothing is read again.
    along = tuple(
        tuple(
            _scores(total(s for place, s in sums.items() if place[axis] == i), data_range)
            for i in range(size)
        )
        for axis, size in enumerate(shape)
    )
    each = {place: _scores(s, data_range) for place, s in sums.items()}
    return PlaneScores(_scores(total(sums.values()), data_range), each, along)


def _scores(sums: PixelSums, data_range: float) -> Scores:
    ssim, ms_ssim, micro_ssim = (float(value) for value in sums.similarities / sums.n_planes)
    return Scores(
        psnr=sums.psnr(data_range),
        ssim=ssim,
        nrmse=sums.nrmse(),
        data_range=data_range,
        si_psnr=sums.si_psnr(),
        snr=sums.snr(),
        ms_ssim=ms_ssim,
        micro_ssim=micro_ssim,
    )


def _start(scene: Scene) -> Job[PlaneScores] | None:
    if scene.clean is None:
        return None
    return compare_planes_job(
        scene.clean,
        scene.image,
        data_range=scene.data_range or 0.0,
        is_extended=scene.is_extended,
    )


def _words(found: PlaneScores) -> str:
    scores = found.overall
    return (
        f"{scores.summary()}   (data range {scores.data_range:g})\n"
        f"SI-PSNR {scores.si_psnr:.2f} dB   SNR {scores.snr:.2f} dB   "
        f"MS-SSIM {scores.ms_ssim:.4f}   MicroSSIM {scores.micro_ssim:.4f}"
    )


def _range(scores: Scores) -> float:
    data_range = float(scores.data_range)
    return int(data_range) if data_range.is_integer() else data_range


EXTENDED = frozenset({"ms_ssim", "micro_ssim"})
"""Keys of the scores that take about as long as all others together."""

SCORES = Metric(
    "scores",
    "a clean image",
    _start,
    _words,
    (
        Quantity(
            "psnr_db",
            "PSNR dB",
            "Peak signal-to-noise ratio against the reference; higher is better.",
            attrgetter("psnr"),
            2,
            is_main=True,
        ),
        Quantity(
            "ssim",
            "SSIM",
            "Structural similarity to the reference, 1 for equal images; higher is better.",
            attrgetter("ssim"),
            is_main=True,
        ),
        Quantity(
            "nrmse",
            "NRMSE",
            "Root mean square error over the reference's root mean square; lower is better.",
            attrgetter("nrmse"),
            is_main=True,
        ),
        Quantity(
            "data_range",
            "Range",
            "The data range that PSNR, SSIM and MS-SSIM are given for; quote it with them.",
            _range,
            is_main=True,
        ),
        Quantity(
            "si_psnr_db",
            "SI-PSNR dB",
            "PSNR after the best offset and factor: blind to a change of scale; higher is better.",
            attrgetter("si_psnr"),
            2,
        ),
        Quantity(
            "snr_db",
            "SNR dB",
            "Energy of the reference over that of the error; higher is better.",
            attrgetter("snr"),
            2,
        ),
        Quantity(
            "ms_ssim",
            "MS-SSIM",
            "SSIM on five scales, for planes of more than 160 pixels; higher is better.",
            attrgetter("ms_ssim"),
        ),
        Quantity(
            "micro_ssim",
            "MicroSSIM",
            "SSIM after background and scale are fitted, for dim images; higher is better.",
            attrgetter("micro_ssim"),
        ),
    ),
)
