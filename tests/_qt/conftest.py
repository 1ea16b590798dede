"""What the tests of the generic widgets share."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from qtpy.QtCore import QObject

from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.progress import Job, Progress, Request


class Recorder(QObject):
    """Writes down, in order, what a runner or a run bar emits, and in which thread."""

    def __init__(self, source: QObject) -> None:
        super().__init__()
        self.names: list[str] = []
        self.events: list[Progress] = []
        self.results: list[object] = []
        self.errors: list[BaseException] = []
        self.threads: set[int] = set()
        source.progressed.connect(self._on_progressed)
        source.finished.connect(self._on_finished)
        source.failed.connect(self._on_failed)
        source.cancelled.connect(lambda: self._note("cancelled"))
        source.ended.connect(lambda: self._note("ended"))

    def _note(self, name: str) -> None:
        self.names.append(name)
        self.threads.add(threading.get_ident())

    def _on_progressed(self, events: tuple[Progress, ...]) -> None:
        self.events += events
        self._note("progressed")

    def _on_finished(self, result: object) -> None:
        self.results.append(result)
        self._note("finished")

    def _on_failed(self, error: BaseException) -> None:
        self.errors.append(error)
        self._note("failed")

    @property
    def outcome(self) -> list[str]:
        """All but the progress."""
        return [name for name in self.names if name != "progressed"]


class Endless:
    """A job that goes on until it is told otherwise, and says what was done to it."""

    def __init__(self) -> None:
        self.has_started = threading.Event()
        self.is_closed = False
        self.closing_thread = 0

    def __call__(self) -> Job[str]:
        step = 0
        try:
            while True:
                step += 1
                request = yield Progress(fraction=0.5, message=f"step {step}")
                self.has_started.set()
                if request is Request.STOP:
                    return "what there is"
                time.sleep(0.001)
        finally:
            self.is_closed = True
            self.closing_thread = threading.get_ident()


@pytest.fixture
def endless() -> Endless:
    return Endless()


@pytest.fixture
def runner(qtbot) -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.cancel()
    assert runner.wait(5000)


@pytest.fixture
def record() -> Callable[[QObject], Recorder]:
    return Recorder
