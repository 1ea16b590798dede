"""What ``train`` learns from: files, folders and patterns, with targets and regions by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from napari_denoise.cli.progress_bar import run_with_bar
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Skipped
from napari_denoise.io.folder import ImageFile, find_images, match_by_name, open_images_job
from napari_denoise.io.images import file_stem
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.training.selection import Candidate, choose_images
from napari_denoise.learning.training.session import noting_job

__all__ = ["Sources", "TrainingImages", "open_sources"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the user named; each may be a file, a folder, or a pattern such as ``a*.tif``.

    Attributes
    ----------
    images, targets, regions : sequence of Path
    axes : str, optional
        Of the images and their targets, where files name none or are wrong.
    spatial, channels : str
        Of the layout that they are seen with.
    """

    images: Sequence[Path]
    targets: Sequence[Path] = ()
    regions: Sequence[Path] = ()
    axes: str | None = None
    spatial: str = "YX"
    channels: Literal["independent", "joint"] = "independent"


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """Images to learn from, and what was skipped."""

    images: list[TrainingImage]
    skipped: list[Skipped] = field(default_factory=list)


def open_sources(sources: Sources, method: TrainingMethod) -> TrainingImages:
    """Look into all files, without reading pixels; what is skipped is said on standard error.

    Raises
    ------
    DenoiseError
        If nothing is left, or it is not clear which target belongs to which image.
    """
    skipped: list[Skipped] = []
    job = noting_job(_open(sources, method), skipped)
    return TrainingImages(run_with_bar(job, "looking at the images"), skipped)


def _open(sources: Sources, method: TrainingMethod) -> Job[list[TrainingImage]]:
    paths = find_images(sources.images)
    targets = yield from _companions(paths, sources, sources.targets, "target")
    regions = yield from _companions(paths, sources, sources.regions, "region")
    paths = [
        path
        for path in paths
        if all(path in others for others in (targets, regions) if others is not None)
    ]
    opened = yield from open_images_job(paths, axes=sources.axes)
    candidates = [
        Candidate(
            image=file.image,
            target=targets[file.path].image if targets else None,
            region=regions[file.path].image if regions else None,
        )
        for file in opened
    ]
    images, skipped = choose_images(
        candidates, method, spatial=sources.spatial, channels=sources.channels
    )
    yield from skipped
    return images


def _companions(
    paths: Sequence[Path], sources: Sources, given: Sequence[Path], what: str
) -> Job[dict[Path, ImageFile] | None]:
    """The target or region of each image that has one; None if none are given."""
    if not given:
        return None
    is_in_order = _are_files(sources.images) and _are_files(given)
    # The same target may go with several images.
    others = list(given) if is_in_order else find_images(given)
    if what == "region" and len(others) == 1:
        matches = dict.fromkeys(paths, others[0])
    elif is_in_order and len(paths) == len(others):
        matches = dict(zip(paths, others, strict=True))
    elif is_in_order:
        raise InputError(
            f"The number of images ({len(paths)}) and of {what}s ({len(others)}) differs. Give "
            f"--{what} once for each image, in the same order, or name folders for both."
        )
    else:
        matches, alone = match_by_name(paths, others, what=what)
        yield from alone
    wanted = list(dict.fromkeys(matches.values()))
    opened = yield from open_images_job(wanted, axes=sources.axes if what == "target" else None)
    by_path = {file.path: file for file in opened}
    broken = [path for path, other in matches.items() if other not in by_path]
    yield from (Skipped.because(file_stem(path), f"its {what} cannot be read.") for path in broken)
    return {path: by_path[other] for path, other in matches.items() if other in by_path}


def _are_files(paths: Sequence[Path]) -> bool:
    """Whether each stands for itself, and none for a folder or a pattern."""
    return all(find_images([path]) == [path] for path in paths)
