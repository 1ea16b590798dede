"""Run, Stop and Cancel for a job, with its progress, its notices and its failure in words."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._qt.message import ErrorMessage, Message, WrappedLabel
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.progress import Job, Notice, Progress, Stopwatch

__all__ = ["MakeJob", "RunBar", "RunState", "duration"]

MakeJob = Callable[[], Job[Any]]

# Resolution of the progress bar: finer than its pixels in any dock.
_STEPS = 1000


class RunState(Enum):
    """Where a run stands, as the buttons show it."""

    IDLE = auto()
    RUNNING = auto()
    STOPPING = auto()
    CANCELLING = auto()


class RunBar(QWidget):
    """Buttons and progress of one job at a time.

    Parameters
    ----------
    prepare : callable
        Called in the GUI thread when Run is clicked: reads the form, checks it, and returns a
        function that makes the job (called in the worker thread, so heavy imports belong
        there), or None if there is nothing to do. What it raises is shown like a failure.
    run_text : str
        What the Run button says.
    stop_text : str
        What the Stop button says, for jobs that keep what they have ("Stop and keep"); without
        it there is no such button.

    Attributes
    ----------
    runButton, stopButton, cancelButton : QPushButton
    """

    started = Signal()
    progressed = Signal(object)
    """A tuple of events, see :class:`JobRunner`."""
    finished = Signal(object)
    """What the job returned, also after Stop; use `setMessage` to say what became of it."""
    failed = Signal(object)
    """The exception, of the job or of `prepare`; it is shown already."""
    cancelled = Signal()
    ended = Signal()
    """Last of each run; the buttons are back."""

    def __init__(
        self,
        prepare: Callable[[], MakeJob | None],
        *,
        run_text: str = "Run",
        stop_text: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._prepare = prepare
        self._state = RunState.IDLE
        self._stopwatch = Stopwatch()
        self._words = ""
        self._runner = JobRunner(self)
        self._build(run_text, stop_text)
        self._connect()
        self._set_state(RunState.IDLE)

    @property
    def state(self) -> RunState:
        """Where the run stands."""
        return self._state

    @property
    def is_running(self) -> bool:
        """Whether a job is at work, stopping and cancelling included."""
        return self._state is not RunState.IDLE

    def setRunEnabled(self, enabled: bool, reason: str = "") -> None:  # noqa: FBT001
        """Say whether there is anything to run; the reason if not becomes the tooltip."""
        self._can_run = enabled
        self.runButton.setToolTip(reason)
        self.runButton.setEnabled(enabled and not self.is_running)

    def setRunText(self, text: str) -> None:
        """Say what a click on Run does."""
        self.runButton.setText(text)

    def run(self) -> None:
        """Prepare and start the job, as a click on Run does; ignored while one is running."""
        if self.is_running:
            return
        self.clear()
        try:
            make_job = self._prepare()
        # Whatever it is: Qt would print it where nobody looks, and the click would do nothing.
        except Exception as error:
            self.showError(error)
            self.failed.emit(error)
        else:
            if make_job is not None:
                self.start(make_job)

    def start(self, make_job: MakeJob) -> None:
        """Start a job that needs no preparation."""
        self.clear()
        self._runner.start(make_job)
        self._stopwatch = Stopwatch()
        self._words = "Starting"
        # An empty range looks busy: how long it takes is not known before the first progress.
        self._bar.setRange(0, 0)
        self._set_state(RunState.RUNNING)
        self.started.emit()

    def stop(self) -> None:
        """Ask the job to end and return what it has."""
        if self._state is RunState.RUNNING:
            self._set_state(RunState.STOPPING)
            self._runner.stop()

    def cancel(self) -> None:
        """End the job and discard its work."""
        if self._state in (RunState.RUNNING, RunState.STOPPING):
            self._set_state(RunState.CANCELLING)
            self._runner.cancel()

    def shutdown(self, timeout_ms: int = 2000) -> bool:
        """Cancel, and wait for the end; for docks that are being closed. False if it lasts."""
        self.cancel()
        return self._runner.wait(timeout_ms)

    def clear(self) -> None:
        """Forget what the last run had to say."""
        self.setMessage("")
        self._error.clear()
        self._notices.clear()

    def setMessage(self, text: str) -> None:
        """Say something in the line below the buttons."""
        self._message.setText(text)

    def message(self) -> str:
        """What the line below the buttons says."""
        return self._message.text()

    def noticeText(self) -> str:
        """What the user should know of the last run, a line each; empty if nothing."""
        return self._notices.text()

    def errorText(self) -> str:
        """What went wrong in the last run; empty if nothing did."""
        return self._error.text()

    def showNotice(self, text: str) -> None:
        """Say something the user should know, until the next run."""
        self._notices.add(text)

    def showError(self, error: BaseException, details: str = "") -> None:
        """Say what went wrong, until the next run."""
        self._error.showError(error, details or "".join(traceback.format_exception(error)))

    def _build(self, run_text: str, stop_text: str) -> None:
        self._can_run = True
        self.runButton = QPushButton(run_text)
        self.stopButton = QPushButton(stop_text)
        self.stopButton.setToolTip("End early and keep what is done so far")
        self.stopButton.setVisible(bool(stop_text))
        self.cancelButton = QPushButton("Cancel")
        self.cancelButton.setToolTip("End now and discard the work")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._message = WrappedLabel()
        self._notices = Message("notice")
        self._error = ErrorMessage()
        buttons = QHBoxLayout()
        buttons.addWidget(self.runButton, 1)
        buttons.addWidget(self.stopButton)
        buttons.addWidget(self.cancelButton)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        for widget in (self._bar, self._message, self._notices, self._error):
            layout.addWidget(widget)

    def _connect(self) -> None:
        self.runButton.clicked.connect(self.run)
        self.stopButton.clicked.connect(self.stop)
        self.cancelButton.clicked.connect(self.cancel)
        self._runner.progressed.connect(self._on_runner_progressed)
        self._runner.finished.connect(self._on_runner_finished)
        self._runner.failed.connect(self._on_runner_failed)
        self._runner.cancelled.connect(self._on_runner_cancelled)
        self._runner.ended.connect(self._on_runner_ended)

    def _set_state(self, state: RunState) -> None:
        self._state = state
        is_idle, is_cancelling = state is RunState.IDLE, state is RunState.CANCELLING
        self.runButton.setEnabled(is_idle and self._can_run)
        self.stopButton.setEnabled(state is RunState.RUNNING)
        self.cancelButton.setEnabled(not is_idle and not is_cancelling)
        self._bar.setVisible(not is_idle)
        if is_cancelling:
            self._bar.setRange(0, 0)
        if not is_idle:
            self._say(None)

    def _say(self, remaining_s: float | None) -> None:
        match self._state:
            case RunState.CANCELLING:
                self.setMessage("Cancelling…")
            case RunState.STOPPING:
                self.setMessage("Stopping…")
            case _ if remaining_s is None:
                self.setMessage(f"{self._words}…")
            case _:
                # "0.3 s left" changes faster than it can be read.
                self.setMessage(f"{self._words} · {duration(max(remaining_s, 1.0))} left")

    def _on_runner_progressed(self, events: tuple[Progress, ...]) -> None:
        # All of them, though only the last one's fraction is shown: notices must not be lost.
        for event in events:
            if isinstance(event, Notice):
                self.showNotice(event.message)
            elif event.message:
                self._words = event.message[0].upper() + event.message[1:]
        fraction = events[-1].fraction
        if fraction > 0:
            self._bar.setRange(0, _STEPS)
            self._bar.setValue(round(fraction * _STEPS))
        self._say(self._stopwatch.remaining_s(fraction))
        self.progressed.emit(events)

    def _on_runner_finished(self, result: object) -> None:
        # Before `finished`, whose slots may put better words in its place.
        verb = "Stopped" if self._state is RunState.STOPPING else "Done"
        self.setMessage(f"{verb} after {duration(self._stopwatch.elapsed_s)}.")
        self.finished.emit(result)

    def _on_runner_failed(self, error: BaseException, details: str) -> None:
        self.setMessage("")
        self.showError(error, details)
        self.failed.emit(error)

    def _on_runner_cancelled(self) -> None:
        self.setMessage("Cancelled; nothing was kept.")
        self.cancelled.emit()

    def _on_runner_ended(self) -> None:
        # First the buttons, so that a slot of `ended` can start the next run.
        self._set_state(RunState.IDLE)
        self.ended.emit()


def duration(seconds: float) -> str:
    """The time in the units that matter: "0.3 s", "4 s", "1 min 20 s", "2 h 5 min"."""
    # From here on it would be rounded to "1.0 s".
    if seconds < 0.95:
        return f"{max(seconds, 0.1):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
