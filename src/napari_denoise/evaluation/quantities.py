"""What is measured, under which name, and what each number means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from napari_denoise.metrics import Photometry, Scores

if TYPE_CHECKING:
    from napari_denoise.evaluation.assessment import Assessment

__all__ = ["EACH_PLANE", "EXTENDED", "QUANTITIES", "Part", "Quantity", "parts_of", "rows", "values"]

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

    @property
    def needs(self) -> str:
        """What it cannot be measured without, in words."""
        return _NEEDS[self]


_NEEDS = {
    Part.SCORES: "a clean image",
    Part.PHOTOMETRY: "the noisy image",
    Part.RESIDUAL: "the noisy image",
    Part.CHECKERBOARD: "nothing",
    Part.RESOLUTION: "the size of a pixel in µm, and a clean image unless the image is raw",
    Part.BLIND_SPOT: "the noisy image, and an image made from it with a filter of this package",
}


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


def _range(scores: Scores) -> float:
    data_range = float(scores.data_range)
    return int(data_range) if data_range.is_integer() else data_range


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
        is_main=True,
    ),
    Quantity(
        "data_range",
        "Range",
        Part.SCORES,
        "The data range that PSNR, SSIM and MS-SSIM are given for; quote it with them.",
        _range,
        is_main=True,
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
        "Standard deviation of what was taken out, in the image's units; about that of the noise.",
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


EXTENDED = frozenset({"ms_ssim", "micro_ssim"})
"""Keys of the scores that take about as long as all others together."""


def values(assessment: Assessment) -> dict[str, Any]:
    """Each number of an assessment by its key; parts that were not measured are left out."""
    found: dict[str, Any] = {}
    for quantity in QUANTITIES:
        part = getattr(assessment, quantity.part.value)
        if part is not None:
            is_table = quantity.part is Part.SCORES
            found[quantity.key] = quantity.of(part.overall if is_table else part)
    return found


def parts_of(assessment: Assessment, per: str) -> Iterator[tuple[str, Scores]]:
    """The scores of each part of an image, with the part's name ("T 0, Z 3").

    Parameters
    ----------
    assessment : Assessment
    per : str
        Letter of an axis for one part per position, counted from 0, or :data:`EACH_PLANE`.
        Along an axis that the image lacks there are no parts.
    """
    scores, axes = assessment.scores, assessment.axes
    if scores is None or not axes:
        return
    if per == EACH_PLANE:
        for place, each in scores.planes.items():
            yield ", ".join(f"{a} {i}" for a, i in zip(axes, place, strict=True)), each
    elif per and per in axes:
        for i, each in enumerate(scores.along[axes.index(per)]):
            yield f"{per} {i}", each


def rows(assessment: Assessment, per: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a table: a part of the image, with its scores by key.

    Parameters
    ----------
    assessment : Assessment
    per : str
        As for :func:`parts_of`; one row with all numbers of the whole image if there are none.
    """
    table = [q for q in QUANTITIES if q.part is Part.SCORES]
    parts = [(name, {q.key: q.of(each) for q in table}) for name, each in parts_of(assessment, per)]
    yield from parts or [("", values(assessment))]
