"""One image measured in every way that is asked for and possible."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import Any

from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.evaluation.scene import check_same_scene, is_raw, max_minus_min_job, stack_of
from napari_denoise.evaluation.self_supervision import estimate_error_job
from napari_denoise.metrics import (
    METRICS,
    QUANTITIES,
    SCORES,
    Metric,
    Photometry,
    PlaneScores,
    Scene,
    Scores,
)
from napari_denoise.registry import denoiser_of

__all__ = ["EACH_PLANE", "Assessment", "assess_job", "possible_metrics"]

EACH_PLANE = "plane"
"""In place of an axis: a row for every plane."""


@dataclass(frozen=True, slots=True, repr=False)
class Assessment:
    """What was found out about an image.

    Attributes
    ----------
    axes : str
        The axes before Y and X, which the places in `scores` count along.
    found : dict of str to object
        What each metric's job returned, by the metric's name; without those not measured.
    missing : dict of str to str
        Why a metric that was asked for could not be measured, in a sentence, by its name.
    """

    axes: str
    found: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def scores(self) -> PlaneScores | None:
        """Against the clean image."""
        return self.found.get("scores")

    @property
    def photometry(self) -> Photometry | None:
        """Against the noisy image."""
        return self.found.get("photometry")

    def values(self) -> dict[str, Any]:
        """Each number by its key; what was not measured is left out."""
        values: dict[str, Any] = {}
        for metric in METRICS:
            if (found := self.found.get(metric.name)) is not None:
                whole = found.overall if metric is SCORES else found
                values |= {quantity.key: quantity.of(whole) for quantity in metric.quantities}
        return values

    def to_dict(self) -> dict[str, Any]:
        """Each number by its key, and why others are missing, as JSON knows them."""
        missing = {"missing": self.missing} if self.missing else {}
        return {**self.values(), **missing}

    def __repr__(self) -> str:
        """A line for each number."""
        lines = [f"{title:<16} {value}" for title, value, _ in self._table()]
        return "\n".join([*lines, *self.missing.values()]) or "nothing was measured"

    def _repr_html_(self) -> str:
        """A table for notebooks, with what each number means."""
        cells = (
            f"<tr><th>{escape(title)}</th><td>{escape(value)}</td><td>{escape(meaning)}</td></tr>"
            for title, value, meaning in self._table()
        )
        missing = "".join(f"<p>{escape(reason)}</p>" for reason in self.missing.values())
        return f"<table>{''.join(cells)}</table>{missing}"

    def _table(self) -> Iterator[tuple[str, str, str]]:
        """Title, value and meaning of each number."""
        values = self.values()
        for quantity in QUANTITIES:
            if quantity.key in values:
                value = values[quantity.key]
                n = quantity.n_decimals
                is_number = isinstance(value, float) and n is not None
                text = f"{value:.{n}f}" if is_number else str(value)
                yield quantity.title, text, quantity.meaning

    def parts(self, per: str) -> Iterator[tuple[str, Scores]]:
        """The scores of each part of the image, with the part's name ("T 0, Z 3").

        Parameters
        ----------
        per : str
            Letter of an axis for one part per position, counted from 0, or :data:`EACH_PLANE`.
            Along an axis that the image lacks there are no parts.
        """
        scores, axes = self.scores, self.axes
        if scores is None or not axes:
            return
        if per == EACH_PLANE:
            for place, each in scores.planes.items():
                yield ", ".join(f"{a} {i}" for a, i in zip(axes, place, strict=True)), each
        elif per and per in axes:
            for i, each in enumerate(scores.along[axes.index(per)]):
                yield f"{per} {i}", each

    def rows(self, per: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """Rows of a table: a part of the image, with its scores by key.

        Parameters
        ----------
        per : str
            As for :meth:`parts`; one row with all numbers of the whole image if there are none.
        """
        parts = [
            (name, {quantity.key: quantity.of(each) for quantity in SCORES.quantities})
            for name, each in self.parts(per)
        ]
        yield from parts or [("", self.values())]


def assess_job(
    image: Image,
    *,
    clean: Image | None = None,
    noisy: Image | None = None,
    data_range: float | None = None,
    metrics: Collection[Metric] = METRICS,
    is_extended: bool = True,
) -> Job[Assessment]:
    """Measure an image, a plane at a time.

    Parameters
    ----------
    image : Image
        What is measured.
    clean : Image, optional
        The same scene without noise.
    noisy : Image, optional
        What `image` was made from.
    data_range : float, optional
        As for :func:`~napari_denoise.metrics.psnr`; the clean image's maximum minus its minimum
        if not given.
    metrics : collection of Metric
        What to measure; what is not possible with the images given is left out.
    is_extended : bool
        Whether scores include MS-SSIM and MicroSSIM, for about twice the time.

    Raises
    ------
    InputError
        If shapes or scales differ, a pixel is not finite, or the data range is not positive.
    """
    for other in (clean, noisy):
        if other is not None:
            check_same_scene(image, other)
    if clean is not None and data_range is None and SCORES in metrics:
        data_range = yield from nested(max_minus_min_job(stack_of(clean).pixels), 0.0, 0.0)
    # Lazily turned into one order of axes; each metric then reads a plane at a time.
    scene = _scene(image, clean, noisy, data_range, is_extended=is_extended)
    jobs = {metric: job for metric in METRICS if metric in metrics and (job := metric.start(scene))}
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for i, (metric, job) in enumerate(jobs.items()):
        try:
            found[metric.name] = yield from nested(job, i / len(jobs), (i + 1) / len(jobs))
        except DenoiseError as error:
            # Small or odd images lack some numbers; the others are not lost for that.
            if not metric.may_fail:
                raise
            missing[metric.name] = str(error)
    return Assessment(stack_of(image).axes[:-2], found, missing)


def possible_metrics(
    image: Image, *, clean: Image | None = None, noisy: Image | None = None
) -> tuple[Metric, ...]:
    """What can be measured with these images.

    Parameters
    ----------
    image, clean, noisy : Image
        As for :func:`assess_job`.
    """
    scene = _scene(image, clean, noisy, None)
    return tuple(metric for metric in METRICS if metric.start(scene) is not None)


def _scene(
    image: Image,
    clean: Image | None,
    noisy: Image | None,
    data_range: float | None,
    *,
    is_extended: bool = True,
) -> Scene:
    """The images in one order of axes, with what metrics ask for."""
    stack, reference = stack_of(image), stack_of(clean) if clean is not None else None
    return Scene(
        stack.pixels,
        clean=reference.pixels if reference else None,
        noisy=_before(image, noisy),
        data_range=data_range,
        is_extended=is_extended,
        pixel_size_um=stack.pixel_sizes_um("YX")
        or (reference.pixel_sizes_um("YX") if reference else None),
        is_raw=is_raw(image.recipe),
        estimate_error=_estimate_of(image, noisy),
    )


def _before(image: Image, noisy: Image | None) -> Any:
    """What the image was made from; it is no residual of itself."""
    return None if noisy is None or noisy.pixels is image.pixels else stack_of(noisy).pixels


def _estimate_of(image: Image, noisy: Image | None) -> Callable[[], Job[Any]] | None:
    if noisy is None or image.recipe is None or denoiser_of(image.recipe) is None:
        return None
    return partial(estimate_error_job, noisy, image.recipe)
