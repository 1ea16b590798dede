"""How long a training goes on: by steps, by time, or until nothing is gained any more."""

import pytest

from napari_denoise.learning.methods import N2V
from napari_denoise.learning.training.schedule import Schedule


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def go(schedule, n_steps, *, clock=None, seconds=0.0, loss=lambda step: 1.0):
    """Take steps until the end; returns the paces and the steps that were measured."""
    paces, marks = [], []
    for step in range(1, n_steps + 1):
        paces.append(schedule.pace)
        if clock:
            clock.now += seconds
        schedule.advance(step)
        if schedule.validates_now():
            marks.append(step)
            schedule.note_loss(loss(step))
        if schedule.is_done:
            break
    return paces, marks


def test_the_learning_rate_warms_up_and_falls_to_zero():
    schedule = Schedule(N2V(n_steps=400))
    paces, marks = go(schedule, 1000)
    assert len(paces) == 400
    assert schedule.ending == "steps"
    top = paces.index(max(paces))
    assert 10 <= top <= 40
    assert paces[:top] == sorted(paces[:top])
    assert paces[top:] == sorted(paces[top:], reverse=True)
    assert paces[0] < 0.06
    assert max(paces) > 0.9
    assert paces[-1] == pytest.approx(1 / 400)
    assert len(marks) == 51
    assert marks[-1] == 400


def test_a_time_budget_ends_the_training_with_a_learning_rate_of_zero():
    clock = Clock()
    schedule = Schedule(N2V(n_steps=100_000, max_minutes=10), clock=clock)
    paces, marks = go(schedule, 100_000, clock=clock, seconds=0.5)
    assert schedule.ending == "time"
    assert len(paces) == 1200
    assert paces[-1] == pytest.approx(1 / 1200)
    assert 10 <= paces.index(max(paces)) <= 70  # warmed up in time, though 100,000 steps are far
    assert len(marks) == 51
    assert schedule.n_steps == 1200
    assert "1,200 of 100,000 steps: its time of 10 min was over" in schedule.ending_in_words()


def test_steps_end_a_training_that_has_time_left():
    clock = Clock()
    schedule = Schedule(N2V(n_steps=100, max_minutes=10), clock=clock)
    go(schedule, 1000, clock=clock, seconds=0.1)
    assert schedule.ending == "steps"
    assert schedule.ending_in_words() == ""


def test_the_number_of_steps_is_foreseen_from_the_time_they_take():
    clock = Clock()
    schedule = Schedule(N2V(n_steps=100_000, max_minutes=10), clock=clock)
    go(schedule, 300, clock=clock, seconds=0.5)
    assert schedule.n_steps == 1200
    assert schedule.fraction == pytest.approx(0.25)


def test_a_plateau_lets_the_learning_rate_fall_and_then_ends_the_training():
    schedule = Schedule(N2V(n_steps=100_000, patience=200))
    paces, marks = go(schedule, 100_000, loss=lambda step: max(1.0, 3.0 - step / 400))
    assert schedule.ending == "plateau"
    assert 1400 <= len(paces) <= 1600
    assert paces[-1] < 0.02
    assert max(paces) > 0.95
    assert len(marks) > 20
    assert "had not fallen for 200 steps" in schedule.ending_in_words()


def test_a_loss_that_goes_on_falling_is_left_alone():
    schedule = Schedule(N2V(n_steps=2000, patience=50))
    go(schedule, 10_000, loss=lambda step: 1 / step)
    assert schedule.ending == "steps"


def test_an_interrupted_schedule_goes_on_as_if_nothing_had_happened():
    method = N2V(n_steps=1000, patience=300)

    def loss(step):
        return max(1.0, 2.0 - step / 200)

    whole = Schedule(method)
    expected, _ = go(whole, 10_000, loss=loss)
    for n_first in (150, 350, 540):
        first = Schedule(method)
        paces, _ = go(first, n_first, loss=loss)
        second = Schedule(method, first.record(), n_done=n_first)
        while not second.is_done:
            paces.append(second.pace)
            second.advance(len(paces))
            if second.validates_now():
                second.note_loss(loss(len(paces)))
        assert paces == expected


def test_time_spent_before_an_interruption_counts():
    clock = Clock()
    first = Schedule(N2V(n_steps=10_000, max_minutes=10), clock=clock)
    go(first, 600, clock=clock, seconds=0.5)
    record = first.record()
    clock.now += 3600
    second = Schedule(N2V(n_steps=10_000, max_minutes=10), record, n_done=600, clock=clock)
    assert second.fraction == pytest.approx(0.5)
    assert second.seconds == pytest.approx(300)
