"""How long a training goes on, and how large its steps are on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from napari_denoise.learning.methods.base import TrainingMethod
from napari_denoise.learning.models.checkpoint import ScheduleRecord

__all__ = ["Ending", "Schedule"]

Ending = Literal["steps", "time", "plateau"]
"""What can bring a training to its end, other than the user."""

# Trade-off: each costs a forward pass on the validation batches, and is a point of the curve, and
# one to go back to after a divergence.
_N_VALIDATIONS = 50
"""How often, in a whole training, the validation loss is measured."""

# A plateau is noticed within a fifth of the patience.
_VALIDATIONS_PER_PATIENCE = 5
"""How often it is measured while one waits for it to fall."""

# On two images, two seeds each, 300 steps: 32.30 dB, and 32.24 without; 2 % and 10 % are as good.
# Another seed makes as much of a difference: it is there for images with wilder gradients.
_WARM_UP_SHARE = 0.05
_LONGEST_WARM_UP = 100
"""The first steps are smaller, as the optimiser knows little of the gradients yet."""

_COOLING_SHARE = 0.5
"""After a plateau the learning rate falls to zero over half as many steps as were done so far.

Over an eighth, the result was 0.3 dB worse.
"""


class Schedule:
    """One run of steps, which ends when its steps or its time are used up, or on a plateau.

    The learning rate follows the share of the budget that is used, so it falls to zero whichever
    ends the run. Without a time budget everything depends on the steps alone.

    Parameters
    ----------
    method : TrainingMethod
    record : ScheduleRecord, optional
        Of a run that is to go on.
    n_done : int
        The steps it has done.
    clock : callable
        Seconds; the time before the first step does not count.
    """

    def __init__(
        self,
        method: TrainingMethod,
        record: ScheduleRecord | None = None,
        *,
        n_done: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        kept = record or ScheduleRecord()
        self._method, self._clock = method, clock
        self._seconds, self._since = kept.seconds, clock()
        self._best_loss, self._best_step = kept.best_loss, kept.best_step
        self._cooling_from = kept.cooling_from
        self.fraction = 0.0
        """Share of the budget that is used, as of the last :meth:`advance`."""
        self.ending: Ending | None = None
        """Why the run is over; None while it is not."""
        self.advance(n_done)
        self._n_validations = self._n_validations_due()

    @property
    def is_done(self) -> bool:
        """Whether the budget is used up."""
        return self.ending is not None

    @property
    def n_steps(self) -> int:
        """Steps of the whole run, as far as can be told by now."""
        if self.is_done or self.fraction <= 0:
            return self._n_done if self.is_done else self._method.n_steps
        return min(self._method.n_steps, max(self._n_done + 1, round(self._n_done / self.fraction)))

    @property
    def pace(self) -> float:
        """Share of the full learning rate for the next step."""
        n_warm = min(_LONGEST_WARM_UP, self.n_steps * _WARM_UP_SHARE)
        # Along a line: along a cosine the result was no better (32.28 and 32.30 dB).
        return (1 - self.fraction) * min(1.0, (self._n_done + 1) / (n_warm + 1))

    @property
    def seconds(self) -> float:
        """Time spent on the run; only counted where there is a limit."""
        if not self._method.max_minutes:
            # So that what is stored depends on the steps alone.
            return self._seconds
        return self._seconds + self._clock() - self._since

    def advance(self, n_done: int) -> None:
        """Note how many steps have been done."""
        limit = self._method.max_minutes
        shares: dict[Ending, float] = {
            "steps": n_done / self._method.n_steps,
            "time": self.seconds / (60 * limit) if limit else 0.0,
        }
        if self._cooling_from:
            step, share = self._cooling_from
            # What is left of the budget is used up while it cools, so that the pace meets no step.
            n_cooling = max(1, round(step * _COOLING_SHARE))
            shares["plateau"] = share + (1 - share) * (n_done - step) / n_cooling
        largest = max(shares, key=lambda name: shares[name])
        self._n_done, self.fraction = n_done, min(1.0, shares[largest])
        self.ending = largest if shares[largest] >= 1 else None

    def validates_now(self) -> bool:
        """Whether the validation loss is to be measured now."""
        n_before, self._n_validations = self._n_validations, self._n_validations_due()
        patience = self._method.patience
        every = max(1, patience // _VALIDATIONS_PER_PATIENCE) if patience else 0
        return (
            self._n_done == 1
            or self.is_done
            or self._n_validations > n_before
            or (every > 0 and self._n_done % every == 0)
        )

    def note_loss(self, loss: float) -> None:
        """Note a validation loss; one that has not fallen for long begins the end of the run."""
        if self._best_loss is None or loss < self._best_loss:
            self._best_loss, self._best_step = loss, self._n_done
        patience = self._method.patience
        has_waited = patience is not None and self._n_done - self._best_step >= patience
        if has_waited and self._cooling_from is None:
            self._cooling_from = (self._n_done, self.fraction)

    def ending_in_words(self) -> str:
        """Why the run is over, if not because its steps are done; else empty."""
        steps = f"{self._n_done:,} of {self._method.n_steps:,} steps"
        if self.ending == "time":
            minutes = f"{self._method.max_minutes:g} min"
            return f"The training ended after {steps}: its time of {minutes} was over."
        if self.ending == "plateau":
            return (
                f"The training ended after {steps}: the validation loss had not fallen for "
                f"{self._method.patience:,} steps."
            )
        return ""

    def _n_validations_due(self) -> int:
        # A little more, as 0.58 * 50 is less than 29.
        return int(self.fraction * _N_VALIDATIONS + 1e-9)

    def record(self) -> ScheduleRecord:
        """What a file needs to go on from here."""
        return ScheduleRecord(
            seconds=self.seconds,
            best_loss=self._best_loss,
            best_step=self._best_step,
            cooling_from=self._cooling_from,
        )
