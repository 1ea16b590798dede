import gc
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from qtpy.QtCore import QCoreApplication, QObject

from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Notice, Progress, Request, nested


def counting(n=3):
    for index in range(n):
        yield Progress(fraction=(index + 1) / n, message=f"part {index + 1}")
    return n


def failing(error):
    def job():
        yield Progress(fraction=0.5)
        raise error

    return job


def run_to_end(qtbot, runner, make_job):
    with qtbot.waitSignal(runner.ended, timeout=10_000):
        runner.start(make_job)


def test_a_job_emits_progress_then_finished_then_ended_in_the_gui_thread(qtbot, runner, record):
    seen = record(runner)
    run_to_end(qtbot, runner, counting)
    assert seen.outcome == ["finished", "ended"]
    assert seen.results == [3]
    assert seen.events[-1] == Progress(fraction=1.0, message="part 3")
    assert seen.threads == {threading.get_ident()}


def test_the_job_is_made_and_run_in_one_other_thread(qtbot, runner, record):
    threads = []

    def make_job():
        threads.append(threading.get_ident())

        def job():
            threads.append(threading.get_ident())
            yield Progress(fraction=1.0)

        return job()

    run_to_end(qtbot, runner, make_job)
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


def test_every_event_of_a_special_kind_arrives_in_order(qtbot, runner, record):
    class Loss(Progress):
        pass

    def job():
        for index in range(20_000):
            yield Loss(fraction=index / 20_000)
            yield Progress(fraction=index / 20_000)

    seen = record(runner)
    run_to_end(qtbot, runner, job)
    fractions = [event.fraction for event in seen.events if isinstance(event, Loss)]
    assert fractions == [index / 20_000 for index in range(20_000)]


def test_plain_progress_is_merged_but_keeps_the_last_words(qtbot, runner, record):
    def job():
        yield Progress(fraction=0.1, message="the only words")
        for index in range(50_000):
            yield Progress(fraction=index / 50_000)

    seen = record(runner)
    run_to_end(qtbot, runner, job)
    assert len(seen.events) < 1000
    assert all(event.message in ("the only words", "") for event in seen.events)
    assert seen.events[0].message == "the only words"
    assert seen.events[-1].fraction == 49_999 / 50_000


def test_the_gui_is_not_flooded(qtbot, runner, record):
    seen = record(runner)
    run_to_end(qtbot, runner, lambda: (Notice(fraction=0.0) for _ in range(100_000)))
    assert len(seen.events) == 100_000
    assert seen.names.count("progressed") < 1000


@pytest.mark.parametrize(
    ("error", "arrives_as"),
    [
        (RuntimeError("CUDA out of memory"), RuntimeError),
        (MemoryError("too large"), MemoryError),
        (InputError("no pixels"), InputError),
        (KeyError("k"), KeyError),
        (SystemExit(3), SystemExit),
        (GeneratorExit(), GeneratorExit),
        # Python's own doing, within any generator.
        (StopIteration("by mistake"), RuntimeError),
    ],
    ids=lambda error: type(error).__name__ if isinstance(error, BaseException) else "",
)
def test_whatever_a_job_raises_is_reported(qtbot, runner, record, error, arrives_as):
    seen = record(runner)
    run_to_end(qtbot, runner, failing(error))
    assert seen.outcome == ["failed", "ended"]
    assert type(seen.errors[0]) is arrives_as
    assert not runner.is_running


def test_a_slot_that_raises_does_not_keep_the_end_from_coming(qtbot, runner, record):
    seen = record(runner)
    runner.finished.connect(lambda _: {}["no such key"])
    with qtbot.captureExceptions() as exceptions:
        run_to_end(qtbot, runner, counting)
    assert [kind for kind, *_ in exceptions] == [KeyError]
    assert seen.outcome == ["finished", "ended"]
    assert not runner.is_running


def test_an_error_while_the_job_is_made_is_reported(qtbot, runner, record):
    def make_job():
        raise ImportError("no torch here")

    seen = record(runner)
    run_to_end(qtbot, runner, make_job)
    assert [str(error) for error in seen.errors] == ["no torch here"]


def test_what_is_no_job_is_reported(qtbot, runner, record):
    seen = record(runner)
    run_to_end(qtbot, runner, lambda: 5)
    assert seen.outcome == ["failed", "ended"]


def test_the_traceback_arrives_as_text_with_its_causes(qtbot, runner):
    def job():
        yield Progress(fraction=0.0)
        raise ValueError("the effect") from KeyError("the cause")

    details = []
    runner.failed.connect(lambda _, text: details.append(text))
    run_to_end(qtbot, runner, job)
    assert "the cause" in details[0]
    assert "the effect" in details[0]
    assert "in job" in details[0]


def test_stop_ends_the_job_with_what_it_has(qtbot, runner, record, endless):
    seen = record(runner)
    with qtbot.waitSignal(runner.ended):
        runner.start(endless)
        assert endless.has_started.wait(5)
        runner.stop()
    assert seen.outcome == ["finished", "ended"]
    assert seen.results == ["what there is"]


def test_stop_reaches_a_job_that_does_not_listen_at_first(qtbot, runner, record):
    may_go_on = threading.Event()

    def job():
        yield Progress(fraction=0.0, message="loading")
        may_go_on.wait(5)
        yield Progress(fraction=0.1, message="loaded")
        request = yield Progress(fraction=0.2)
        return request

    seen = record(runner)
    with qtbot.waitSignal(runner.ended):
        runner.start(job)
        runner.stop()
        may_go_on.set()
    assert seen.results == [Request.STOP]


def test_stop_reaches_a_nested_job(qtbot, runner, record, endless):
    def job():
        return (yield from nested(endless(), 0.0, 0.5))

    seen = record(runner)
    with qtbot.waitSignal(runner.ended):
        runner.start(job)
        assert endless.has_started.wait(5)
        runner.stop()
    assert seen.results == ["what there is"]


def test_cancel_closes_the_job_in_its_own_thread(qtbot, runner, record, endless):
    seen = record(runner)
    with qtbot.waitSignal(runner.ended):
        runner.start(endless)
        assert endless.has_started.wait(5)
        runner.cancel()
        runner.cancel()
    assert seen.outcome == ["cancelled", "ended"]
    assert endless.is_closed
    assert endless.closing_thread != threading.get_ident()


def test_no_progress_arrives_after_cancel(qtbot, runner, record, endless):
    seen = record(runner)
    with qtbot.waitSignal(runner.ended):
        runner.start(endless)
        assert endless.has_started.wait(5)
        runner.cancel()
        n_before = len(seen.events)
    assert len(seen.events) == n_before


def test_cancel_while_the_job_is_being_made_never_starts_it(qtbot, runner, record, endless):
    may_go_on = threading.Event()

    def make_job():
        may_go_on.wait(5)
        return endless()

    seen = record(runner)
    with qtbot.waitSignal(runner.ended):
        runner.start(make_job)
        runner.cancel()
        may_go_on.set()
    assert seen.outcome == ["cancelled", "ended"]
    assert not endless.has_started.is_set()


def test_cancel_wins_over_a_result_that_comes_too_late(qtbot, runner, record):
    may_go_on = threading.Event()

    def job():
        yield Progress(fraction=0.0)
        may_go_on.wait(5)
        return "too late"

    seen = record(runner)
    with qtbot.waitSignal(runner.ended):
        runner.start(job)
        runner.cancel()
        may_go_on.set()
    assert seen.outcome == ["cancelled", "ended"]


def test_cancel_wins_over_a_result_that_waits_for_delivery(runner, record):
    seen = record(runner)
    runner.start(counting)
    runner._runs[0].thread.join()
    runner.cancel()
    assert runner.wait(0)
    assert seen.outcome == ["cancelled", "ended"]


def test_a_job_that_refuses_to_be_closed_is_reported(qtbot, runner, record):
    has_started = threading.Event()

    def job():
        try:
            while True:
                yield Progress(fraction=0.0)
                has_started.set()
        finally:
            yield Progress(fraction=1.0)

    seen = record(runner)
    with qtbot.waitSignal(runner.ended):
        runner.start(job)
        assert has_started.wait(5)
        runner.cancel()
    assert seen.outcome == ["failed", "ended"]
    assert "ignored GeneratorExit" in str(seen.errors[0])


def test_stop_and_cancel_without_a_job_do_nothing(qtbot, runner, record):
    seen = record(runner)
    runner.stop()
    runner.cancel()
    assert runner.wait(10)
    assert seen.names == []
    run_to_end(qtbot, runner, counting)
    assert seen.results == [3]


def test_start_while_running_is_refused(qtbot, runner, endless):
    runner.start(endless)
    with pytest.raises(RuntimeError, match="running already"):
        runner.start(counting)
    with qtbot.waitSignal(runner.ended):
        runner.cancel()


def test_a_next_job_may_start_when_the_last_has_ended(qtbot, runner, record):
    seen = record(runner)
    jobs = [lambda: counting(5), counting]
    runner.ended.connect(lambda: jobs and runner.start(jobs.pop()))
    runner.start(lambda: counting(1))
    qtbot.waitUntil(lambda: seen.names.count("ended") == 3)
    assert seen.results == [1, 3, 5]


def test_it_counts_as_running_until_it_has_ended(qtbot, runner):
    states = []
    runner.finished.connect(lambda _: states.append(runner.is_running))
    runner.ended.connect(lambda: states.append(runner.is_running))
    run_to_end(qtbot, runner, counting)
    assert states == [True, False]


def test_wait_delivers_the_last_signals(runner, record):
    seen = record(runner)
    runner.start(counting)
    assert runner.wait(5000)
    assert seen.names == ["progressed", "finished", "ended"]


def test_wait_gives_up_in_time(qtbot, runner, endless):
    runner.start(endless)
    assert not runner.wait(20)
    assert runner.is_running


def test_a_slot_may_cancel_and_wait(qtbot, runner, record, endless):
    seen = record(runner)

    def on_progressed(_):
        runner.cancel()
        runner.wait(5000)

    runner.progressed.connect(on_progressed)
    run_to_end(qtbot, runner, endless)
    assert seen.outcome == ["cancelled", "ended"]


def test_no_thread_is_left_once_it_has_ended(qtbot, runner, endless):
    before = threading.active_count()
    threads = []
    runner.ended.connect(lambda: threads.append(threading.active_count()))
    with qtbot.waitSignal(runner.ended):
        runner.start(endless)
        runner.stop()
    assert threads == [before]


@pytest.mark.parametrize("how", ["finish", "fail", "cancel"])
def test_memory_is_free_once_it_has_ended(qtbot, runner, how):
    arrays = []
    has_started = threading.Event()

    def make_job():
        captured = np.zeros(1000)
        arrays.append(weakref.ref(captured))

        def job():
            local = captured + 1
            arrays.append(weakref.ref(local))
            yield Progress(fraction=0.1)
            has_started.set()
            if how == "finish":
                return local
            if how == "fail":
                try:
                    {"nothing": local}["this"]
                except KeyError as error:
                    raise RuntimeError("out of memory") from error
            while True:
                yield Progress(fraction=0.2)

        return job()

    gc.disable()  # reference counts alone must suffice
    try:
        with qtbot.waitSignal(runner.ended):
            runner.start(make_job)
            assert has_started.wait(5)
            if how == "cancel":
                runner.cancel()
        assert len(arrays) == 2
        assert [array() for array in arrays] == [None, None]
    finally:
        gc.enable()


def test_an_exception_that_is_kept_keeps_no_arrays(qtbot, runner, record):
    arrays = []

    def job():
        local = np.zeros(1000)
        arrays.append(weakref.ref(local))
        yield Progress(fraction=0.1)
        raise RuntimeError("out of memory")

    seen = record(runner)
    run_to_end(qtbot, runner, job)
    assert seen.errors[0].__traceback__ is None
    gc.collect()
    assert arrays[0]() is None


def test_destroying_the_owner_cancels_the_job(qtbot, endless):
    owner = QObject()
    runner = JobRunner(owner)
    runner.start(endless)
    assert endless.has_started.wait(5)
    owner.deleteLater()
    qtbot.waitUntil(lambda: endless.is_closed)


def test_a_runner_that_is_garbage_collected_cancels_its_job(qtbot, endless):
    runner = JobRunner()
    runner.start(endless)
    assert endless.has_started.wait(5)
    del runner
    gc.collect()
    qtbot.waitUntil(lambda: endless.is_closed)


def test_a_runner_may_be_destroyed_after_its_python_side_is_gone(qtbot, endless):
    owner = QObject()
    owner.cycle = owner
    owner.runner = JobRunner(owner)
    owner.runner.start(endless)
    assert endless.has_started.wait(5)
    owner.deleteLater()  # leaves the C++ side to the event loop
    del owner
    gc.collect()
    qtbot.waitUntil(lambda: endless.is_closed)


def test_a_quitting_application_cancels_the_job(qtbot, runner, endless):
    runner.start(endless)
    assert endless.has_started.wait(5)
    QCoreApplication.instance().aboutToQuit.emit()
    assert endless.is_closed


@pytest.mark.parametrize(
    "ending", ["", "app.quit()", "QTimer.singleShot(50, app.quit); app.exec()"]
)
def test_the_interpreter_exits_cleanly_while_a_job_runs(ending):
    program = f"""
from qtpy.QtCore import QCoreApplication, QTimer
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.progress import Progress
def job():
    try:
        while True:
            yield Progress(fraction=0.0)
    finally:
        print("closed", flush=True)
app = QCoreApplication([])
runner = JobRunner()
runner.start(job)
{ending}
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")
