"""On how many threads a training computes: all of torch's, unless they are far slower than one.

The numbers of a training depend, in their last bits, on how many threads add them up. So the rule
leaves the number alone as long as it can: the same seed then gives the same bytes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Self

import torch
from torch.nn import functional as F  # noqa: N812  # torch's own custom

__all__ = ["ThreadWatch", "slowdown"]

# The threads of a layer wait for one another, spinning. Where another program takes one of their
# cores, the rest spin until the scheduler brings it back, layer by layer. 80 steps of a small
# Noise2Void network on two cores, in turn with one thread: 0.7 of its time when idle, 3 times
# beside one busy loop, 20 to 70 times beside another program that spins too. Threads that sleep
# instead (OMP_WAIT_POLICY=passive, GOMP_SPINCOUNT=1000) are no way out: being woken takes as long
# as the layers of a training do, so they were slower than one thread even on idle cores.
_TOO_SLOW = 1.2
"""Times one thread's time. Two idle cores take 0.6."""

_SLOW_STEP = 2.0
"""Times the fastest step's time: worth a trial."""

_N_AGREEING = 3
"""By so many the trials for a change must outnumber those against it, so that no hiccup changes the
bytes of a result."""

_INTERVAL_S = 0.1
_CALM_INTERVAL_S = 3.0
"""Between trials, while they speak for a change, and else: beside programs that spin, one can take
0.2 s."""

_TRIAL_S = 0.1
"""A trial ends here; it takes 10 ms where all is well."""


class ThreadWatch:
    """Lets a training go on with one thread while several keep each other waiting.

    A context: in the end torch has the number of threads back that it had.

    Parameters
    ----------
    device : torch.device
        Nothing is done but for the CPU, nor where ``OMP_NUM_THREADS`` says what is wanted.
    clock : callable
        Seconds.
    """

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.monotonic) -> None:
        self._n = torch.get_num_threads()
        is_given = "OMP_NUM_THREADS" in os.environ
        self._is_watching = device.type == "cpu" and self._n > 1 and not is_given
        self._clock, self._last_step = clock, clock()
        self._is_alone, self._is_first = False, True
        self._n_in_favour, self._fastest_s = 0, float("inf")
        self._next_trial = clock()

    def look(self) -> str:
        """Choose the number of threads for the next step; to be called after each one.

        Returns
        -------
        str
            What has changed, in words; mostly empty.
        """
        now = self._clock()
        seconds, self._last_step = now - self._last_step, now
        is_slow = seconds > _SLOW_STEP * self._fastest_s
        self._fastest_s = min(self._fastest_s, seconds)
        is_suspicious = self._is_alone or is_slow or self._n_in_favour or self._is_first
        if not self._is_watching or not is_suspicious or now < self._next_trial:
            return ""
        self._try_out()
        self._last_step = self._clock()
        self._next_trial = self._last_step + (
            _INTERVAL_S if self._n_in_favour else _CALM_INTERVAL_S
        )
        return self._change() if self._n_in_favour == _N_AGREEING else ""

    def _try_out(self) -> None:
        ratio = slowdown(self._n)
        torch.set_num_threads(1 if self._is_alone else self._n)
        is_in_favour = ratio < 1 if self._is_alone else ratio > _TOO_SLOW
        self._n_in_favour = max(self._n_in_favour + (1 if is_in_favour else -1), 0)
        self._is_first = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_alone:
            torch.set_num_threads(self._n)

    def _change(self) -> str:
        self._is_alone = not self._is_alone
        self._n_in_favour, self._fastest_s = 0, float("inf")
        torch.set_num_threads(1 if self._is_alone else self._n)
        if not self._is_alone:
            return f"The processor is free again; going on with {self._n} threads."
        return (
            "Other programs keep the processor busy; going on with one thread, which is faster. "
            "The last digits of the result depend on it."
        )


def slowdown(n_threads: int) -> float:
    """How long small convolutions take on so many threads, in units of what one thread takes.

    Parameters
    ----------
    n_threads : int
        What torch is left with.
    """
    planes, kernel = torch.zeros(2, 16, 64, 64), torch.zeros(16, 16, 3, 3)
    planes = planes.contiguous(memory_format=torch.channels_last)
    seconds = {1: 0.0, n_threads: 0.0}
    # In turn, so that what lasts but a moment meets both; each a few layers long, for the time
    # it takes until threads that slept are there is not what a training sees.
    for _ in range(4):
        for n in seconds:
            torch.set_num_threads(n)
            start = time.perf_counter()
            for _ in range(8):
                F.conv2d(planes, kernel, padding=1)
            seconds[n] += time.perf_counter() - start
        if sum(seconds.values()) > _TRIAL_S:
            break
    return seconds[n_threads] / seconds[1]
