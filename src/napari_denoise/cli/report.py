"""What was measured, for people, for programs and for spreadsheets."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_denoise.core.csv_table import save_csv
from napari_denoise.evaluation import Assessment
from napari_denoise.metrics import METRICS, QUANTITIES, SCORES

__all__ = ["Finding", "save_table", "to_json", "to_words"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one image.

    Attributes
    ----------
    image : str
        The file.
    assessment : Assessment or None
        None if it could not be measured.
    error : str
        Why not, in a sentence.
    maps : tuple of str
        Files that were written.
    """

    image: str
    assessment: Assessment | None = None
    error: str = ""
    maps: tuple[str, ...] = ()


def to_json(findings: Sequence[Finding], per: str = "") -> str:
    """One object, or a list of them for several images; what is no number is null."""
    objects = [_finite(_object(finding, per)) for finding in findings]
    return json.dumps(objects[0] if len(objects) == 1 else objects)


def _object(finding: Finding, per: str) -> dict[str, Any]:
    found = finding.assessment
    if found is None:
        return {"image": finding.image, "error": finding.error}
    result: dict[str, Any] = {"image": finding.image}
    if found.scores:
        result |= asdict(found.scores.overall)
    for name, value in found.found.items():
        if name != SCORES.name:
            result[name] = value if isinstance(value, float) else asdict(value)
    if "residual" in found.found:
        result["residual"]["lag_1"] = found.found["residual"].lag_1
    if per:
        result["parts"] = [{"part": name, **asdict(each)} for name, each in found.parts(per)]
    if found.missing:
        result["missing"] = found.missing
    if finding.maps:
        result["maps"] = list(finding.maps)
    return result


def _finite(value: Any) -> Any:
    """The value with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    # json.dumps would write NaN and Infinity, which other programs refuse to read.
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_words(findings: Sequence[Finding], per: str = "") -> str:
    """Lines for people, under the image's name if there are several."""
    lines: list[str] = []
    for finding in findings:
        lines += [finding.image] if len(findings) > 1 else []
        lines += [f"Not measured: {finding.error}"] if finding.assessment is None else []
        lines += _lines(finding.assessment, per) if finding.assessment else []
        lines += finding.maps
    return "\n".join(lines)


def _lines(found: Assessment, per: str) -> Iterator[str]:
    for metric in METRICS:
        if (value := found.found.get(metric.name)) is not None:
            yield metric.words(value)
            parts = found.parts(per) if metric is SCORES else ()
            yield from (f"{name}: {scores.summary()}" for name, scores in parts)
    yield from found.missing.values()


def save_table(path: Path, findings: Sequence[Finding], per: str = "") -> None:
    """Write a row per image, or per part of it, as CSV with all digits.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    table = [
        {"image": finding.image, "part": part, **numbers}
        for finding in findings
        if finding.assessment
        for part, numbers in finding.assessment.rows(per)
    ]
    known = [q.key for q in QUANTITIES if any(q.key in row for row in table)]
    titles = ["image", "part", *known]
    save_csv(path, titles, [[row.get(title) for title in titles] for row in table])
