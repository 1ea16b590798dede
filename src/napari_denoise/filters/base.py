"""What the classical filters share: channels apart, and a noise level as their unit.

A filter that has to tell noise from structure compares differences with the noise level. Its
settings are therefore multiples of that level: they mean the same on every camera. The level
is measured once per image and channel, so that all tiles agree.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.denoiser import Denoiser, Session
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress, nested
from napari_denoise.core.settings import SettingField, describe, make_settings, setting
from napari_denoise.core.tiling import Place

__all__ = ["ChannelFilter", "Filter", "NoiseAwareFilter", "NoiseRemover", "noise_level_job"]

_N_PLANES = 8
"""Planes that are read to measure the noise of an image, however large it is."""

_PLANE_SIZE = 1024
"""Rows and columns that are read of each, from its middle."""

_TAP_DISTANCE = 2
"""Pixels between those compared: neighbours share noise where light or camera blurs it."""

_CLIP = 3.0
_CLIPPED_SIGMA = 0.9865
"""Standard deviation of a normal distribution of width 1 that is cut off at 3."""


class Filter(Denoiser):
    """A denoiser whose work on a tile needs nothing but its settings, which can be tuned."""

    kind: ClassVar[Literal["filter", "instant", "model"]] = "filter"
    is_threaded: ClassVar[bool] = True
    n_tuning_crops: ClassVar[int] = 4
    """Crops of 256² pixels that settings are tried on; fewer where that takes long."""

    @abstractmethod
    def denoise_tile(self, tile: FloatArray) -> Job[FloatArray]:
        """Clean one tile, ``C(Z)YX`` float32 in the image's units; same shape and units out."""

    def prepare(self) -> Session:
        return _FilterSession(self)

    def fitted(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Filter]:
        del image, layout, units
        yield from ()
        return self

    def tunable(self) -> tuple[SettingField, ...]:
        """The settings that can be tuned to an image, the one that matters most first."""
        return tuple(field for field in describe(type(self)) if field.tuned_over)

    def value_of(self, name: str) -> Any:
        """The value of one of the :meth:`tunable` settings."""
        return getattr(self, name)

    def adjusted(self, **changes: Any) -> Filter:
        """The same with some of the :meth:`tunable` settings changed.

        Raises
        ------
        SettingsError
            If a value is out of bounds.
        """
        return make_settings(type(self), {**self.model_dump(), **changes})

    def rehearsal(self) -> Filter:
        """A quicker version to try settings on; the ones that suit it suit this one."""
        return self

    def forward_model(self, denoised: FloatArray) -> Job[FloatArray]:
        """What a camera without noise would record of a denoised tile, ``C(Z)YX``.

        The tile itself, but for methods that also undo a blur.
        """
        yield from ()
        return denoised


class _FilterSession(Session):
    """A filter at work: its settings are all there is."""

    def __init__(self, settings: Filter) -> None:
        self._settings = settings

    def denoise_tile(self, tile: FloatArray, place: Place) -> Job[FloatArray]:
        del place
        return self._settings.denoise_tile(tile)


class ChannelFilter(Filter):
    """A filter that treats every channel on its own."""

    tile_sizes: ClassVar[Mapping[int, tuple[int, ...]]] = {}
    """Size of a tile without its halo, for planes and volumes, where the usual one does not do."""

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        if len(extents) not in self.tile_sizes:
            return super().tile_size(extents)
        sizes = zip(self.tile_sizes[len(extents)], self.halo(len(extents)), strict=True)
        # Halos wider than the tile itself would be most of the work.
        return tuple(max(size, 2 * halo) for size, halo in sizes)

    @abstractmethod
    def _filter(self, pixels: FloatArray) -> Job[FloatArray]:
        """Filter one channel, ``(Z)YX``, in the image's units."""

    def denoise_tile(self, tile: FloatArray) -> Job[FloatArray]:
        if len(tile) == 1:  # the usual case, without a copy of the result
            return (yield from self._filter(tile[0]))[np.newaxis]
        result = np.empty_like(tile)
        for channel, pixels in enumerate(tile):
            part = channel / len(tile), (channel + 1) / len(tile)
            result[channel] = yield from nested(self._filter(pixels), *part)
        return result


class NoiseAwareFilter(ChannelFilter):
    """A filter whose settings are multiples of the image's noise level."""

    expects_even_noise: ClassVar[bool] = True

    noise_sigma: float | None = setting(
        None,
        "Standard deviation of the noise, in the image's own intensity units; measured from the "
        "image if left open.",
        ge=0,
        le=1e9,
        advanced=True,
    )

    @property
    def _assumed_noise(self) -> float:
        """The standard deviation that is taken for 1, as a multiple of the noise level."""
        return 1.0

    @abstractmethod
    def _filter_scaled(self, pixels: FloatArray) -> Job[FloatArray]:
        """Filter one channel, ``(Z)YX``, whose noise has a standard deviation of 1."""

    def fitted(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Filter]:
        if self.noise_sigma is not None:
            return self
        sigma = yield from noise_level_job(image, layout, units)
        return self.model_copy(update={"noise_sigma": sigma})

    def _filter(self, pixels: FloatArray) -> Job[FloatArray]:
        sigma = self.noise_sigma if self.noise_sigma is not None else _sigma_of([pixels])
        if sigma == 0:
            return pixels  # without noise there is nothing to remove
        sigma *= self._assumed_noise
        # Far from zero, float32 would lose what is small against the offset.
        offset = np.float32(pixels.mean())
        # The filter itself then needs no units: it sees noise of 1 about a level of 0.
        scaled = yield from self._filter_scaled((pixels - offset) / np.float32(sigma))
        return scaled * np.float32(sigma) + offset


class NoiseRemover(NoiseAwareFilter):
    """A filter that removes just what may be noise, and has no other measure of how much."""

    strength: float = setting(
        1.0,
        "How strong the noise is taken to be; more smooths more.",
        unit="× noise",
        step=0.05,
        gt=0,
        le=100,
        tuned_over=(0.7, 4),
    )

    @property
    def _assumed_noise(self) -> float:
        return self.strength


def noise_level_job(image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[float]:
    """Standard deviation of the noise, in the image's units, from a few planes.

    The second differences along Y and X of most pixels hold noise and no structure; those far
    out are edges, and left out. Where the noise grows with the signal, the level is that of a
    typical pixel. 0 for a constant image, or one of fewer than three rows or columns.

    Parameters
    ----------
    image : array-like, axes as in `layout`
        May be lazy: at most 8 planes of 1024² pixels are read.
    units : sequence of unit indices
        Where to look; evenly spread ones are taken.

    Returns
    -------
    float
        In the image's own units.
    """
    size = layout.unit_shape(tuple(image.shape))[1:]
    middle = [_middle(extent) for extent in size[-2:]]
    depths = [_middle(extent, 1) for extent in size[:-2]]  # of a volume, its middle plane
    chosen = units[:: -(-len(units) // _N_PLANES)]
    planes = []
    for i, unit in enumerate(chosen):
        yield Progress(fraction=i / len(chosen), message="measuring the noise")
        planes.append(layout.read(image, unit, (*depths, *middle)))
    return _sigma_of(planes)


def _middle(size: int, wanted: int = _PLANE_SIZE) -> slice:
    start = max(size - wanted, 0) // 2
    return slice(start, min(start + wanted, size))


def _sigma_of(planes: Iterable[FloatArray]) -> float:
    differences = np.concatenate([_differences(plane).ravel() for plane in planes])
    if differences.size == 0:
        return 0.0
    # Clipping at a multiple of what is found depends on what is found: five rounds bring it to rest
    # where edges are few. A median of absolute differences would be surer of many, but is zero in
    # dim images, more than half of whose pixels have counted nothing.
    sigma = float(np.sqrt(np.mean(np.square(differences))))
    for _ in range(5):
        # At least one is kept: not all can be more than three times their root mean square.
        kept = differences[np.abs(differences) <= _CLIP * sigma]
        sigma = float(np.sqrt(np.mean(np.square(kept)))) / _CLIPPED_SIGMA
    return sigma


def _differences(plane: FloatArray) -> FloatArray:
    """Differences in Y of differences in X; their standard deviation is that of the noise."""
    tap = _TAP_DISTANCE
    rows = plane[..., tap:, :] - plane[..., :-tap, :]
    both: FloatArray = rows[..., tap:] - rows[..., :-tap]
    both /= 2  # the sum of four pixels' noise is twice as strong as that of one
    return both
