"""The batches a training is fed with, and how they become smaller where memory is short."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from napari_denoise.core.errors import DenoiseError, DeviceError
from napari_denoise.core.progress import Job, Notice, Request
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.models.checkpoint import CheckpointInfo
from napari_denoise.learning.models.model import Model

__all__ = ["Batches"]

# Trade-off: fewer take less time, and their loss is too noisy to tell a plateau by.
_N_VALIDATED = 8
"""Batches that decide whether the loss still falls; a curve to look at needs but one."""

# A network halved twice has four pixels left across them.
_SMALLEST = 16
"""Patches are not made smaller than this along any axis, in pixels."""

# The default patches: memory grows with the pixels, so a small batch tells that of a large one.
_PROBED = {2: (64, 64), 3: (8, 32, 32)}
"""Patch on which the memory of a step is measured."""


class Batches:
    """Draws the batches of a training.

    Parameters
    ----------
    method : TrainingMethod
    sampler : PatchSampler
    rng : numpy.random.Generator
        For the batches to learn from.
    validation_rng : numpy.random.Generator
        For those that stay the same.
    """

    def __init__(
        self,
        method: TrainingMethod,
        sampler: PatchSampler,
        *,
        rng: np.random.Generator,
        validation_rng: np.random.Generator,
    ) -> None:
        self._method, self._sampler = method, sampler
        self._rng, self._validation_rng = rng, validation_rng

    @property
    def batch_size(self) -> int:
        """Patches per batch, as of now."""
        return self._method.batch_size

    @property
    def patch_size(self) -> tuple[int, ...]:
        """Pixels per spatial axis, as of now."""
        return self._sampler.patch_size

    @property
    def random_state(self) -> dict[str, Any]:
        """Where the random numbers are."""
        return dict(self._rng.bit_generator.state)

    @property
    def n_pixels(self) -> int:
        """Pixels of a batch, in one channel."""
        return self.batch_size * prod(self.patch_size)

    def read_ahead(self, fraction: float) -> Job[Request | None]:
        """Read what the next batch is cut from, where images stay in their files.

        Where none can be read any more, the training is to end with what it has learned.

        Parameters
        ----------
        fraction : float
            Of the training that is done.

        Returns
        -------
        Request or None
            What the user has asked for meanwhile.
        """
        request: Request | None = None
        try:
            for event in self._sampler.read_ahead(self._rng):
                message = event.message if isinstance(event, Notice) else ""
                request = (yield replace(event, fraction=fraction, message=message)) or request
        except DenoiseError as error:
            yield Notice(fraction=fraction, message=f"{error} The training ends here.")
            return Request.STOP
        return request

    def draw(self) -> Batch:
        """A batch to learn from."""
        return self._method.batch(self._sampler, self._rng)

    def validation(self) -> list[Batch]:
        """The batches for the validation loss: the same at each call, but for their size."""
        # A copy, so that the next call draws the same again.
        rng = deepcopy(self._validation_rng)
        n_batches = _N_VALIDATED if self._method.patience else 1
        return [self._method.batch(self._sampler, rng) for _ in range(n_batches)]

    def probe(self) -> tuple[Batch, int]:
        """A small batch to measure memory on, and its pixels; later batches do not change."""
        limits = _PROBED[len(self.patch_size)]
        size = tuple(min(pair) for pair in zip(self.patch_size, limits, strict=True))
        one = self._method.model_copy(update={"batch_size": 1})
        rng = deepcopy(self._validation_rng)
        return one.batch(self._sampler.resized(size), rng), prod(size)

    def set_size(self, batch_size: int, patch_size: tuple[int, ...]) -> None:
        """Draw batches of another size from now on.

        Parameters
        ----------
        batch_size : int
            Patches.
        patch_size : tuple of int
            Pixels per spatial axis.
        """
        self._method = self._method.model_copy(update={"batch_size": batch_size})
        if patch_size != self.patch_size:
            self._sampler = self._sampler.resized(patch_size)

    def go_on_from(self, model: Model) -> None:
        """Draw what comes next in the unfinished training that the model is from."""
        if model.checkpoint is None:
            return
        done: CheckpointInfo = model.checkpoint.info
        self._rng.bit_generator.state = done.random
        asked_before = model.method.batch_size, model.method.patch_size
        # What was made smaller for want of memory stays so, unless the user asks for another size.
        if asked_before == (self._method.batch_size, self._method.patch_size):
            # Other images may have less room.
            sizes = zip(done.patch_size, self.patch_size, strict=True)
            self.set_size(done.batch_size, tuple(min(pair) for pair in sizes))

    def shrink(self) -> str:
        """Halve the batch, or the patches where it is a single one; returns the new size in words.

        Raises
        ------
        DeviceError
            If neither can be halved.
        """
        if self.batch_size > 1:
            self.set_size(self.batch_size // 2, self.patch_size)
        elif max(self.patch_size) > _SMALLEST:
            halved = (max(n // 2, min(n, _SMALLEST)) for n in self.patch_size)
            self.set_size(1, tuple(halved))
        else:
            raise DeviceError(
                "There is not enough memory for even a single small patch. Close other programs, "
                "choose another device, or train with a smaller n_features or depth."
            )
        return self.in_words()

    def in_words(self) -> str:
        """The size of a batch: "2 patches of 64 × 64"."""
        extent = " × ".join(str(n) for n in self.patch_size)
        return f"{self.batch_size} patch{'es' * (self.batch_size != 1)} of {extent}"
