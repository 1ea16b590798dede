import threading

import pytest
from qtpy.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton

from napari_denoise._qt.run_bar import RunBar, RunState, duration
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Notice, Progress


def quick():
    yield Progress(fraction=0.5, message="half way")
    return "the result"


def make_bar(qtbot, prepare, **options):
    bar = RunBar(prepare, **options)
    qtbot.addWidget(bar)
    bar.show()
    return bar


@pytest.fixture
def bar(qtbot, endless):
    bar = make_bar(qtbot, lambda: endless, run_text="Train", stop_text="Stop and keep")
    yield bar
    assert bar.shutdown(5000)


def button(bar, text):
    return next(b for b in bar.findChildren(QPushButton) if b.text() == text)


def enabled(bar):
    buttons = bar.findChildren(QPushButton)
    return {b.text() for b in buttons if b.isEnabled() and not b.isHidden() and b.isVisible()}


def shown(bar):
    """All words that can be read, save those on buttons."""
    return [w.text() for w in bar.findChildren(QLabel) if w.isVisible() and w.text()]


def run_to_end(qtbot, bar):
    with qtbot.waitSignal(bar.ended):
        bar.run()


def test_run_delivers_the_result_and_brings_the_button_back(qtbot, record):
    bar = make_bar(qtbot, lambda: quick)
    seen = record(bar)
    assert enabled(bar) == {"Run"}
    run_to_end(qtbot, bar)
    assert seen.results == ["the result"]
    assert seen.outcome == ["finished", "ended"]
    assert enabled(bar) == {"Run"}
    assert bar.message().startswith("Done after")
    assert bar.state is RunState.IDLE


def test_while_running_it_can_be_stopped_or_cancelled_but_not_run(qtbot, bar, endless):
    with qtbot.waitSignal(bar.started):
        button(bar, "Train").click()
    assert bar.message() == "Starting…"
    assert enabled(bar) == {"Stop and keep", "Cancel"}
    assert bar.findChild(QProgressBar).isVisible()
    qtbot.waitUntil(lambda: bar.message().startswith("Step "))
    assert bar.is_running
    bar.run()  # does nothing
    assert bar.is_running


def test_a_bar_without_stop_text_has_no_stop_button(qtbot):
    bar = make_bar(qtbot, lambda: quick)
    assert [b.text() for b in bar.findChildren(QPushButton) if b.isVisible()] == ["Run", "Cancel"]


def test_cancel_says_so_at_once(qtbot, bar, endless, record):
    seen = record(bar)
    bar.run()
    assert endless.has_started.wait(5)
    with qtbot.waitSignal(bar.ended):
        button(bar, "Cancel").click()
        assert bar.message() == "Cancelling…"
        assert bar.state is RunState.CANCELLING
        assert enabled(bar) == set()
    assert seen.outcome == ["cancelled", "ended"]
    assert bar.message() == "Cancelled; nothing was kept."
    assert enabled(bar) == {"Train"}


def test_stop_says_so_at_once_and_keeps_the_result(qtbot, bar, endless, record):
    seen = record(bar)
    bar.run()
    assert endless.has_started.wait(5)
    with qtbot.waitSignal(bar.ended):
        button(bar, "Stop and keep").click()
        assert bar.message() == "Stopping…"
        assert enabled(bar) == {"Cancel"}
    assert seen.results == ["what there is"]
    assert bar.message().startswith("Stopped after")


def test_a_job_that_stops_slowly_can_still_be_cancelled(qtbot, record):
    may_go_on = threading.Event()

    def stubborn():
        while True:
            yield Progress(fraction=0.1)
            may_go_on.wait(5)

    bar = make_bar(qtbot, lambda: stubborn, stop_text="Stop")
    seen = record(bar)
    bar.run()
    bar.stop()
    bar.cancel()
    may_go_on.set()
    qtbot.waitUntil(lambda: not bar.is_running)
    assert seen.outcome == ["cancelled", "ended"]


def test_stop_and_cancel_do_nothing_while_idle(bar):
    bar.stop()
    bar.cancel()
    assert bar.state is RunState.IDLE
    assert bar.message() == ""


def test_a_user_error_is_shown_as_its_sentence(qtbot, record):
    def job():
        yield Progress(fraction=0.0)
        raise InputError("The image is empty. Choose another.")

    bar = make_bar(qtbot, lambda: job)
    seen = record(bar)
    run_to_end(qtbot, bar)
    assert shown(bar) == ["The image is empty. Choose another."]
    assert seen.outcome == ["failed", "ended"]
    assert enabled(bar) == {"Run"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("CUDA out of memory"), "RuntimeError: CUDA out of memory"),
        (MemoryError(), "MemoryError: no message"),
    ],
    ids=["with message", "without"],
)
def test_an_unexpected_error_is_shown_with_its_type_and_details_to_copy(qtbot, error, words):
    def job():
        yield Progress(fraction=0.0)
        raise error

    bar = make_bar(qtbot, lambda: job)
    run_to_end(qtbot, bar)
    assert shown(bar) == [words]
    assert enabled(bar) == {"Run", "Copy details"}
    button(bar, "Copy details").click()
    assert "Traceback" in QApplication.clipboard().text()
    assert "in job" in QApplication.clipboard().text()


def test_an_error_in_the_preparation_is_shown_and_starts_nothing(qtbot, record):
    def prepare():
        raise SettingsError("sigma must be at least 0.")

    bar = make_bar(qtbot, prepare)
    seen = record(bar)
    bar.run()
    assert shown(bar) == ["sigma must be at least 0."]
    assert seen.outcome == ["failed"]
    assert not bar.is_running


def test_nothing_to_do_starts_nothing(qtbot, record):
    bar = make_bar(qtbot, lambda: None)
    seen = record(bar)
    bar.run()
    assert (seen.outcome, bar.is_running) == ([], False)


def test_the_next_run_forgets_the_last_ones_error_and_notices(qtbot):
    jobs = [quick]
    bar = make_bar(qtbot, jobs.pop)
    bar.showError(InputError("Old trouble."))
    bar.showNotice("Old news.")
    assert shown(bar) == ["Old news.", "Old trouble."]
    run_to_end(qtbot, bar)
    assert shown(bar) == [bar.message()]


def test_notices_are_shown_once_each_and_stay(qtbot):
    def job():
        yield Notice(fraction=0.0, message="No GPU; the CPU is used.")
        yield Notice(fraction=0.5, message="Tiles were halved.")
        yield Notice(fraction=0.6, message="No GPU; the CPU is used.")
        yield Progress(fraction=1.0)

    bar = make_bar(qtbot, lambda: job)
    run_to_end(qtbot, bar)
    assert "No GPU; the CPU is used.\nTiles were halved." in shown(bar)


def test_the_time_left_is_said_once_it_can_be_told(qtbot, monkeypatch):
    may_go_on, may_end, elapsed_s = threading.Event(), threading.Event(), [0.0]

    def job():
        yield Progress(fraction=0.0, message="starting")
        may_go_on.wait(10)
        yield Progress(fraction=0.25, message="step 1 of 4")
        may_end.wait(10)

    bar = make_bar(qtbot, lambda: job)
    watch = property(lambda _: elapsed_s[0])
    monkeypatch.setattr("napari_denoise.core.progress.Stopwatch.elapsed_s", watch)
    with qtbot.waitSignal(bar.progressed):
        bar.run()
    elapsed_s[0] = 10.0
    may_go_on.set()
    qtbot.waitUntil(lambda: bar.message() == "Step 1 of 4 · 30 s left")
    progress = bar.findChild(QProgressBar)
    assert progress.value() / progress.maximum() == 0.25
    with qtbot.waitSignal(bar.ended):
        may_end.set()
    assert bar.message() == "Done after 10 s."


def test_a_long_file_name_does_not_make_the_bar_wider(qtbot):
    bar = make_bar(qtbot, lambda: None)
    before = bar.minimumSizeHint().width()
    name = "a_very_long_name_without_any_space_in_it" * 5
    bar.setMessage(name)
    bar.showError(InputError(name))
    assert bar.minimumSizeHint().width() == before
    assert shown(bar) == [name, name]


def test_run_can_be_disabled_with_a_reason(bar):
    bar.setRunEnabled(False, "Choose a layer first.")
    assert enabled(bar) == set()
    assert button(bar, "Train").toolTip() == "Choose a layer first."
    bar.setRunEnabled(True)
    assert enabled(bar) == {"Train"}


def test_shutdown_cancels_and_waits(qtbot, bar, endless, record):
    seen = record(bar)
    bar.run()
    assert endless.has_started.wait(5)
    assert bar.shutdown()
    assert endless.is_closed
    assert seen.outcome == ["cancelled", "ended"]
    assert bar.shutdown()  # a second time does no harm


def test_a_bar_that_is_destroyed_ends_its_job(qtbot, endless):
    bar = RunBar(lambda: endless)
    bar.run()
    assert endless.has_started.wait(5)
    bar.deleteLater()
    qtbot.waitUntil(lambda: endless.is_closed)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.1 s"),
        (0.52, "0.5 s"),
        (0.97, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (80, "1 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_are_given_in_units_that_matter(seconds, words):
    assert duration(seconds) == words
