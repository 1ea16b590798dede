"""TIFF in all its kinds: opened without loading it, and what it says about its pixels."""

from __future__ import annotations

import logging
import re
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import tifffile
import zarr

from napari_denoise.core.axes import check_axes
from napari_denoise.core.errors import AxesError, FileError
from napari_denoise.core.units import believable, unit_name
from napari_denoise.io.contents import Contents
from napari_denoise.io.lazy import explaining, to_dask
from napari_denoise.io.ome_xml import Own, parse_ome_xml, stored_axes

__all__ = ["LazySeries", "read_tiff"]

# What tifffile warns of, a user is told by our errors or need not know. A handler of its own
# keeps Python from printing it to stderr where the application has set up no logging.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_CENTIMETER_IN_UM = 1e4  # the only metric unit that baseline TIFF has


class LazySeries:
    """The first series of a TIFF as an array-like that reads what it is asked for.

    The file stays open as long as this lives, and is closed with it. A pickled copy, such as
    one sent to another process, opens the file again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tiff = _open(path)
        # Closed also where this ends in a reference cycle, or with the program.
        weakref.finalize(self, self.tiff.close)
        with explaining(path):
            # Further series are previews, labels, or other fields of view.
            self._series = self.tiff.series[0]
            self._check_complete()
            self._check_decoder()
            # tifffile's Zarr store decodes only the tiles and strips that are asked for.
            self._array = zarr.open_array(self._series.aszarr(level=0), mode="r")
        self.shape: tuple[int, ...] = self._array.shape
        self.dtype: np.dtype[Any] = self._array.dtype
        self.ndim = len(self.shape)

    def __reduce__(self) -> tuple[type[LazySeries], tuple[Path]]:
        return LazySeries, (self.path,)

    def __getitem__(self, index: Any) -> npt.NDArray[Any]:
        with explaining(self.path):
            pixels: npt.NDArray[Any] = np.asarray(self._array[index])
        return pixels

    @property
    def axes(self) -> str:
        """The letters tifffile gives the axes; our ``C`` may be its ``S``, colour samples."""
        axes: str = self._series.axes
        return axes.replace("S", "C") if "C" not in axes else axes

    def to_dask(self) -> da.Array:
        """The pixels as a lazy array; the colour samples of a pixel are never parted."""
        n_plane_axes = 3 if self._series.axes.endswith("YXS") else 2
        return to_dask(self, self._array.chunks, n_plane_axes)

    def _check_complete(self) -> None:
        """Refuse a file that ends before its pixels do: they would be read as zeros."""
        size = self.tiff.filehandle.size
        last = self._series[-1]
        ends = [start + length for start, length in _segments(last)] if last is not None else []
        if self._series.dataoffset is not None:
            ends.append(self._series.dataoffset + self._series.nbytes)
        # ImageJ writes one page, with all other planes behind its own, and says how many there are.
        page = self.tiff.pages[0]
        if self.tiff.is_imagej and page.compression == tifffile.COMPRESSION.NONE:
            ends.append((self.tiff.imagej_metadata or {}).get("images", 1) * page.nbytes)
        if max(ends, default=0) > size or not _has_all_pages(self.tiff):
            raise FileError(
                f"{self.path} ends before its last plane: it was not written or copied to its "
                f"end. Copy or export it again."
            )

    def _check_decoder(self) -> None:
        # Found out now: tifffile itself would tell only when the first pixel is read.
        compression = self._series.keyframe.compression
        if compression not in tifffile.TIFF.DECOMPRESSORS:
            name = getattr(compression, "name", compression)
            raise FileError(
                f"{self.path} is compressed with {name}, which takes another package to read. "
                f"Run 'pip install imagecodecs', or save the image without compression."
            )


def _segments(page: Any) -> Iterator[tuple[int, int]]:
    return zip(page.dataoffsets, page.databytecounts, strict=False)


def _has_all_pages(tiff: tifffile.TiffFile) -> bool:
    """Whether the last page that can be found says itself that it is the last one."""
    # A file cut between two pages is whole as far as it goes: only the offset of a page that is not
    # there, which should be zero in the last one, tells.
    len(tiff.pages)  # finds them all
    place, n_bytes = tiff.pages.next_page_offset, tiff.tiff.offsetsize
    if place is None:
        return True
    tiff.filehandle.seek(place)
    is_last: bool = tiff.filehandle.read(n_bytes) == bytes(n_bytes)
    return is_last


def _open(path: Path) -> tifffile.TiffFile:
    try:
        with explaining(path):
            return tifffile.TiffFile(path)
    except FileError as error:
        if not isinstance(error.__cause__, tifffile.TiffFileError):
            raise
        raise FileError(
            f"{path} is no TIFF, whatever its name says. Choose an image file."
        ) from error


def read_tiff(path: Path) -> Contents:
    """Open a TIFF, OME-TIFF or ImageJ TIFF; of several series the first, at full resolution.

    Raises
    ------
    FileError
        If it is no TIFF, is damaged, or ends too early.
    """
    series = LazySeries(path)
    tiff, pixels, axes = series.tiff, series.to_dask(), series.axes
    if not tiff.is_ome:
        scale, units = _imagej(tiff) if tiff.is_imagej else _resolution(tiff)
        return Contents(pixels=pixels, axes=axes, scale=scale, units=units)
    said = parse_ome_xml(tiff.ome_metadata or "")
    if said.own and _has_shape(said.own, pixels):
        pixels, axes = _restore(pixels, said.own), said.own.axes
    return Contents(
        pixels=pixels,
        axes=axes,
        scale=said.scale,
        units=said.units,
        origin=said.own.origin if said.own else {},
        channel_names=said.channel_names,
        recipe=said.own.recipe if said.own else None,
    )


def _has_shape(own: Own, pixels: da.Array) -> bool:
    """Whether the annotation still fits; another program may have cropped the image."""
    try:
        check_axes(own.axes, own.shape)
    except AxesError:
        return False
    # tifffile gives S and T as the one axis they were stored as, and leaves out axes of length one.
    sizes = dict(zip(own.axes, own.shape, strict=True))
    stored = [sizes[letter] for letter in stored_axes(own.axes)]
    if sizes.get("S", 1) > 1 and sizes.get("T", 1) > 1:
        place = stored_axes(own.axes).index("S")
        stored[place : place + 2] = [sizes["S"] * sizes["T"]]
    return _without_singles(stored) == _without_singles(pixels.shape)


def _without_singles(shape: Sequence[int]) -> list[int]:
    """The shape tifffile gives: planes of one row or column keep it."""
    return [*(size for size in shape[:-2] if size > 1), *shape[-2:]]


def _restore(pixels: da.Array, own: Own) -> da.Array:
    """Undo what writing did: the order of the axes, samples counted as time, single planes."""
    sizes = dict(zip(own.axes, own.shape, strict=True))
    stored = stored_axes(own.axes)
    if sizes.get("S", 1) > 1 and sizes.get("T", 1) > 1:
        axis = [a for a in stored if sizes[a] > 1 or a in "YX"].index("S")
        before, n_times = (slice(None),) * axis, sizes["T"]
        starts = range(0, sizes["S"] * n_times, n_times)
        # Stacking keeps the chunks, where reshaping would join them into one per sample.
        pixels = da.stack([pixels[(*before, slice(s, s + n_times))] for s in starts], axis=axis)
    pixels = pixels.reshape([sizes[letter] for letter in stored])
    return pixels.transpose([stored.index(letter) for letter in own.axes]).astype(own.dtype)


def _imagej(tiff: tifffile.TiffFile) -> tuple[dict[str, float], dict[str, str]]:
    said = tiff.imagej_metadata or {}
    unit = unit_name(_unescape(str(said.get("unit", ""))))
    across, down = _pixels_per_unit(tiff)
    lengths = {"X": 1 / across, "Y": 1 / down} if across and down else {}
    # Z has no resolution tag; ImageJ keeps it among its own words.
    if "spacing" in said:
        lengths["Z"] = float(said["spacing"])
    scale = {letter: size for letter, size in lengths.items() if believable(size, unit)}
    units = dict.fromkeys(scale, unit)
    # 0 in a file that is no film.
    interval = float(said.get("finterval", 0) or 0)
    if interval > 0:
        scale["T"], units["T"] = interval, "second"
    return scale, units


def _unescape(text: str) -> str:
    r"""ImageJ writes µ as ``\u00B5``."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


def _resolution(tiff: tifffile.TiffFile) -> tuple[dict[str, float], dict[str, str]]:
    """Scale from the resolution tags; those per inch are for printers and never a microscope's."""
    unit = tiff.pages[0].tags.get("ResolutionUnit")
    across, down = _pixels_per_unit(tiff)
    if not (unit and unit.value == tifffile.RESUNIT.CENTIMETER and across and down):
        return {}, {}
    scale = {"X": _CENTIMETER_IN_UM / across, "Y": _CENTIMETER_IN_UM / down}
    scale = {a: size for a, size in scale.items() if believable(size, "micrometer")}
    return scale, dict.fromkeys(scale, "micrometer")


def _pixels_per_unit(tiff: tifffile.TiffFile) -> tuple[float, float]:
    """Pixels per unit along X and Y; 0 where a file does not say or says nonsense."""
    # A rational number with a denominator of zero is what some programs write for "unknown".
    tags = tiff.pages[0].tags
    across, down = (tags.valueof(f"{axis}Resolution", (0, 1)) for axis in "XY")
    return _ratio(*across), _ratio(*down)


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if numerator and denominator else 0.0
