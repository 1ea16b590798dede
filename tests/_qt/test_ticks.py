import pytest
from hypothesis import given, strategies

from napari_denoise._qt.ticks import decade_ticks, tick_text, ticks


@given(strategies.floats(-1e6, 1e6), strategies.floats(1e-3, 1e6))
def test_ticks_are_round_few_and_inside(low, width):
    found = ticks(low, low + width)
    assert 2 <= len(found) <= 6
    assert all(low - 1e-9 * width <= tick <= low + 1.000001 * width for tick in found)


def test_ticks_are_what_one_would_write():
    assert ticks(0, 600) == [0, 200, 400, 600]
    assert ticks(0.18, 1.03) == [0.2, 0.4, 0.6, 0.8, 1.0]


@given(strategies.floats(1e-9, 1e9), strategies.floats(1.2, 1e9))
def test_decade_ticks_are_few_and_inside(low, ratio):
    found = decade_ticks(low, low * ratio)
    assert 1 <= len(found) <= 20
    assert all(low * (1 - 1e-9) <= tick <= low * ratio * (1 + 1e-9) for tick in found)


def test_decade_ticks_are_what_one_would_write():
    assert decade_ticks(0.1, 2.0) == [0.1, 0.2, 0.5, 1.0, 2.0]
    assert decade_ticks(1e-4, 10.0) == pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0])
    assert decade_ticks(0.31, 0.39) == ticks(0.31, 0.39)
    assert decade_ticks(1e-30, 1.0) == pytest.approx([10.0**n for n in range(-30, 1, 4)])


def test_ticks_of_tiny_ranges_keep_their_digits():
    assert ticks(0, 1e-15) == pytest.approx([0, 2e-16, 4e-16, 6e-16, 8e-16, 1e-15])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.002, "0.002"),
        (-0.5, "−0.5"),
        (20_000, "20000"),
        (2_000_000, "2e6"),
        (1.5e-7, "1.5e-7"),
    ],
)
def test_numbers_are_written_short(value, text):
    assert tick_text(value) == text
