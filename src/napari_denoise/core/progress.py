"""Long work as a generator: how it reports, how it is stopped, how it is cancelled.

A job is a generator of :class:`Progress` that returns its result. Whoever runs it decides
where: a notebook drains it with :func:`run`, the command line draws a bar, a worker thread
steps it. Closing the generator cancels it and discards the work; sending
:attr:`Request.STOP` asks it to end early and keep what it has.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import islice
from typing import TextIO, TypeVar

__all__ = [
    "Job",
    "Notice",
    "Progress",
    "Request",
    "Skipped",
    "Stopwatch",
    "TextBar",
    "nested",
    "run",
    "run_all",
]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped(Notice):
    """One of several images that could not be used; the work goes on with the others.

    Attributes
    ----------
    name : str
        Of the image, or of its file.
    reason : str
        Why, in a sentence.
    """

    name: str
    reason: str

    @classmethod
    def because(cls, name: str, reason: object, fraction: float = 0.0) -> Skipped:
        """Say that an image is skipped, and why."""
        message = f"{name} is skipped: {reason}"
        return cls(fraction=fraction, message=message, name=name, reason=str(reason))


Job = Generator[Progress, Request | None, T]

Announce = Callable[[float, str], Progress]


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
            # A generator that has not begun takes no request; next() is send(None).
            event = job.send(request) if request else next(job)
            request = on_progress(event) if on_progress else None
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        # Also after KeyboardInterrupt: what the job holds (files, a GPU's memory) is let go here.
        job.close()


def nested(job: Job[T], start: float, stop: float, message: str = "") -> Job[T]:
    """Run a job as the part from `start` to `stop` (fractions) of a larger one.

    Requests and `close` reach the inner job. Returns its result.
    """
    request: Request | None = None
    try:
        while True:
            event = job.send(request) if request else next(job)
            # The event's own type stays, so that previews and written tiles pass through.
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


def run_all(
    jobs: Iterable[Job[T]],
    collect: Callable[[T], None],
    *,
    n_jobs: int,
    n_threads: int = 1,
    noun: str = "part",
    announce: Announce | None = None,
) -> Job[None]:
    """Run independent jobs as one, and hand over their results in order.

    Parameters
    ----------
    jobs : iterable of jobs
        Taken one by one, in the calling thread, as threads become free. One more than
        `n_threads` is held at a time, so that no thread waits while a result is collected.
    collect : callable
        Called in the calling thread with each result, in the order of `jobs`.
    n_jobs : int
        How many there are, for the fraction done.
    n_threads : int
        How many run at once. With more than one, requests do not reach the jobs; closing this
        job ends each of them at its next event.
    noun : str
        What a job is called in messages: "tile 3 of 7".
    announce : callable, optional
        Makes the event that follows upon `collect`, from its fraction and message.
    """
    announce = announce or _plainly
    if n_threads > 1:
        yield from _run_on_threads(jobs, collect, n_jobs, n_threads, noun, announce)
        return
    for i, job in enumerate(jobs):
        collect((yield from nested(job, i / n_jobs, (i + 1) / n_jobs)))
        yield announce((i + 1) / n_jobs, f"{noun} {i + 1} of {n_jobs}")


# Cancel is to take less than 0.2 s; a look twenty times a second costs nothing.
_PATIENCE_S = 0.05
"""How often a job that waits for its threads looks up, so that it can be closed."""


class _ClosedError(Exception):
    """Ends a job in its thread after the job that started it was closed."""


def _plainly(fraction: float, message: str) -> Progress:
    return Progress(fraction=fraction, message=message)


def _run_on_threads(  # noqa: PLR0917
    jobs: Iterable[Job[T]],
    collect: Callable[[T], None],
    n_jobs: int,
    n_threads: int,
    noun: str,
    announce: Announce,
) -> Job[None]:
    # Jobs are made one by one, as they hold what they work on: a tile that has been read.
    supply, closed, fractions = iter(jobs), threading.Event(), [0.0] * n_jobs
    running: deque[Future[T]] = deque()
    with ThreadPoolExecutor(n_threads, thread_name_prefix=f"napari-denoise-{noun}") as pool:
        try:
            for n_done in range(n_jobs):
                for job in islice(supply, n_threads + 1 - len(running)):
                    note = _note_fraction(fractions, n_done + len(running), closed)
                    running.append(pool.submit(run, job, note))
                # In order, whichever ends first: results are written where their place is.
                while wait([running[0]], timeout=_PATIENCE_S).not_done:
                    yield Progress(fraction=sum(fractions) / n_jobs)
                collect(running.popleft().result())
                fractions[n_done] = 1.0
                yield announce(sum(fractions) / n_jobs, f"{noun} {n_done + 1} of {n_jobs}")
        finally:
            # Those that run end at their next event, the others never begin; leaving the pool
            # waits for them, so that no thread outlives its job.
            closed.set()
            for future in running:
                future.cancel()


def _note_fraction(
    fractions: list[float], place: int, closed: threading.Event
) -> Callable[[Progress], None]:
    def note(event: Progress) -> None:
        if closed.is_set():
            raise _ClosedError
        fractions[place] = event.fraction

    return note


class Stopwatch:
    """Estimates the time left from the fractions seen so far."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._first: tuple[float, float] | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the stopwatch was made."""
        return self._clock() - self._start

    def remaining_s(self, fraction: float) -> float | None:
        """Seconds left at this fraction; None while too little is done to tell.

        A job may go on where another one ended: what is done when this is first asked did not
        take the time of this one.
        """
        if self._first is None:
            self._first = self.elapsed_s, fraction
        seconds, done = self.elapsed_s - self._first[0], min(fraction, 1.0) - self._first[1]
        # Less tells of the start alone: reading, compiling, the first batch.
        if done < 0.01 or self.elapsed_s < 0.5:
            return None
        return seconds * (1.0 - min(fraction, 1.0)) / done


class TextBar:
    """A line with a bar and the time left, for notebooks and terminals; notices stay above it."""

    _WIDTH = 30

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._watch = Stopwatch()

    def __call__(self, event: Progress) -> None:
        """Show how far the job is."""
        if isinstance(event, Notice):
            # The spaces cover what is left of the bar.
            self._stream.write(f"\r{event.message:<{self._WIDTH + 24}}\n")
        fraction = min(max(event.fraction, 0.0), 1.0)
        n_full = round(fraction * self._WIDTH)
        left = self._watch.remaining_s(fraction)
        when = f"{self._watch.elapsed_s:.0f} s" if fraction >= 1 else _left_in_words(left)
        bar = "█" * n_full + "·" * (self._WIDTH - n_full)
        end = "\n" if fraction >= 1 else ""
        self._stream.write(f"\r{bar} {fraction:4.0%} {when:<16}{end}")
        self._stream.flush()


def _left_in_words(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"
