"""What a training would make of a piece of the image by now, every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.progress import Job, Notice, Progress, Request
from napari_denoise.learning.device import memory_errors
from napari_denoise.learning.training.progress import Preview, PreviewCrop
from napari_denoise.learning.training.trainer import Trainer

__all__ = ["Previews"]

# Trade-off: often enough to be watched, seldom enough to cost little.
_INTERVAL_S = 4.0
_LARGEST_SHARE = 0.1
"""Of the time that previews may take."""


class Previews:
    """Asks for a crop now and then, and has it denoised.

    Parameters
    ----------
    choose : callable, optional
        Returns what is to be shown at that moment, or None for nothing. Called in the thread that
        trains.
    clock : callable
        Seconds.
    """

    def __init__(
        self,
        choose: Callable[[], PreviewCrop | None] | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._choose, self._clock = choose, clock
        self._next = clock() + _INTERVAL_S

    @property
    def is_due(self) -> bool:
        """Whether it is time for another one."""
        return self._choose is not None and self._clock() >= self._next

    def show(self, trainer: Trainer) -> Job[Request | None]:
        """Denoise what is wanted and report it; returns what was asked for meanwhile."""
        start, request = self._clock(), None
        try:
            with memory_errors(trainer.device):
                request = yield from self._show(trainer)
        except DenoiseError as error:
            # A preview is not worth the training.
            self._choose = None
            message = f"There are no more previews: {error}"
            request = yield Notice(fraction=trainer.fraction, message=message)
        # A slow preview makes the next one wait longer.
        end = self._clock()
        self._next = end + max(_INTERVAL_S, (end - start) / _LARGEST_SHARE)
        return request

    def _show(self, trainer: Trainer) -> Job[Request | None]:
        crop = self._choose() if self._choose else None
        if crop is None:
            return None
        job, requests = trainer.denoise(crop.pixels), []
        try:
            while True:
                next(job)
                requests.append((yield Progress(fraction=trainer.fraction)))
        except StopIteration as end:
            pixels: FloatArray = end.value
        finally:
            job.close()
        requests.append(
            (yield Preview(fraction=trainer.fraction, step=trainer.step, pixels=pixels, crop=crop))
        )
        return next((request for request in requests if request), None)
