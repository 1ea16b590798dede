"""How long after a click on Stop or Cancel everything is idle again, and how smooth the GUI stays.

Run with ``python benchmarks/stop_latency.py``; needs no display. Each row is one kind of job:
the time from the request to the runner's last signal (its thread gone, its memory free), over
several repeats at random moments, and how long the event loop was held up while the job ran.
The goal is less than 300 ms to idle.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.progress import Job, Progress, Request
from napari_denoise.filters import Gaussian, Median

GOAL_MS = 300
TICK_MS = 5


@dataclass
class Latencies:
    """Milliseconds from request to idle, and by how much ticks of the event loop were late."""

    to_idle: list[float] = field(default_factory=list)
    held_up: list[float] = field(default_factory=list)


def quick_steps() -> Job[str]:
    """Many small steps, as of a small network."""
    while (yield Progress(fraction=0.5, message="step")) is not Request.STOP:
        time.sleep(0.002)
    return "kept"


def python_only() -> Job[str]:
    """Work that never lets go of the interpreter of its own accord."""
    total = 0
    while (yield Progress(fraction=0.5, message="step")) is not Request.STOP:
        total += sum(range(200_000))
    return "kept"


def filtering(denoiser) -> Callable[[], Job]:
    """A classical filter on a stack far too large to finish."""
    image = np.random.default_rng(0).poisson(20, (200, 1024, 1024)).astype(np.float32)
    return lambda: denoise_job(denoiser, image, Layout("ZYX", spatial="YX"))


def measure(
    make_job: Callable[[], Job], act: Callable[[RunBar], None], n_repeats: int
) -> Latencies:
    """Run the job `n_repeats` times and `act` on it after a random while."""
    latencies = Latencies()
    moments = np.random.default_rng(0).uniform(0.2, 0.5, n_repeats)
    for after_s in moments:
        bar = RunBar(lambda: make_job, stop_text="Stop")
        _one_run(bar, act, after_s, latencies)
        bar.deleteLater()
    return latencies


def _one_run(bar: RunBar, act: Callable[[RunBar], None], after_s: float, into: Latencies) -> None:
    loop, ticker = QEventLoop(), QTimer()
    moments = {"tick": time.perf_counter(), "request": 0.0}

    def on_tick() -> None:
        now = time.perf_counter()
        into.held_up.append(1000 * (now - moments["tick"]) - TICK_MS)
        moments["tick"] = now

    def request() -> None:
        moments["request"] = time.perf_counter()
        act(bar)

    def on_ended() -> None:
        into.to_idle.append(1000 * (time.perf_counter() - moments["request"]))
        loop.quit()

    ticker.timeout.connect(on_tick)
    bar.ended.connect(on_ended)
    bar.show()
    bar.run()
    ticker.start(TICK_MS)
    QTimer.singleShot(round(1000 * after_s), request)
    loop.exec()
    ticker.stop()


def report(name: str, latencies: Latencies) -> None:
    """Print one row."""
    idle, held = latencies.to_idle, sorted(latencies.held_up)
    verdict = "ok" if max(idle) < GOAL_MS else "TOO SLOW"
    print(
        f"{name:32} {statistics.median(idle):8.1f} {max(idle):8.1f}   "
        f"{held[int(0.99 * len(held))]:8.1f} {held[-1]:8.1f}   {verdict}"
    )


def main() -> None:
    """Measure all kinds of jobs and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    application = QApplication.instance() or QApplication([])
    print(f"{'':32} {'to idle, ms':>17}   {'GUI held up, ms':>17}")
    print(f"{'':32} {'median':>8} {'max':>8}   {'p99':>8} {'max':>8}")
    jobs = {
        "quick steps": quick_steps,
        "pure Python": python_only,
        "Gaussian filter": filtering(Gaussian(sigma=2.0)),
        "median filter, 7 pixels": filtering(Median(size=7)),
    }
    for name, make_job in jobs.items():
        report(f"{name}: cancel", measure(make_job, RunBar.cancel, repeats))
    for name in ("quick steps", "pure Python"):
        report(f"{name}: stop", measure(jobs[name], RunBar.stop, repeats))
    application.processEvents()


if __name__ == "__main__":
    main()
