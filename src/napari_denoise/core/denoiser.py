"""What a denoiser is, and the one way any of them runs on an image.

A classical filter, the shipped instant denoiser and a trained model are all a
:class:`Denoiser`: frozen settings that can be written to a file. What a run takes, such as a
network on a device, is held by a :class:`Session`, which :meth:`Denoiser.prepare` makes and
which is let go when the run ends in any way. :func:`denoise_job` does the rest for all of them:
named axes, lazy reading, tiles, progress, cancelling, and the cast at the end.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout, UnitIndex, check_axes
from napari_denoise.core.dtype import FloatArray, check_pixels
from napari_denoise.core.errors import AxesError
from napari_denoise.core.image import Image, as_image
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.settings import Settings
from napari_denoise.core.tiling import Grid, Place, TileWork

__all__ = [
    "Denoised",
    "Denoiser",
    "Session",
    "check_input",
    "denoise_job",
    "fit_channels",
    "recipe_of",
]

_TILE_SIZE = {2: (1024, 1024), 3: (32, 256, 256)}
"""A megapixel or two: large against the halo of any filter, small against a second of work.

What lies in the halo is computed twice, so smaller tiles cost time; larger ones make Cancel wait.
"""


class Session(ABC):
    """A denoiser at work on one image, in a ``with`` statement.

    All that changes while it works is here, so that settings stay what they are: the same
    settings can run twice at once.
    """

    @abstractmethod
    def denoise_tile(self, tile: FloatArray, place: Place) -> Job[FloatArray]:
        """Clean one tile, ``C(Z)YX`` float32 in the image's units; same shape and units out.

        Parameters
        ----------
        tile : array, ``C(Z)YX``, float32
        place : Place
            Where the tile lies. Where two tiles overlap, what is drawn at random has to be the
            same. Outside the place's core the result may be anything.
        """

    def close(self) -> None:  # noqa: B027  # most have nothing to let go of
        """Let go of what the run took, such as a GPU's memory."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Denoiser(Settings, ABC):
    """Frozen settings of one way to clean an image.

    A subclass adds a field ``name`` with a ``Literal`` tag, its settings as fields, and
    :meth:`prepare`. What it does to a tile depends on its settings alone.
    """

    title: ClassVar[str]
    """What people call the method."""
    kind: ClassVar[Literal["filter", "instant", "model"]]
    citation: ClassVar[str] = ""
    """Authors, year and DOI of where the method comes from."""
    is_threaded: ClassVar[bool] = False
    """Whether :func:`denoise` spreads the tiles over the processor's cores."""
    expects_even_noise: ClassVar[bool] = False
    """Whether it takes the noise to be the same everywhere, so that photon noise, which grows with
    the signal, is evened out first unless the user says otherwise."""

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
    def prepare(self) -> Session:
        """Make what cleans tiles with these settings, to be used in a ``with`` statement.

        Raises
        ------
        ModelError, FileError, DeviceError
            If a network it needs cannot be read, or its device cannot compute.
        """

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
        # With a halo as wide as the tile, nine tenths of the work would be done twice.
        sizes = zip(_TILE_SIZE[len(extents)], self.halo(len(extents)), strict=True)
        return tuple(max(size, 4 * halo) for size, halo in sizes)

    def check(self, layout: Layout, shape: tuple[int, ...]) -> None:
        """Refuse, before the work starts, an image this denoiser is not made for.

        Raises
        ------
        DenoiseError
            With what was given and what to do.
        """


@dataclass(frozen=True, slots=True)
class Denoised:
    """What :func:`denoise_job` returns.

    Attributes
    ----------
    image : Image
        In the input's units, axes and shape, with its recipe; or with a leading axis S where
        several results were asked for.
    n_clipped : int
        Pixels that did not fit into an integer dtype and were set to its end.
    fitted : tuple of Denoiser
        What was applied to each channel: the settings with all that was measured on the image.
    """

    image: Image
    n_clipped: int
    fitted: tuple[Denoiser, ...] = ()


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
    image : Image or array-like, axes as in `layout`, any real dtype
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
    source = as_image(image, layout.axes)
    stacked = (denoiser.n_stacked,) if denoiser.n_stacked else ()
    # Every pixel is in exactly one tile's core, so there is nothing to be filled beforehand.
    if out is None:
        out = np.empty((*stacked, *source.shape), dtype=dtype)
    fitted = yield from fit_channels(denoiser, source.pixels, layout)
    n_clipped = yield from _denoise_tiles(denoiser, fitted, source.pixels, layout, out)
    # Of what was asked for, not of what was fitted: run again, it measures the other image anew.
    recipe = recipe_of(denoiser, source, layout, out.dtype)
    result = source.with_pixels(out, recipe=recipe)
    return Denoised(result, n_clipped, tuple(fitted.values()))


def recipe_of(
    denoiser: Denoiser, source: Image, layout: Layout, dtype: npt.DTypeLike = np.float32
) -> Recipe:
    """The recipe of what :func:`denoise_job` makes of an image.

    Parameters
    ----------
    denoiser : Denoiser
    source : Image
        What is denoised.
    layout : Layout
    dtype : dtype
        Of the result.
    """
    about = {"source": source.name, "dtype": str(np.dtype(dtype)), "previous": source.recipe}
    return Recipe.of("denoise", denoiser, layout, **about)


def _denoise_tiles(
    denoiser: Denoiser, fitted: Mapping[int | None, Denoiser], image: Any, layout: Layout, out: Any
) -> Job[int]:
    """Fill `out`; returns how many pixels were clipped."""
    n = layout.n_spatial
    extents = layout.unit_shape(tuple(image.shape))[1:]
    grid = Grid(denoiser.tile_size(extents), denoiser.halo(n), denoiser.alignment(n))
    with ExitStack() as stack:
        # Channels whose settings are one and the same share what is prepared, such as a network.
        unique = {id(each): each for each in fitted.values()}
        sessions = {key: stack.enter_context(each.prepare()) for key, each in unique.items()}
        by_channel = {channel: sessions[id(each)] for channel, each in fitted.items()}

        def clean(unit: UnitIndex, tile: FloatArray, place: Place) -> Job[FloatArray]:
            return by_channel[layout.channel_of(unit)].denoise_tile(tile, place)

        work = TileWork(image, layout, grid, clean, out=out, n_stacked=denoiser.n_stacked)
        # numpy and scipy let go of the interpreter's lock, so filters gain from threads; torch has
        # threads of its own.
        yield from work.run(n_threads=(os.cpu_count() or 1) if denoiser.is_threaded else 1)
    return work.n_clipped


def fit_channels(denoiser: Denoiser, image: Any, layout: Layout) -> Job[dict[int | None, Denoiser]]:
    """Fit the denoiser to each channel; the key of all or none is None."""
    # Each channel has a camera, a gain and a brightness of its own.
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
