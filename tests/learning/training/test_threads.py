"""A training goes on with one thread where several are far slower, and only there."""

from itertools import chain, repeat

import pytest
import torch

from napari_denoise.learning.training import threads
from napari_denoise.learning.training.threads import ThreadWatch, slowdown

CPU = torch.device("cpu")
CALM, BUSY = 0.6, 30.0


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """Two for the test, and as many as before in the end."""
    monkeypatch.delenv("OMP_NUM_THREADS")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def watch(monkeypatch):
    """Trains for so many steps of so many seconds while trials end so; gives the threads of each
    step and what was said."""

    def train(slowdowns, *, n_steps=40, step_s=0.2, device=CPU):
        found, time = chain(slowdowns, repeat(slowdowns[-1])), [0.0]
        monkeypatch.setattr(threads, "slowdown", lambda _: next(found))
        counts, said = [], []
        with ThreadWatch(device, clock=lambda: time[0]) as watched:
            for step in range(n_steps):
                time[0] += step_s(step) if callable(step_s) else step_s
                said.append(watched.look())
                counts.append(torch.get_num_threads())
        return counts, [words for words in said if words]

    return train


def test_on_a_calm_machine_all_threads_are_used_throughout(watch):
    assert watch([CALM]) == ([2] * 40, [])


def test_on_a_busy_machine_a_training_goes_on_with_one_and_says_so(watch):
    counts, said = watch([BUSY])
    assert counts[:4] == [2, 2, 1, 1]
    assert set(counts[2:]) == {1}
    assert len(said) == 1
    assert "one thread" in said[0]


def test_a_hiccup_changes_nothing(watch):
    assert watch([BUSY, BUSY, CALM]) == ([2] * 40, [])


def test_trials_that_do_not_all_agree_decide_by_their_majority(watch):
    counts, _ = watch([BUSY, BUSY, CALM, BUSY])
    assert counts[-1] == 1


def test_a_machine_that_becomes_busy_later_is_noticed_by_its_slow_steps(watch):
    counts, said = watch([CALM, BUSY], step_s=lambda step: 0.2 if step < 20 else 4.0)
    assert set(counts[:20]) == {2}
    assert counts[-1] == 1
    assert len(said) == 1


def test_when_the_machine_is_calm_again_all_threads_come_back(watch):
    counts, said = watch([BUSY, BUSY, BUSY, CALM], step_s=1.0)
    assert 1 in counts
    assert counts[-1] == 2
    assert len(said) == 2


def test_after_the_training_torch_has_its_threads_back(watch):
    watch([BUSY])
    assert torch.get_num_threads() == 2


def test_a_number_that_the_user_chose_is_left_alone(watch, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert watch([BUSY]) == ([2] * 40, [])


def test_a_gpu_is_left_alone(watch):
    assert watch([BUSY], device=torch.device("cuda")) == ([2] * 40, [])


def test_a_trial_measures_a_ratio_of_times():
    assert 0.05 < slowdown(2) < 5000
