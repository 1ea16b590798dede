"""What is measured, under which name, and what each number means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from napari_denoise.metrics import Photometry, Scores

if TYPE_CHECKING:
    from napari_denoise.assessment.assess import Assessment

__all__ = ["EACH_PLANE", "QUANTITIES", "Part", "Quantity", "rows", "values"]

EACH_PLANE = "plane"
"""In place of an axis: a row for every plane."""


class Part(StrEnum):
    """A part of an assessment, measured in one go; its value names it in :class:`Assessment`."""

    SCORES = "scores"
    PHOTOMETRY = "photometry"
    RESIDUAL = "residual"
    CHECKERBOARD = "checkerboard"
    RESOLUTION = "resolution"
    BLIND_SPOT = "blind_spot"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of an assessment.

    Attributes
    ----------
    key : str
        Its name in files, the unit included.
    title : str
        Its name for people.
    part : Part
        What it is measured with.
    meaning : str
        What it says and which way is better, in a sentence or two.
    of : callable
        Takes it out of the part; out of :class:`~napari_denoise.metrics.Scores` for scores.
    n_decimals : int or None
        How finely it is shown; None for words.
    is_main : bool
        Whether it is shown unless something else is asked for.
    """

    key: str
    title: str
    part: Part
    meaning: str
    of: Callable[[Any], Any]
    n_decimals: int | None = 3
    is_main: bool = False


def _verdict(photometry: Photometry) -> str:
    return "yes" if photometry.is_safe else "no"


def _itself(value: Any) -> Any:
    return value


QUANTITIES: tuple[Quantity, ...] = (
    Quantity(
        "psnr_db",
        "PSNR dB",
        Part.SCORES,
        "Peak signal-to-noise ratio against the reference; higher is better.",
        attrgetter("psnr"),
        2,
        is_main=True,
    ),
    Quantity(
        "ssim",
        "SSIM",
        Part.SCORES,
        "Structural similarity to the reference, 1 for equal images; higher is better.",
        attrgetter("ssim"),
        is_main=True,
    ),
    Quantity(
        "nrmse",
        "NRMSE",
        Part.SCORES,
        "Root mean square error over the reference's root mean square; lower is better.",
        attrgetter("nrmse"),
        is_main=True,
    ),
    Quantity(
        "safe_to_quantify",
        "Safe",
        Part.PHOTOMETRY,
        "Whether intensities may be measured on it: mean, slope and every plane agree with the "
        "noisy image within 2 %, and nothing is clipped.",
        _verdict,
        None,
        is_main=True,
    ),
    Quantity(
        "residual_correlation",
        "Residual r₁",
        Part.RESIDUAL,
        "Correlation of neighbouring pixels in what was taken out (noisy minus image). Near 0 if "
        "that was white noise; more if structure or correlated noise went too.",
        attrgetter("lag_1"),
        is_main=True,
    ),
    Quantity(
        "signal_correlation",
        "Signal r",
        Part.RESIDUAL,
        "Correlation of what was taken out with the image. Near 0 is good; positive where "
        "structure went with the noise.",
        attrgetter("signal_correlation"),
        is_main=True,
    ),
    Quantity(
        "checkerboard",
        "Checker",
        Part.CHECKERBOARD,
        "Strength of patterns two pixels wide. About 1 for white noise, less for smooth images; "
        "much more than 4 is an artefact.",
        _itself,
        2,
    ),
    Quantity(
        "si_psnr_db",
        "SI-PSNR dB",
        Part.SCORES,
        "PSNR after the best offset and factor: blind to a change of scale; higher is better.",
        attrgetter("si_psnr"),
        2,
    ),
    Quantity(
        "snr_db",
        "SNR dB",
        Part.SCORES,
        "Energy of the reference over that of the error; higher is better.",
        attrgetter("snr"),
        2,
    ),
    Quantity(
        "ms_ssim",
        "MS-SSIM",
        Part.SCORES,
        "SSIM on five scales, for planes of more than 160 pixels; higher is better.",
        attrgetter("ms_ssim"),
    ),
    Quantity(
        "micro_ssim",
        "MicroSSIM",
        Part.SCORES,
        "SSIM after background and scale are fitted, for dim images; higher is better.",
        attrgetter("micro_ssim"),
    ),
    Quantity(
        "resolution_um",
        "FRC µm",
        Part.RESOLUTION,
        "Finest period on which image and reference agree (Fourier ring correlation falls to "
        "1/7); without a reference, of a raw image alone. Lower is better.",
        attrgetter("resolution_um"),
    ),
    Quantity(
        "mean_ratio",
        "Mean ratio",
        Part.PHOTOMETRY,
        "Mean above background, over that of the noisy image. 1 is right.",
        attrgetter("mean_ratio"),
    ),
    Quantity(
        "slope",
        "Slope",
        Part.PHOTOMETRY,
        "Slope of the line through output against input intensities. 1 is right.",
        attrgetter("slope"),
    ),
    Quantity(
        "n_clipped",
        "Clipped",
        Part.PHOTOMETRY,
        "Pixels set to an end of the image's range that the noisy image goes beyond.",
        attrgetter("n_clipped"),
        0,
    ),
    Quantity(
        "residual_std",
        "Residual SD",
        Part.RESIDUAL,
        "Standard deviation of what was taken out, in the image's units; compare it with the noise's.",
        attrgetter("std"),
    ),
    Quantity(
        "blind_spot_mse",
        "Blind-spot MSE",
        Part.BLIND_SPOT,
        "Mean squared error estimated without a reference, by predicting pixels the filter was "
        "not shown; for filters of this plugin, where the noise can be calibrated.",
        attrgetter("mse"),
        1,
    ),
    Quantity(
        "blind_spot_loss",
        "Blind-spot loss",
        Part.BLIND_SPOT,
        "The same with the noise's variance in it: only differences between methods count. "
        "Lower is better.",
        attrgetter("loss"),
        1,
    ),
)
"""All numbers there are, in the order in which they are shown."""


def values(assessment: Assessment) -> dict[str, Any]:
    """Each number of an assessment by its key; parts that were not measured are left out."""
    found: dict[str, Any] = {}
    for quantity in QUANTITIES:
        part = getattr(assessment, quantity.part.value)
        if part is not None:
            is_table = quantity.part is Part.SCORES
            found[quantity.key] = quantity.of(part.overall if is_table else part)
    return found


def rows(assessment: Assessment, per: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a table: which part of the image, and its numbers by key.

    Parameters
    ----------
    assessment : Assessment
    per : str
        Letter of an axis for one row per position, counted from 0; :data:`EACH_PLANE` for one
        per plane; else one for the whole image. Parts have scores only.
    """
    scores = assessment.scores
    if per == EACH_PLANE and scores is not None and assessment.axes:
        for place, each in scores.planes.items():
            yield _place(assessment.axes, place), _numbers(each)
    elif per and per in assessment.axes and scores is not None:
        for i, each in enumerate(scores.along[assessment.axes.index(per)]):
            yield f"{per} {i}", _numbers(each)
    else:
        yield "", values(assessment)


def _place(axes: str, place: Sequence[int]) -> str:
    return ", ".join(f"{letter} {i}" for letter, i in zip(axes, place, strict=True))


def _numbers(scores: Scores) -> dict[str, Any]:
    return {q.key: q.of(scores) for q in QUANTITIES if q.part is Part.SCORES}
