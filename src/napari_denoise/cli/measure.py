"""``measure``: how good an image is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from napari_denoise.cli.options import AsJson, Axes
from napari_denoise.cli.output import say
from napari_denoise.cli.progress_bar import run_with_bar
from napari_denoise.cli.report import Finding, save_table, to_json, to_words
from napari_denoise.core.errors import DenoiseError, FileError, SettingsError
from napari_denoise.core.image import Image
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.units import micrometers
from napari_denoise.evaluation import (
    EACH_PLANE,
    Assessment,
    MapKind,
    MapSettings,
    assess_job,
    draw_map_job,
    max_minus_min_job,
    possible_metrics,
    stack_of,
)
from napari_denoise.io.images import read_image, write_image
from napari_denoise.metrics import METRICS, Metric

__all__ = ["measure"]

_METRICS = {metric.name: metric for metric in METRICS}
_MAX_MINUS_MIN = "max-min"


@dataclass(frozen=True, slots=True)
class _Companions:
    """What images are measured with."""

    clean: Image | None
    noisy: Image | None
    data_range: float | None

    def usual_metrics(self) -> set[str]:
        """What is measured unless something else is asked for, by name."""
        # What is cheap and needs no explanation; without companions, what an image tells alone.
        names = {"scores"} if self.clean else set()
        names |= {"photometry", "residual"} if self.noisy else set()
        return names or {"checkerboard", "resolution"}


def measure(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[CLEAN] IMAGE...",
            help="A clean image and those to measure against it; or one image alone.",
        ),
    ],
    *,
    data_range: Annotated[
        str | None,
        typer.Option(
            metavar="FLOAT|max-min",
            help="Largest minus smallest possible intensity, 255 for 8 bit; max-min takes the "
            "clean image's own. Needed with a clean image.",
        ),
    ] = None,
    noisy: Annotated[
        Path | None,
        typer.Option(help="What the images were made from: checks intensities and the residual."),
    ] = None,
    no_clean: Annotated[
        bool, typer.Option("--no-clean", help="Measure all images; none of them is clean.")
    ] = False,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", metavar="NAME", help=f"Measure this too; any of: {', '.join(_METRICS)}."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Measure all that these images allow.")
    ] = False,
    per: Annotated[
        str | None,
        typer.Option(metavar="AXIS|plane", help="Scores for each position along T, C, Z or S."),
    ] = None,
    pixel_size: Annotated[
        float | None, typer.Option(help="In µm along Y and X, where files do not say.", min=0)
    ] = None,
    axes: Axes = None,
    csv: Annotated[Path | None, typer.Option(help="Write the numbers to this table.")] = None,
    maps: Annotated[
        Path | None,
        typer.Option(help="Folder for maps: difference, error and SSIM, and the residual."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """PSNR, SSIM and NRMSE against a clean image; what can be told without one; maps of both."""
    reference, others = (paths[0], paths[1:]) if len(paths) > 1 and not no_clean else (None, paths)
    open_image = partial(_open, axes=axes, pixel_size=pixel_size)
    clean, before = (open_image(path) if path else None for path in (reference, noisy))
    # Before the measuring, which may take minutes.
    _check_outputs(others, csv, maps)
    companions = _Companions(clean, before, _data_range(data_range, clean))
    wanted = [_metric_named(name) for name in metrics or ()]
    usual = [_METRICS[name] for name in companions.usual_metrics()]
    chosen = METRICS if everything else (*usual, *wanted)
    per = per.upper() if per and per != EACH_PLANE else per or ""
    findings = []
    for path in others:
        try:
            image = before if before and _is_same(path, noisy) else open_image(path)
            _check_wanted(image, companions, wanted, per)
            found = _assess(image, companions, chosen)
            drawn = _draw(image, companions, maps) if maps else ()
            findings.append(Finding(str(path), found, maps=drawn))
        except DenoiseError as error:
            # One bad file of many must not cost the numbers of the others.
            if len(others) == 1:
                raise
            findings.append(Finding(str(path), error=str(error)))
    _tell(findings, per, csv, as_json=as_json)


def _metric_named(name: str) -> Metric:
    if name not in _METRICS:
        raise SettingsError(f"There is no metric {name}. Choose one of {', '.join(_METRICS)}.")
    return _METRICS[name]


def _tell(findings: Sequence[Finding], per: str, csv: Path | None, *, as_json: bool) -> None:
    if csv:
        save_table(csv, findings, per)
    say(to_json(findings, per) if as_json else to_words(findings, per))
    # Scripts see from the exit code that the table has holes.
    if any(finding.error for finding in findings):
        raise typer.Exit(1)


def _is_same(path: Path, noisy: Path | None) -> bool:
    """Whether an image is the noisy one itself, of which it is no residual."""
    return noisy is not None and path.exists() and path.samefile(noisy)


def _open(path: Path, axes: str | None, pixel_size: float | None) -> Image:
    image = read_image(path, axes=axes)
    if not pixel_size:
        return image
    # A file that does say the size of its pixels knows better.
    is_plane = [letter in "YX" and micrometers(1, unit) is None for letter, unit in _units(image)]
    places = list(zip(is_plane, image.scale, image.units, strict=True))
    return replace(
        image,
        scale=tuple(pixel_size if own else step for own, step, _ in places),
        units=tuple("micrometer" if own else unit for own, _, unit in places),
    )


def _units(image: Image) -> list[tuple[str, str]]:
    return list(zip(image.axes, image.units, strict=True))


def _data_range(text: str | None, clean: Image | None) -> float | None:
    """The range as a number; None without a clean image, where nothing depends on it."""
    if clean is None:
        return None
    if text is None:
        raise SettingsError(
            f"PSNR and SSIM need a data range. Add --data-range 255 for 8 bit, or "
            f"--data-range {_MAX_MINUS_MIN}."
        )
    if text == _MAX_MINUS_MIN:
        return run_with_bar(max_minus_min_job(stack_of(clean).pixels), "measuring the data range")
    try:
        return float(text)
    except ValueError:
        raise SettingsError(
            f"--data-range {text} is no number. Give one, such as 255, or {_MAX_MINUS_MIN}."
        ) from None


def _check_outputs(images: Sequence[Path], csv: Path | None, maps: Path | None) -> None:
    """Find out now whether the results can be written later."""
    if maps and len({image.name for image in images}) < len(images):
        raise FileError("Two images have the same name, and so would their maps. Rename one.")
    if csv and not csv.parent.is_dir():
        raise FileError(f"There is no folder {csv.parent}. Make it first, or choose another.")
    if maps and not maps.is_dir():
        raise FileError(f"There is no folder {maps}. Make it first, or choose another.")


def _check_wanted(
    image: Image, companions: _Companions, wanted: Sequence[Metric], per: str
) -> None:
    """Refuse what was asked for by name and cannot be told of this image."""
    possible = possible_metrics(image, clean=companions.clean, noisy=companions.noisy)
    for metric in wanted:
        if metric not in possible:
            raise SettingsError(f"--metric {metric.name} needs {metric.needs}.")
    axes = stack_of(image).axes[:-2]
    if per and companions.clean is None:
        raise SettingsError("--per gives scores, which need a clean image. Give one first.")
    if per and per != EACH_PLANE and per not in axes:
        choice = ", ".join((*axes, EACH_PLANE))
        raise SettingsError(f"{image.name} has no axis {per} to measure along. Choose {choice}.")


def _assess(image: Image, companions: _Companions, metrics: Collection[Metric]) -> Assessment:
    job = assess_job(
        image,
        clean=companions.clean,
        noisy=companions.noisy,
        data_range=companions.data_range,
        metrics=metrics,
    )
    return run_with_bar(job, f"measuring {image.name}")


def _draw(image: Image, companions: _Companions, folder: Path) -> tuple[str, ...]:
    """Write each map that is possible; returns their files."""
    files = []
    for kind in MapKind:
        other = companions.noisy if kind.needs_noisy else companions.clean
        if other is None:
            continue
        job = draw_map_job(kind, image, other, data_range=companions.data_range or 0.0)
        found = run_with_bar(job, f"drawing the {kind.value} of {image.name}")
        settings = MapSettings(name=kind, other=other.name, data_range=companions.data_range)
        path = folder / f"{image.name}_{kind.value}.ome.tif"
        recipe = Recipe.of("compare", settings, source=image.name, previous=image.recipe)
        write_image(path, image.with_pixels(found.pixels, recipe=recipe))
        files.append(str(path))
    return tuple(files)
