"""Jobs in a terminal: a bar with the time left, and Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from napari_denoise.core.progress import Job, Notice, Progress, Request, run

__all__ = ["run_with_bar"]

T = TypeVar("T")


def run_with_bar(job: Job[T], label: str, *, stoppable: bool = False) -> T:
    """Run a job with a bar on standard error, if that is a terminal; the bar vanishes at the end.

    Parameters
    ----------
    job : generator of Progress
    label : str
        What is being done.
    stoppable : bool
        Whether the first Ctrl-C ends the job early with what it has; the next discards it.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    # On standard error, so that a pipe reads results alone; without a terminal there is no bar to
    # fill log files with.
    console = Console(stderr=True)
    with (
        _interrupts(stoppable=stoppable) as stop,
        ProgressBar(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as bar,
    ):
        task = bar.add_task(label, total=1.0, note="")
        has_begun = False

        def show(event: Progress) -> Request | None:
            if isinstance(event, Notice):
                console.print(event.message, markup=False, highlight=False)
            nonlocal has_begun
            if not has_begun:
                # What was done before, by a job that this one goes on with, did not take its time.
                bar.reset(task, completed=event.fraction)  # type: ignore[arg-type]  # rich means any number
                has_begun = True
            bar.update(task, completed=event.fraction, note=event.message)
            return Request.STOP if stop.is_set() else None

        return run(job, show)


@contextmanager
def _interrupts(*, stoppable: bool) -> Iterator[Event]:
    """While inside, the first Ctrl-C sets the event; the next raises KeyboardInterrupt."""
    asked = Event()
    if not stoppable:
        yield asked
        return

    def on_interrupt(*_: object) -> None:
        # Python's own handler is back for the second time: it raises KeyboardInterrupt, which
        # closes the job wherever it is.
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
