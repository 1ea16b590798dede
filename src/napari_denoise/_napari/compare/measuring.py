"""Measuring several layers, and drawing maps of them, as jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from napari_denoise._napari.compare.subjects import Subjects, as_image
from napari_denoise._napari.shared.layers import Source
from napari_denoise.core.errors import DenoiseError, InputError
from napari_denoise.core.progress import Job, nested
from napari_denoise.evaluation import (
    Assessment,
    Map,
    MapKind,
    assess_job,
    draw_map,
    max_minus_min,
    stack_of,
)
from napari_denoise.metrics import EXTENDED, METRICS

__all__ = ["DrawnMap", "Measured", "draw_maps", "measure"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of one layer: an assessment, or the reason why there is none."""

    name: str
    assessment: Assessment | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """A map, and the layer it is of."""

    kind: MapKind
    source: Source
    other: Source
    map: Map
    data_range: float | None


def measure(subjects: Subjects, keys: Collection[str]) -> Job[tuple[Measured, ...]]:
    """Assess each layer; one that cannot be measured does not keep the others from it.

    Parameters
    ----------
    subjects : Subjects
    keys : collection of str
        Of the quantities that are wanted.

    Raises
    ------
    InputError
        If none can be measured.
    """
    subjects = yield from _with_range(subjects)
    clean = as_image(subjects.clean) if subjects.clean else None
    noisy = as_image(subjects.noisy) if subjects.noisy else None
    wanted = [metric for metric in METRICS if any(q.key in keys for q in metric.quantities)]
    found: list[Measured] = []
    for i, source in enumerate(subjects.others):
        try:
            job = assess_job(
                as_image(source),
                clean=clean,
                noisy=noisy,
                data_range=subjects.data_range,
                metrics=wanted,
                is_extended=not EXTENDED.isdisjoint(keys),
            )
            share = _share(i, len(subjects.others))
            assessment = yield from nested(job, *share, f"Measuring {source.name}")
        except DenoiseError as error:
            found.append(Measured(source.name, None, str(error)))
        else:
            found.append(Measured(source.name, assessment))
    if found and all(each.assessment is None for each in found):
        raise InputError("\n".join(dict.fromkeys(each.error for each in found)))
    return tuple(found)


def draw_maps(subjects: Subjects, kinds: Sequence[MapKind]) -> Job[tuple[DrawnMap, ...]]:
    """Draw each kind of map of each layer that there is a companion for.

    Raises
    ------
    InputError
        If shapes or scales differ, or a pixel is not finite.
    """
    if MapKind.SSIM in kinds:
        subjects = yield from _with_range(subjects)
    wanted = [
        (kind, source, other)
        for kind in kinds
        for source in subjects.others
        if (other := subjects.noisy if kind.needs_noisy else subjects.clean)
        and other.layer is not source.layer
    ]
    drawn: list[DrawnMap] = []
    for i, (kind, source, other) in enumerate(wanted):
        data_range = subjects.data_range if kind is MapKind.SSIM else None
        job = draw_map(kind, as_image(source), as_image(other), data_range=data_range or 0.0)
        found = yield from nested(job, *_share(i, len(wanted)), f"Drawing {source.name}")
        drawn.append(DrawnMap(kind, source, other, found, data_range))
    return tuple(drawn)


def _share(i: int, n: int) -> tuple[float, float]:
    return i / n, (i + 1) / n


def _with_range(subjects: Subjects) -> Job[Subjects]:
    """The subjects with a data range, measured on the reference where none is given."""
    if subjects.clean is None or subjects.data_range is not None:
        return subjects
    job = max_minus_min(stack_of(as_image(subjects.clean)).pixels)
    data_range = yield from nested(job, 0.0, 0.0, f"Measuring {subjects.clean.name}")
    return replace(subjects, data_range=data_range)
