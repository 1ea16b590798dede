"""What a denoiser is, and the one way any of them runs on an image.

A classical filter, the shipped instant denoiser and a trained model are all a
:class:`Denoiser`: settings that can be written to a file, and a function of one tile.
:func:`denoise` does the rest for all of them: named axes, lazy reading, tiles, progress,
cancelling, and the cast at the end.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout, UnitIndex, check_axes
from napari_denoise.core.dtype import FloatArray, check_pixels
from napari_denoise.core.errors import AxesError
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.settings import SettingField, Settings, describe, make_settings
from napari_denoise.core.tiling import Grid, Place, TileWork

__all__ = ["Denoised", "Denoiser", "check_input", "denoise_job", "fit_channels"]

_TILE_SIZE = {2: (1024, 1024), 3: (32, 256, 256)}


class Denoiser(Settings, ABC):
    """Settings of one way to clean an image.

    A subclass adds a field ``name`` with a ``Literal`` tag, its settings as fields, and
    :meth:`denoise_tile`.
    """

    title: ClassVar[str]
    """What people call the method."""
    kind: ClassVar[Literal["filter", "instant", "model"]]
    citation: ClassVar[str] = ""
    """Authors, year and DOI of where the method comes from."""
    is_threaded: ClassVar[bool] = False
    """Whether :func:`denoise` spreads the tiles over the processor's cores."""

    n_tuning_crops: ClassVar[int] = 4
    """Crops of 256² pixels that settings are tried on; fewer where that takes long."""

    @property
    def label(self) -> str:
        """What a result is called: the method, or the model's own name."""
        return self.title

    @property
    def gives_image(self) -> bool:
        """Whether the result is the image, and not something about it, such as its uncertainty."""
        return True

    @property
    def n_stacked(self) -> int:
        """How many results lie along a leading axis S; 0 for a single one without that axis."""
        return 0

    @abstractmethod
    def denoise_tile(self, tile: FloatArray) -> Job[FloatArray]:
        """Clean one tile, ``C(Z)YX`` float32 in the image's units; same shape and units out."""

    def denoise_tile_at(self, tile: FloatArray, place: Place) -> Job[FloatArray]:
        """As :meth:`denoise_tile`, for methods that have to know where the tile lies.

        Where two tiles overlap, what they draw at random has to be the same. Outside the place's
        core the result may be anything.
        """
        del place
        return self.denoise_tile(tile)

    def fitted(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Denoiser]:
        """Return this denoiser with what it must know of the whole image, such as its noise level.

        Measured once, so that all tiles agree. `units` are those of one channel, which is
        measured on its own.
        """
        del image, layout, units
        yield from ()
        return self

    def findings(self) -> str:
        """What :meth:`fitted` measured on the image, in words a user reads; empty if nothing."""
        return ""

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        """Pixels of context a tile needs on each side, per spatial axis."""
        return (0,) * n_spatial

    def alignment(self, n_spatial: int) -> tuple[int, ...]:
        """Tiles must start at multiples of this, per spatial axis."""
        return (1,) * n_spatial

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        """Pixels that one tile yields, per spatial axis; what Cancel may have to wait for.

        Parameters
        ----------
        extents : tuple of int
            Size in pixels of what is to be cut into tiles, per spatial axis.
        """
        sizes = zip(_TILE_SIZE[len(extents)], self.halo(len(extents)), strict=True)
        return tuple(max(size, 4 * halo) for size, halo in sizes)

    def tunable(self) -> tuple[SettingField, ...]:
        """The settings that can be tuned to an image, the one that matters most first."""
        return tuple(field for field in describe(type(self)) if field.tuned_over)

    def value_of(self, name: str) -> Any:
        """The value of one of the :meth:`tunable` settings."""
        return getattr(self, name)

    def adjusted(self, **changes: Any) -> Denoiser:
        """The same with some of the :meth:`tunable` settings changed.

        Raises
        ------
        SettingsError
            If a value is out of bounds.
        """
        return make_settings(type(self), {**self.model_dump(), **changes})

    def rehearsal(self) -> Denoiser:
        """A quicker version to try settings on; the ones that suit it suit this one."""
        return self

    def recorded(self, denoised: FloatArray) -> Job[FloatArray]:
        """What a camera without noise would record of a denoised tile, ``C(Z)YX``.

        The tile itself, but for methods that also undo a blur.
        """
        yield from ()
        return denoised

    def release(self) -> None:
        """Let go of what a run took, such as a GPU's memory; called when it ends in any way."""

    def check(self, layout: Layout, shape: tuple[int, ...]) -> None:
        """Refuse, before the work starts, an image this denoiser is not made for.

        Raises
        ------
        DenoiseError
            With what was given and what to do.
        """


@dataclass(frozen=True, slots=True)
class Denoised:
    """What :func:`denoise` returns.

    Attributes
    ----------
    image : array in the input's units
        In its axes and shape too, or with a leading axis S where several results were asked for.
    n_clipped : int
        Pixels that did not fit into an integer dtype and were set to its end.
    fitted : tuple of Denoiser
        What was applied to each channel: the settings with all that was measured on the image.
    axes : str
        Of `image`.
    """

    image: Any
    n_clipped: int
    fitted: tuple[Denoiser, ...] = ()
    axes: str = ""


def denoise_job(
    denoiser: Denoiser,
    image: Any,
    layout: Layout,
    *,
    dtype: npt.DTypeLike = np.float32,
    out: Any = None,
) -> Job[Denoised]:
    """Denoise an image tile by tile.

    Parameters
    ----------
    denoiser : Denoiser
        The method with its settings.
    image : array-like, axes as in `layout`, any real dtype
        May be lazy (dask, zarr, memory-mapped): a tile per core and one more are held at a time.
    layout : Layout
        Names the axes and says which are spatial.
    dtype : dtype, default float32
        Of the result. Integer types are rounded and saturated, and the clipped pixels counted.
    out : writable array-like, optional
        Where to write, in the result's axes and in `dtype`; a new numpy array if None.

    Returns
    -------
    Denoised
        When the job has been run to its end.

    Raises
    ------
    DenoiseError
        If the image, its axes or the settings do not fit. Raised before any work, except for
        NaN, which is found in the tile that has it.
    """
    check_input(denoiser, image, layout)
    stacked = (denoiser.n_stacked,) if denoiser.n_stacked else ()
    axes = "S" * len(stacked) + layout.axes
    if out is None:
        out = np.empty((*stacked, *image.shape), dtype=dtype)
    fitted = yield from fit_channels(denoiser, image, layout)
    try:
        n_clipped = yield from _denoise_tiles(denoiser, fitted, image, layout, out)
    finally:
        for each in (denoiser, *fitted.values()):
            each.release()
    return Denoised(out, n_clipped, tuple(fitted.values()), axes)


def _denoise_tiles(
    denoiser: Denoiser, fitted: Mapping[int | None, Denoiser], image: Any, layout: Layout, out: Any
) -> Job[int]:
    """Fill `out`; returns how many pixels were clipped."""
    n = layout.n_spatial
    extents = layout.unit_shape(tuple(image.shape))[1:]
    grid = Grid(denoiser.tile_size(extents), denoiser.halo(n), denoiser.alignment(n))

    def clean(unit: UnitIndex, tile: FloatArray, place: Place) -> Job[FloatArray]:
        return fitted[layout.channel_of(unit)].denoise_tile_at(tile, place)

    work = TileWork(image, layout, grid, clean, out=out, n_stacked=denoiser.n_stacked)
    yield from work.run(n_threads=(os.cpu_count() or 1) if denoiser.is_threaded else 1)
    return work.n_clipped


def fit_channels(denoiser: Denoiser, image: Any, layout: Layout) -> Job[dict[int | None, Denoiser]]:
    """Fit the denoiser to each channel; the key of all or none is None."""
    fitted: dict[int | None, Denoiser] = {}
    for channel, members in layout.units_by_channel(tuple(image.shape)).items():
        job = denoiser.fitted(image, layout, members)
        fitted[channel] = yield from nested(job, 0.0, 0.0)
    return fitted


def check_input(denoiser: Denoiser, image: Any, layout: Layout) -> None:
    """Refuse what cannot be denoised, without reading a pixel.

    Raises
    ------
    DenoiseError
        If the image, its axes or the settings do not fit.
    """
    check_pixels(image)
    check_axes(layout.axes, tuple(image.shape))
    if denoiser.n_stacked and "S" in layout.axes:
        raise AxesError(
            f"Several results lie along an axis S, and the image has one already (axes "
            f"{layout.axes}). Denoise one of its samples at a time, or ask for a single result."
        )
    # Reject settings for another number of axes (one sigma each for Z, Y, X on a plane) up front.
    denoiser.halo(layout.n_spatial)
    denoiser.check(layout, tuple(image.shape))
