"""Jobs: run to the end, stopped with what they have, or cancelled without a trace."""

import threading

import pytest

from napari_denoise.core.progress import Progress, Request, Stopwatch, nested, run, run_all


def count(n, log):
    done = 0
    try:
        for done in range(1, n + 1):
            request = yield Progress(fraction=done / n, message=f"{done}")
            if request is Request.STOP:
                break
        return done
    finally:
        log.append("closed")


def test_a_job_returns_its_result_and_reports_on_the_way():
    log, seen = [], []
    assert run(count(4, log), seen.append) == 4
    assert [event.fraction for event in seen] == [0.25, 0.5, 0.75, 1.0]
    assert log == ["closed"]


def test_a_stopped_job_returns_what_it_has():
    log = []
    assert run(count(9, log), lambda e: Request.STOP if e.message == "3" else None) == 3


def test_a_job_is_closed_when_its_watcher_fails():
    log = []

    def fail(event):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(count(3, log), fail)
    assert log == ["closed"]


def test_a_nested_job_fills_its_part_of_the_whole_and_can_be_stopped():
    log, seen = [], []

    def outer():
        first = yield from nested(count(2, log), 0.0, 0.5, "first")
        second = yield from nested(count(9, log), 0.5, 1.0)
        return first, second

    def watch(event):
        seen.append(event.fraction)
        return Request.STOP if len(seen) == 3 else None

    assert run(outer(), watch) == (2, 1)
    assert seen == pytest.approx([0.25, 0.5, 0.5 + 0.5 / 9])


def test_closing_the_outer_job_closes_the_inner_one():
    log = []
    job = nested(count(3, log), 0, 1)
    next(job)
    job.close()
    assert log == ["closed"]


def test_a_nested_job_speaks_for_itself_or_else_by_its_part():
    def silent():
        yield Progress(fraction=0.5)

    assert next(nested(silent(), 0, 1, "part")).message == "part"
    assert next(nested(count(2, []), 0, 1, "part")).message == "1"


@pytest.mark.parametrize("n_threads", [1, 3])
def test_results_of_several_jobs_come_in_order(n_threads):
    log, results, seen = [], [], []
    jobs = (count(n, log) for n in (9, 2, 5, 1))
    run(run_all(jobs, results.append, n_jobs=4, n_threads=n_threads, noun="job"), seen.append)
    assert results == [9, 2, 5, 1]
    assert log == ["closed"] * 4
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert seen[-1] == Progress(fraction=1.0, message="job 4 of 4")


def test_one_more_job_is_taken_than_there_are_threads():
    taken, hold = [], threading.Event()

    def wait():
        hold.wait(10)
        yield Progress(fraction=1.0)

    jobs = (taken.append(i) or wait() for i in range(9))
    whole = run_all(jobs, print, n_jobs=9, n_threads=2)
    next(whole)
    assert taken == [0, 1, 2]
    hold.set()
    whole.close()


def test_closing_ends_the_jobs_in_all_threads():
    log = []
    whole = run_all((count(10**9, log) for _ in range(5)), print, n_jobs=5, n_threads=2)
    next(whole)
    whole.close()
    assert log == ["closed"] * 2


def test_an_error_in_a_thread_reaches_the_caller():
    def fail():
        yield Progress(fraction=0.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(run_all((fail() for _ in range(3)), print, n_jobs=3, n_threads=2))


def test_time_left_is_told_once_enough_is_done():
    now = [0.0]
    watch = Stopwatch(lambda: now[0])
    assert watch.remaining_s(0.0) is None
    now[0] = 0.4
    assert watch.remaining_s(0.5) is None
    now[0] = 10.0
    assert watch.remaining_s(0.001) is None
    assert watch.remaining_s(0.25) == pytest.approx(30.0)
    assert watch.remaining_s(1.0) == 0.0


def test_what_was_done_before_a_job_does_not_make_it_look_fast():
    now = [0.0]
    watch = Stopwatch(lambda: now[0])
    assert watch.remaining_s(0.5) is None
    now[0] = 10.0
    assert watch.remaining_s(0.6) == pytest.approx(40.0)
