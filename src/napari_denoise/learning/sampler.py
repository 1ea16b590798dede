"""Where training patches come from: drawn at random, one batch at a time, never stacked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_denoise.axes import Layout, UnitIndex
from napari_denoise.errors import InputError
from napari_denoise.intensities import FloatArray, as_float32
from napari_denoise.learning.patches import TrainingImage
from napari_denoise.learning.places import Anywhere, InRegion, Place
from napari_denoise.learning.simulation import Simulation

__all__ = ["PatchSampler", "Patches"]

Pairing = Literal["any", "even_odd"]

_N_TRIES = 100
"""Patches that are looked at to find one within the region."""

Turned = Literal["freely", "half", "not"]


@dataclass(frozen=True, slots=True)
class Patches:
    """Patches drawn together; all arrays ``NC(Z)YX`` float32, in the images' units.

    Attributes
    ----------
    shown : array
        The patches themselves.
    target : array
        What goes with each: the same place of its target, or of a repeat; the patches
        themselves where there is neither.
    weight : array
        1 for pixels to learn from; 0 for those outside the region, where `shown` and `target`
        hold the mean of the others.
    """

    shown: FloatArray
    target: FloatArray
    weight: FloatArray

    @classmethod
    def joined(cls, parts: Sequence[Patches]) -> Patches:
        """All of them in one."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def known_pixels(self) -> FloatArray:
        """What `shown` holds inside the region in all channels, axes ``Cn``."""
        inside = self.weight.all(axis=1)
        return np.moveaxis(self.shown, 1, 0)[:, inside]


class PatchSampler:
    """Draws patches at random places of all images, large images more often.

    Parameters
    ----------
    images : sequence of TrainingImage
        As :func:`~napari_denoise.learning.patches.read_image` returns them.
    patch_size : tuple of int
        Pixels per spatial axis.
    repeats : str, optional
        Axis along which frames are pairs; unset: pairs are images and their targets.
    pairing : {"any", "even_odd"}
        Whether any two frames are a pair, or each even one and the odd one after it.
    target_map : (float, float)
        What targets are multiplied with, and what is then added, to be in the images' units.
    simulation : Simulation, optional
        Adds noise to what is shown, and leaves the target clean.
    """

    def __init__(
        self,
        images: Sequence[TrainingImage],
        patch_size: tuple[int, ...],
        *,
        repeats: str | None = None,
        pairing: Pairing = "any",
        target_map: tuple[float, float] = (1.0, 0.0),
        simulation: Simulation | None = None,
    ) -> None:
        self.images = tuple(images)
        self.patch_size = patch_size
        self.repeats, self._pairing = repeats, pairing
        self._target_map, self._simulation = target_map, simulation
        self._places = [_places(image, patch_size) for image in images]
        n_pixels = np.array([places.n_pixels for places in self._places])
        self._shares = n_pixels / n_pixels.sum()

    @property
    def is_noise_added(self) -> bool:
        """Whether the images are clean."""
        return self._simulation is not None

    def resized(self, patch_size: tuple[int, ...]) -> PatchSampler:
        """The same with patches of another size."""
        return self.replaced(patch_size=patch_size)

    def replaced(self, **changes: Any) -> PatchSampler:
        """The same, but for these parameters."""
        given: dict[str, Any] = {
            "images": self.images,
            "patch_size": self.patch_size,
            "repeats": self.repeats,
            "pairing": self._pairing,
            "target_map": self._target_map,
            "simulation": self._simulation,
        }
        return PatchSampler(**given | changes)

    def draw(self, n: int, rng: np.random.Generator, *, turned: Turned = "freely") -> Patches:
        """Draw `n` patches.

        Parameters
        ----------
        turned : {"freely", "half", "not"}
            How each is flipped and turned in YX at random, what belongs together alike: "half"
            leaves rows rows.

        Raises
        ------
        InputError
            If a pixel is NaN or infinite (only large lazy images are not checked before).
        """
        drawn = [self._draw_one(rng, turned=turned)[0] for _ in range(n)]
        shown, target, weight = (np.stack(parts) for parts in zip(*drawn, strict=True))
        return Patches(shown, target, weight)

    def draw_in_channel(self, rng: np.random.Generator) -> tuple[int | None, FloatArray]:
        """A patch ``C(Z)YX`` that is whole, and its channel where those are seen one at a time.

        Raises
        ------
        InputError
            If no patch lies within the region.
        """
        for _ in range(_N_TRIES):
            (shown, _, weight), channel = self._draw_one(rng, turned="not")
            if weight.all():
                return channel, shown
        raise InputError(
            f"Hardly a patch of {' × '.join(map(str, self.patch_size))} pixels lies within the "
            f"region."
        )

    def _draw_one(
        self, rng: np.random.Generator, *, turned: Turned
    ) -> tuple[tuple[FloatArray, ...], int | None]:
        """A patch, its target and its weight; and which channel it is from."""
        which = int(rng.choice(len(self.images), p=self._shares))
        image, place = self.images[which], self._places[which].draw(rng)
        shown, target, weight = self._read(image, place, rng)
        if turned != "not":
            together = np.stack([shown, target, weight])
            shown, target, weight = _turn(together, rng, is_free=turned == "freely")
        if self._simulation:
            # After turning: stripes lie along the camera's rows, and not along the specimen's.
            shown = self._simulation.record(shown, image, place, rng)
        scale, shift = (np.float32(number) for number in self._target_map)
        return (shown, scale * target + shift, weight), image.layout.channel_of(place.unit)

    def _read(
        self, image: TrainingImage, place: Place, rng: np.random.Generator
    ) -> tuple[FloatArray, ...]:
        partner = place
        if self.repeats:
            unit = _partner(image, place.unit, self.repeats, self._pairing, rng)
            partner = Place(unit, place.window)
        inside = _inside(image, place, partner)
        shown = _read(image.layout, image.pixels, place, inside)
        target = shown
        if self.repeats:
            target = _read(image.layout, image.pixels, partner, inside)
        elif image.target is not None:
            target = _read(image.layout, image.target, place, inside)
        weight = np.ones_like(shown) if inside is None else inside.astype(np.float32)
        return shown, target, weight


def _places(image: TrainingImage, size: tuple[int, ...]) -> Anywhere | InRegion:
    shape = tuple(image.pixels.shape)
    if image.region is None:
        return Anywhere(image.layout, shape, size)
    return InRegion(image.layout, shape, size, image.region)


def _inside(image: TrainingImage, *places: Place) -> npt.NDArray[np.bool_] | None:
    """Which pixels lie in the region at all these places, ``C(Z)YX``; None if there is none."""
    if image.region is None:
        return None
    whole = np.broadcast_to(image.region, tuple(image.pixels.shape))
    parts = [image.layout.cut(whole, place.unit, place.window) for place in places]
    return np.asarray(np.logical_and.reduce(parts))


def _read(
    layout: Layout, pixels: Any, place: Place, inside: npt.NDArray[np.bool_] | None
) -> FloatArray:
    if inside is None:
        return layout.read(pixels, place.unit, place.window)
    patch = layout.cut(pixels, place.unit, place.window)
    filled = np.zeros(patch.shape, np.float32)
    for channel, here, result in zip(patch, inside, filled, strict=True):
        known = as_float32(channel[here])
        # Their mean gives no single one of them away, as a copy of the nearest would.
        result[...] = known.mean(dtype=np.float64) if known.size else 0.0
        result[here] = known
    return filled


def _partner(
    image: TrainingImage, unit: UnitIndex, axis: str, pairing: Pairing, rng: np.random.Generator
) -> UnitIndex:
    """The same unit in another frame along an axis."""
    place = image.layout.axes.index(axis)
    here, n = unit[place], image.pixels.shape[place]
    assert isinstance(here, int)  # noqa: S101  # it lies along a batch axis
    if pairing == "any":
        there = (here + int(rng.integers(1, n))) % n
    else:
        # The last of an odd number of frames goes with the one before it.
        there = here ^ 1 if here ^ 1 < n else here - 1
    return (*unit[:place], there, *unit[place + 1 :])


def _turn(patch: FloatArray, rng: np.random.Generator, *, is_free: bool) -> FloatArray:
    """One of the eight ways to lay a square, or of the four that leave rows rows."""
    by_quarters = is_free and patch.shape[-1] == patch.shape[-2]
    turned = np.rot90(patch, int(rng.integers(4)) * (1 if by_quarters else 2), axes=(-2, -1))
    return turned[..., ::-1] if rng.integers(2) else turned
