"""Many image files at once: found in folders, opened one by one, matched by their names."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.errors import DenoiseError, FileError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, Progress, Skipped
from napari_denoise.io.images import READABLE, file_stem, read_image

__all__ = ["ImageFile", "find_images", "match_by_name", "open_images_job"]

_N_OPEN = 16
"""Files of one set that are open at a time. Systems allow a few hundred per process (macOS 256);
trade-off: fewer are opened again more often, more leave less for everything else."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image, and the file it lies in, which is open only while pixels are read."""

    path: Path
    image: Image


def find_images(sources: Sequence[str | Path]) -> list[Path]:
    """The image files that are meant: files, folders of them, and patterns such as ``a*.tif``.

    In a folder those files are taken whose ending is known, in the order in which people count
    (``t2`` before ``t10``); not those in folders within it, but OME-Zarrs count as files.

    Raises
    ------
    FileError
        If a folder has no image, or nothing fits a pattern.
    """
    found: dict[Path, None] = {}  # a set that keeps the order: a file named twice counts once
    for source in map(Path, sources):
        found |= dict.fromkeys(_meant_by(source))
    return list(found)


def _meant_by(source: Path) -> list[Path]:
    # A file may really be called "a[1].tif"; a shell that finds nothing hands the pattern on.
    if has_magic(str(source)) and not source.exists():
        names = glob(str(source), recursive=True)  # noqa: PTH207  # takes absolute patterns too
        paths = [Path(name) for name in names]
        if not paths:
            raise FileError(f"No file fits {source}. Check the folder and the pattern.")
        return sorted(filter(_is_image, paths), key=_as_people_count)
    if not source.is_dir() or _is_zarr(source):
        return [source]
    paths = sorted(filter(_is_image, source.iterdir()), key=_as_people_count)
    if not paths:
        raise FileError(
            f"There is no image in the folder {source}. Choose one with files that end in "
            f"{', '.join(READABLE)}."
        )
    return paths


def _is_image(path: Path) -> bool:
    # macOS writes "._a.tif" beside each file on foreign disks, which is no image.
    is_known = path.suffix.lower() in READABLE and not path.name.startswith(".")
    return is_known and (path.is_file() or _is_zarr(path))


def _is_zarr(path: Path) -> bool:
    marks = (".zattrs", ".zgroup", ".zarray", "zarr.json")
    return path.suffix.lower() == ".zarr" or any((path / mark).exists() for mark in marks)


def _as_people_count(path: Path) -> list[tuple[int, str]]:
    # Pairs, so that a number is never compared with a text.
    parts = re.split(r"(\d+)", str(path).lower())
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def open_images_job(paths: Sequence[Path], *, axes: str | None = None) -> Job[list[ImageFile]]:
    """Look into each file without reading pixels; one of several that is no image is skipped.

    Parameters
    ----------
    paths : sequence of Path
        As :func:`find_images` gives them.
    axes : str, optional
        As for :func:`~napari_denoise.io.images.read_image`, for all of them.

    Returns
    -------
    list of ImageFile
        At most 16 of the files are open at any time, however many there are.

    Raises
    ------
    DenoiseError
        If a single file cannot be read.
    FileError
        If none of several can.
    """
    opened, files, reason = [], _OpenFiles(), ""
    for i, path in enumerate(paths):
        yield Progress(fraction=i / len(paths), message=f"opening {path.name}")
        try:
            opened.append(ImageFile(path, files.open(path, axes)))
        except DenoiseError as error:
            if len(paths) == 1:
                raise
            reason = reason or str(error)
            yield Skipped.because(file_stem(path), error, fraction=i / len(paths))
    if not opened:
        raise FileError(f"None of the {len(paths)} files can be read. The first: {reason}")
    return opened


class _OpenFiles:
    """Images of files of which the longest unused are closed; they open again by themselves."""

    def __init__(self) -> None:
        self._pixels: OrderedDict[Path, Any] = OrderedDict()
        self._lock = Lock()

    def open(self, path: Path, axes: str | None) -> Image:
        """The image in a file, whose pixels do not keep the file open."""
        image = read_image(path, axes=axes)
        self._keep(path, image.pixels)
        return replace(image, pixels=_FilePixels(path, axes, image.pixels, self))

    def pixels(self, path: Path, axes: str | None) -> Any:
        """The lazy pixels of a file."""
        with self._lock:
            if path in self._pixels:
                self._pixels.move_to_end(path)
                return self._pixels[path]
        # Without the lock: opening takes milliseconds, on network drives seconds. That two threads
        # may open the same file at once does no harm.
        pixels = read_image(path, axes=axes).pixels
        self._keep(path, pixels)
        return pixels

    def _keep(self, path: Path, pixels: Any) -> None:
        with self._lock:
            self._pixels[path] = pixels
            # A file is closed with its pixels, when the last reader is done with them.
            while len(self._pixels) > _N_OPEN:
                self._pixels.popitem(last=False)


class _FilePixels:
    """An array-like that reads what it is asked for."""

    def __init__(self, path: Path, axes: str | None, pixels: Any, files: _OpenFiles) -> None:
        self.path, self._axes, self._files = path, axes, files
        self.shape: tuple[int, ...] = tuple(pixels.shape)
        self.dtype: np.dtype[Any] = np.dtype(pixels.dtype)
        self.ndim = len(self.shape)

    def __getitem__(self, index: Any) -> npt.NDArray[Any]:
        pixels = self._files.pixels(self.path, self._axes)
        # Tiles were laid out for the shape it had; a training may go on for hours.
        if tuple(pixels.shape) != self.shape:
            raise FileError(f"{self.path} has changed since it was opened. Open it again.")
        # In this thread: what is asked for are small pieces, one after the other.
        return np.asarray(pixels[index].compute(scheduler="synchronous"))

    def __array__(self, dtype: Any = None, copy: Any = None) -> npt.NDArray[Any]:
        del copy
        return np.asarray(self[...], dtype=dtype)


def match_by_name(
    paths: Sequence[Path], others: Sequence[Path], *, what: str
) -> tuple[dict[Path, Path], list[Skipped]]:
    """For each file the other one of the same name, whatever their endings.

    Parameters
    ----------
    paths, others : sequence of Path
        At least one of each.
    what : str
        What the others are, in messages: "target".

    Returns
    -------
    matches : dict of Path to Path
    missing : list of Skipped
        Files of either kind that are alone.

    Raises
    ------
    FileError
        If no name is in both.
    """
    # By stem, so that a noisy TIFF finds its target in an OME-TIFF or a PNG.
    by_name = {file_stem(other): other for other in others}
    matches = {path: by_name[file_stem(path)] for path in paths if file_stem(path) in by_name}
    if not matches:
        raise FileError(
            f"No {what} has the name of an image: {paths[0].name} and {others[0].name}, for "
            f"example, differ. Give each {what} the name of its image."
        )
    used = set(matches.values())
    alone = [(path, f"there is no {what} of that name.") for path in paths if path not in matches]
    unused = (path for path in others if path not in used)
    alone += [(path, f"it is a {what}, and no image has its name.") for path in unused]
    return matches, [Skipped.because(file_stem(path), reason) for path, reason in alone]
