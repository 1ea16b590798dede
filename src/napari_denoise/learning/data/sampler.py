"""Where training patches come from: drawn at random, one batch at a time, never stacked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Progress
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.images import TrainingImage, is_lazy
from napari_denoise.learning.data.pairs import Repeats
from napari_denoise.learning.data.pieces import Piece, places_in, read_piece
from napari_denoise.learning.data.simulation import Simulation
from napari_denoise.learning.data.stream import PatchStream

__all__ = ["PatchSampler", "draw_samples"]

# Half a million pixels of planes: a mean over them is known far better than any pixel.
_N_SAMPLES = 128
"""Patches that intensities are measured on."""

_N_TRIES = 100
"""Patches that are looked at to find one within the region."""

Turned = Literal["freely", "half", "not"]


class PatchSampler:
    """Draws patches at random places of all images, large images more often.

    Parameters
    ----------
    images : sequence of TrainingImage
        As :func:`~napari_denoise.learning.data.images.read_images` returns them: those that are
        lazy stay in their files.
    patch_size : tuple of int
        Pixels per spatial axis.
    repeats : Repeats, optional
        Which frames are pairs; unset: pairs are images and their targets.
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
        repeats: Repeats | None = None,
        target_map: tuple[float, float] = (1.0, 0.0),
        simulation: Simulation | None = None,
    ) -> None:
        self.patch_size, self.repeats = patch_size, repeats
        self._target_map, self._simulation = target_map, simulation
        self._near = [image for image in images if not is_lazy(image)]
        self._places = [places_in(image, patch_size) for image in self._near]
        far = [image for image in images if is_lazy(image)]
        self._stream = PatchStream(far, patch_size, repeats) if far else None
        n_pixels = [places.n_pixels for places in (*self._places, self._stream) if places]
        # By pixels, so that each pixel of all images is as likely as any other.
        self._shares = np.array(n_pixels) / sum(n_pixels)

    @property
    def images(self) -> tuple[TrainingImage, ...]:
        """Those that patches are drawn from; fewer once some have proved broken."""
        return (*self._near, *(self._stream.images if self._stream else ()))

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
            "target_map": self._target_map,
            "simulation": self._simulation,
        }
        return PatchSampler(**given | changes)

    def read_ahead(self, rng: np.random.Generator) -> Job[None]:
        """Read what the next patches are cut from, where images are in files; else do nothing.

        An image that proves broken is skipped, and said to be
        (:class:`~napari_denoise.core.progress.Skipped`). Without this job :meth:`draw` reads when
        it has to, and says nothing.

        Raises
        ------
        DenoiseError
            If none of the images can be read.
        """
        if self._stream:
            yield from self._stream.read_ahead(rng)

    def draw(self, n: int, rng: np.random.Generator, *, turned: Turned = "freely") -> Batch:
        """Draw `n` patches.

        Parameters
        ----------
        turned : {"freely", "half", "not"}
            How each is flipped and turned in YX at random, what belongs together alike: "half"
            leaves rows rows.

        Raises
        ------
        DenoiseError
            If none of the images that stay in files can be read.
        """
        pieces = [self._draw_one(rng, turned=turned) for _ in range(n)]
        # float32, as a Python float would make float64 of the patches.
        scale, shift = (np.float32(number) for number in self._target_map)
        return Batch(
            input=np.stack([piece.input for piece in pieces]),
            target=scale * np.stack([piece.target for piece in pieces]) + shift,
            mask=np.stack([piece.mask for piece in pieces]),
        )

    def draw_in_channel(self, rng: np.random.Generator) -> tuple[int | None, FloatArray]:
        """A patch ``C(Z)YX`` that is whole, and its channel where those are seen one at a time.

        Raises
        ------
        InputError
            If no patch lies within the region.
        """
        # What is measured has no mask, so only whole patches will do.
        for _ in range(_N_TRIES):
            piece = self._draw_one(rng, turned="not")
            if piece.mask.all():
                return piece.channel, piece.input
        raise InputError(
            f"Hardly a patch of {' × '.join(map(str, self.patch_size))} pixels lies within the "
            f"region."
        )

    def _draw_one(self, rng: np.random.Generator, *, turned: Turned) -> Piece:
        which = int(rng.choice(len(self._shares), p=self._shares))
        piece = self._read(which, rng)
        if turned != "not":
            piece = _turn(piece, rng, is_free=turned == "freely")
        if self._simulation:
            # After turning: stripes lie along the camera's rows, and not along the specimen's.
            noisy = self._simulation.record(piece.input, piece.image, piece.place, rng)
            piece = replace(piece, input=noisy)
        return piece

    def _read(self, which: int, rng: np.random.Generator) -> Piece:
        """From an image in memory, or from those that are not, which come last."""
        if which >= len(self._near):
            assert self._stream  # noqa: S101  # else it has no share
            return self._stream.take(rng)
        image, place = self._near[which], self._places[which].draw(rng)
        partner = self.repeats.partner(image, place.unit, rng) if self.repeats else None
        return read_piece(image, place, partner)


def _turn(piece: Piece, rng: np.random.Generator, *, is_free: bool) -> Piece:
    """One of the eight ways to lay a square, or of the four that leave rows rows."""
    # Together: target and mask have to lie as the input does.
    arrays = np.stack([piece.input, piece.target, piece.mask])
    # Quarter turns would change the shape of patches that are no squares.
    by_quarters = is_free and arrays.shape[-1] == arrays.shape[-2]
    turned = np.rot90(arrays, int(rng.integers(4)) * (1 if by_quarters else 2), axes=(-2, -1))
    arrays = turned[..., ::-1] if rng.integers(2) else turned
    return Piece(piece.image, piece.place, *arrays)


def draw_samples(sampler: PatchSampler, rng: np.random.Generator, message: str) -> Job[Batch]:
    """Patches to measure on, as they lie in the images.

    Parameters
    ----------
    sampler : PatchSampler
    rng : numpy.random.Generator
    message : str
        What the job says meanwhile.
    """
    drawn = []
    for _ in range(_N_SAMPLES):
        yield from sampler.read_ahead(rng)
        yield Progress(fraction=0.0, message=message)
        # As they lie: nothing that is measured on them would gain by turning them.
        drawn.append(sampler.draw(1, rng, turned="not"))
    return Batch.joined(drawn)
