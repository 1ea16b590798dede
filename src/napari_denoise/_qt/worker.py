"""Runs a job in a thread of its own, and tells the GUI thread how it goes.

The worker thread knows nothing of Qt: it steps the job and leaves what happens in a
:class:`_Run`, which the GUI thread asks with a timer. So nothing can flood the event
loop, no signal can reach a widget that is gone, and a plain Python thread will do: unlike a
QThread it does not abort the process if its owner dies first.
"""

from __future__ import annotations

import atexit
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import Lock, Thread
from typing import Any, ClassVar

from qtpy.QtCore import QCoreApplication, QObject, QTimer, Signal

from napari_denoise.core.progress import Job, Progress, Request, run

__all__ = ["JobRunner"]

# How often progress is delivered: 25 times a second looks smooth, and costs the window little.
_INTERVAL_MS = 40
# How often the end is looked for once the user has asked for it, who is then waiting.
_HURRIED_INTERVAL_MS = 5
# How long a closing window or application waits for the job to let go: jobs aim at 0.2 s between
# two looks at requests, but a single layer of a network may take longer on a slow machine.
_PATIENCE_S = 2.0


class JobRunner(QObject):
    """Runs one job at a time in the background; every signal arrives in the GUI thread.

    A run emits `progressed` any number of times, then exactly one of `finished`, `failed` and
    `cancelled`, and last `ended`. After that nothing here refers to the job, its result or its
    exception any more, and the thread has gone. If the runner is destroyed or the application
    quits, the job is cancelled.
    """

    progressed = Signal(object)
    """A tuple with all events since the last time, in order; plain `Progress` is merged."""
    finished = Signal(object)
    """What the job returned."""
    failed = Signal(object, str)
    """The exception, and its traceback as text; the exception itself carries none."""
    cancelled = Signal()
    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_running = False
        # At most one; a list, so that its guard need not know self.
        self._runs: list[_Run] = []
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._deliver)
        self.destroyed.connect(_Guard(self._runs))
        if application := QCoreApplication.instance():
            application.aboutToQuit.connect(self._on_application_about_to_quit)

    @property
    def is_running(self) -> bool:
        """True from `start` until just before `ended`."""
        return self._is_running

    def start(self, make_job: Callable[[], Job[Any]]) -> None:
        """Run the job that `make_job` makes; it is called in the worker thread.

        Raises
        ------
        RuntimeError
            If a job is running: wait for `ended`.
        """
        if self._is_running:
            raise RuntimeError("A job is running already; wait for the signal 'ended'.")
        self._is_running = True
        self._runs.append(_Run(make_job))
        self._timer.start(_INTERVAL_MS)

    def stop(self) -> None:
        """Ask the job to end early and return what it has; it may take its time."""
        for current in self._runs:
            current.is_stopping = True
            self._timer.start(_HURRIED_INTERVAL_MS)

    def cancel(self) -> None:
        """Close the job at its next event and discard the work; no progress arrives any more."""
        for current in self._runs:
            current.is_cancelled = True
            self._timer.start(_HURRIED_INTERVAL_MS)

    def wait(self, timeout_ms: int = 30_000) -> bool:
        """Block until the job has ended and its last signals are out; False after the timeout."""
        for current in self._runs:
            current.thread.join(timeout_ms / 1000)
        self._deliver()
        return not self._runs

    def _on_application_about_to_quit(self) -> None:
        self.cancel()
        for current in self._runs:
            current.thread.join(_PATIENCE_S)

    def _deliver(self) -> None:
        """Pass on what the run has to say; once its thread has gone, how it ended."""
        for current in list(self._runs):
            has_ended = not current.thread.is_alive()
            events = current.take()
            if events and not current.is_cancelled:
                self.progressed.emit(events)
            # A slot may have waited for the end, and so have delivered it.
            if has_ended and current in self._runs:
                self._runs.clear()
                self._timer.stop()
                self._end(current.outcome, is_cancelled=current.is_cancelled)

    def _end(self, outcome: _Finished | _Failed | None, *, is_cancelled: bool) -> None:
        match outcome:
            # A result that came after the user's last word is not wanted any more.
            case _Finished(result) if not is_cancelled:
                self.finished.emit(result)
            case _Failed(exception, details):
                self.failed.emit(exception, details)
            case _:
                self.cancelled.emit()
        self._is_running = False
        self.ended.emit()


@dataclass(frozen=True, slots=True)
class _Finished:
    result: Any


@dataclass(frozen=True, slots=True)
class _Failed:
    exception: BaseException
    details: str


class _Cancelled(BaseException):
    """Unwinds a job that the user has cancelled."""


class _Run:
    """One job in its thread, and what that thread and the GUI thread have to say to each other."""

    def __init__(self, make_job: Callable[[], Job[Any]]) -> None:
        self.is_stopping = False
        self.is_cancelled = False
        self.outcome: _Finished | _Failed | None = None
        self._lock = Lock()
        self._events: list[Progress] = []
        # A daemon: a job that does not let go in time must not keep the interpreter alive.
        self.thread = Thread(
            target=self._work, args=(make_job,), name="napari-denoise job", daemon=True
        )
        self.thread.start()

    def take(self) -> tuple[Progress, ...]:
        """All events since the last call."""
        with self._lock:
            events, self._events = self._events, []
        return tuple(events)

    def _work(self, make_job: Callable[[], Job[Any]]) -> None:
        try:
            job = make_job()
            self._check()
            self.outcome = _Finished(run(job, self._put))
        except _Cancelled:
            pass
        except BaseException as error:  # whatever it is, the user must hear of it
            self.outcome = _Failed(error, _strip_traceback(error))

    def _check(self) -> None:
        if self.is_cancelled:
            raise _Cancelled

    def _put(self, event: Progress) -> Request | None:
        """Keep an event for the GUI thread, and return what the job is asked to do.

        A request to stop is repeated with each event: a job may be in a phase that does not
        look at requests yet.
        """
        self._check()
        with self._lock:
            if self._events and type(event) is type(self._events[-1]) is Progress:
                last = self._events.pop()
                event = replace(event, message=event.message or last.message)
            self._events.append(event)
        return Request.STOP if self.is_stopping else None


class _Guard:
    """Ends the runs of a runner that is destroyed, or of one that the interpreter leaves behind.

    Rooted in the module: a slot that only its own sender keeps alive can be taken apart by the
    garbage collector before the sender calls it for the last time, and crash.
    """

    _all: ClassVar[set[_Guard]] = set()

    def __init__(self, runs: list[_Run]) -> None:
        self._runs = runs
        self._all.add(self)

    def __call__(self) -> None:
        self._all.discard(self)
        for current in self._runs:
            current.is_cancelled = True
            current.thread.join(_PATIENCE_S)

    @classmethod
    def call_all(cls) -> None:
        """End all runs; an interpreter that shuts down would pull the rug from their threads."""
        for guard in list(cls._all):
            guard()


atexit.register(_Guard.call_all)


def _strip_traceback(error: BaseException) -> str:
    """Return the traceback as text, and let go of the frames, whose variables fill memory."""
    chain = list(_chain(error))
    for link in chain:
        traceback.clear_frames(link.__traceback__)
    details = "".join(traceback.format_exception(error))
    for link in chain:
        link.__traceback__ = None
    return details


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__]
