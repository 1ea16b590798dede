"""What was measured, for people, for programs and for spreadsheets."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_denoise.core.csv_table import save_csv
from napari_denoise.evaluation import QUANTITIES, Assessment, Part, parts_of, rows
from napari_denoise.metrics import FourierCorrelation, Scores

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
    for part in Part:
        value = getattr(found, part.value)
        if value is not None and part is not Part.SCORES:
            result[part.value] = value if isinstance(value, float) else asdict(value)
    if found.residual:
        result["residual"]["lag_1"] = found.residual.lag_1
    if per:
        result["parts"] = [{"part": name, **asdict(each)} for name, each in parts_of(found, per)]
    if found.missing:
        result["missing"] = {part.value: reason for part, reason in found.missing.items()}
    if finding.maps:
        result["maps"] = list(finding.maps)
    return result


def _finite(value: Any) -> Any:
    """The value with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
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
    if found.scores:
        yield from _score_lines(found.scores.overall)
        yield from (f"{name}: {_main_line(each)}" for name, each in parts_of(found, per))
    if found.photometry:
        yield found.photometry.reason
    if found.residual:
        residual = found.residual
        yield (
            f"Residual: standard deviation {residual.std:.4g}, correlation of neighbours "
            f"{residual.lag_1:.3f}, with the signal {residual.signal_correlation:.3f} "
            f"(each ± {residual.error:.1g})"
        )
    if found.checkerboard is not None:
        yield f"Checkerboard {found.checkerboard:.2f}"
    if found.resolution:
        yield _resolution_line(found.resolution)
    if found.blind_spot:
        error = found.blind_spot
        yield f"Blind-spot MSE {error.mse:.4g} (loss {error.loss:.4g} ± {error.error:.1g})"
    yield from found.missing.values()


def _score_lines(scores: Scores) -> Iterator[str]:
    yield f"{_main_line(scores)}   (data range {scores.data_range:g})"
    yield (
        f"SI-PSNR {scores.si_psnr:.2f} dB   SNR {scores.snr:.2f} dB   "
        f"MS-SSIM {scores.ms_ssim:.4f}   MicroSSIM {scores.micro_ssim:.4f}"
    )


def _main_line(scores: Scores) -> str:
    return f"PSNR {scores.psnr:.2f} dB   SSIM {scores.ssim:.4f}   NRMSE {scores.nrmse:.4f}"


def _resolution_line(found: FourierCorrelation) -> str:
    if math.isnan(found.resolution_um):
        return f"Resolution finer than {found.limit_um:.3g} µm, which is all that can be told"
    if math.isinf(found.resolution_um):
        return "Resolution: none, the images do not agree on any detail"
    return f"Resolution {found.resolution_um:.3g} µm (Fourier ring correlation of 1/7)"


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
        for part, numbers in rows(finding.assessment, per)
    ]
    known = [q.key for q in QUANTITIES if any(q.key in row for row in table)]
    titles = ["image", "part", *known]
    save_csv(path, titles, [[row.get(title) for title in titles] for row in table])
