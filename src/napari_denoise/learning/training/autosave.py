"""Keeps what an unfinished training has learned in a file, so that a crash does not cost it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

from napari_denoise.core.errors import FileError
from napari_denoise.learning.models.file import save_model
from napari_denoise.learning.models.model import Model

__all__ = ["INTERVAL_S", "Autosave"]

INTERVAL_S = 20.0
"""Seconds from one copy to the next. Trade-off: what a crash costs, and how often a copy of all
tensors is made."""


class Autosave:
    """Writes a model now and then, in a thread of its own; each file replaces the one before.

    Parameters
    ----------
    path : Path, optional
        Its folder is made if it is missing; without a path nothing is written.
    clock : callable
        Seconds.
    """

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        # The first copy comes after an interval, too: short trainings write none.
        self._last = clock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="napari-denoise autosave")
        self._writing: Future[None] | None = None
        self._has_failed = False

    @property
    def is_due(self) -> bool:
        """Whether another copy is to be made, and the last one is written."""
        if self._path is None:
            return False
        # A slow disk makes copies rarer, and never has two of them wait in memory.
        is_writing = self._writing is not None and not self._writing.done()
        return not is_writing and self._clock() - self._last >= INTERVAL_S

    def write(self, make_model: Callable[[], Model]) -> None:
        """Write the model that `make_model` makes; it is called in the writing thread."""
        self._last = self._clock()
        if self._path is not None:
            self._writing = self._pool.submit(self._write, self._path, make_model)

    def failure(self) -> str:
        """Why the last copy could not be written, the first time this is asked; else empty."""
        if self._has_failed or self._writing is None or not self._writing.done():
            return ""
        error = self._writing.exception()
        self._has_failed = error is not None
        return f"The training goes on, but no copy of it could be kept: {error}" if error else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the last copy to be written."""
        self._pool.shutdown()

    def _write(self, path: Path, make_model: Callable[[], Model]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"The folder {path.parent} cannot be made ({error}).") from error
        save_model(make_model(), path)
