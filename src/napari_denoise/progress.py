"""Long work as a generator: how it reports, how it is stopped, how it is cancelled.

A job is a generator of :class:`Progress` that returns its result. Whoever runs it decides
where: a notebook drains it with :func:`run`, the command line draws a bar, a worker thread
steps it. Closing the generator cancels it and discards the work; sending
:attr:`Request.STOP` asks it to end early and keep what it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeVar

__all__ = ["Job", "Notice", "Progress", "Request", "Stopwatch", "nested", "run"]

T = TypeVar("T")


class Request(Enum):
    """What may be sent into a running job."""

    STOP = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job has come.

    Attributes
    ----------
    fraction : float
        Share of the work that is done, 0 to 1.
    message : str
        What is being done, in words a user reads; empty if nothing new is to be said.
    """

    fraction: float
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Progress):
    """Something the user should know that is no error, such as a fall-back."""


Job = Generator[Progress, Request | None, T]


def run(job: Job[T], on_progress: Callable[[Progress], Request | None] | None = None) -> T:
    """Run a job to its end in the calling thread and return its result.

    Parameters
    ----------
    job : generator of Progress
        The work; it is closed if `on_progress` raises.
    on_progress : callable, optional
        Called with each event; what it returns is sent into the job, so returning
        ``Request.STOP`` ends the job early with what it has.
    """
    request: Request | None = None
    try:
        while True:
            event = job.send(request) if request else next(job)
            request = on_progress(event) if on_progress else None
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        job.close()


def nested(job: Job[T], start: float, stop: float, message: str = "") -> Job[T]:
    """Run a job as the part from `start` to `stop` (fractions) of a larger one.

    Requests and `close` reach the inner job. Returns its result.
    """
    request: Request | None = None
    try:
        while True:
            event = job.send(request) if request else next(job)
            request = yield replace(
                event,
                fraction=start + event.fraction * (stop - start),
                message=event.message or message,
            )
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        job.close()


class Stopwatch:
    """Estimates the time left from the fractions seen so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the stopwatch was made."""
        return self._clock() - self._start

    def remaining_s(self, fraction: float) -> float | None:
        """Seconds left at this fraction; None while too little is done to tell."""
        if fraction < 0.01 or self.elapsed_s < 0.5:
            return None
        return self.elapsed_s * (1.0 - min(fraction, 1.0)) / fraction
