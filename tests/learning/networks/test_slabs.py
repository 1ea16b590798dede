"""Layers in slabs: how many there are, and that what is written late is right."""

import pytest
import torch

from napari_denoise.learning.networks.execution import slabs
from napari_denoise.learning.networks.execution.slabs import Scratch, in_slabs, plus, relu


def outcome(layers):
    """How often it reported before it was done, and the result."""
    n_before = 0
    while True:
        try:
            n_before += not next(layers)
        except StopIteration as end:
            return n_before, end.value


def sums_of_three(image):
    """Each row and its neighbours."""

    def give_rows(first, last, n_lacking):
        rows = torch.nn.functional.pad(image[:, :, first:last], (0, 0, 1, 1))
        sums = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
        return sums[:, :, n_lacking : sums.shape[2] - n_lacking]

    return give_rows


@pytest.fixture
def image():
    values = torch.randn(1, 3, 23, 5, generator=torch.Generator().manual_seed(0))
    return values.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("work", [1.0, 2e9, 1e12])
@pytest.mark.parametrize("finish", [relu, plus(torch.ones(1, 3, 23, 5))])
@pytest.mark.parametrize("is_over_itself", [False, True])
def test_a_result_may_be_written_over_what_it_is_made_of(image, work, finish, is_over_itself):
    shape, cpu = tuple(image.shape), image.device
    expected = finish(sums_of_three(image)(0, 23, 0), 0, None)
    into = image if is_over_itself else None
    job = in_slabs(sums_of_three(image), shape, work, 1, cpu, finish=finish, into=into)
    n_before, result = outcome(job)
    torch.testing.assert_close(result, expected)
    assert (n_before == 0) == (work == 1.0)
    assert (result is image) == (is_over_itself and work > 1.0)


def test_a_gpu_is_given_more_at_a_time(image, monkeypatch):
    monkeypatch.setattr(slabs, "_VALUES_PER_SLAB", {"cpu": 50, "gpu": 175})
    counts = [
        outcome(in_slabs(sums_of_three(image), tuple(image.shape), 1e9, 1, torch.device(name)))[0]
        for name in ("cpu", "cuda")
    ]
    assert counts[0] > 2 * counts[1] > 0


def test_memory_is_taken_anew_only_if_it_does_not_fit():
    scratch, like = Scratch(), torch.zeros(1)
    first = scratch.values(10, like)
    assert scratch.values(8, like) is first
    assert len(scratch.values(11, like)) == 11
    assert scratch.values(8, like.double()).dtype == torch.float64
