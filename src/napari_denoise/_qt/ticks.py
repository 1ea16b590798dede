"""Where an axis has its numbers, and how they are written."""

from __future__ import annotations

from math import ceil, floor, log10

__all__ = ["decade_ticks", "tick_text", "ticks"]

_N_TICKS = 5


def ticks(low: float, high: float, n_ticks: int = _N_TICKS) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) between `low` and `high`."""
    rough = (high - low) / n_ticks * (1 - 1e-9)
    decade = 10.0 ** floor(log10(rough))
    step = decade * next(factor for factor in (1, 2, 5, 10) if factor * decade >= rough)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    n_decimals = max(0, 3 - floor(log10(step)))
    return [round(index * step, n_decimals) for index in range(first, last + 1)]


def decade_ticks(low: float, high: float, n_ticks: int = _N_TICKS) -> list[float]:
    """Ticks of a logarithmic axis: 1, 2 and 5 in each decade, or only powers of ten."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    every = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
    inside = [tick for tick in every if low <= tick <= high]
    if len(inside) < 2:
        return ticks(low, high, n_ticks)
    if len(inside) <= 2 * n_ticks:
        return inside
    powers = [tick for tick in inside if tick in every[::3]]
    return powers[:: ceil(len(powers) / (2 * n_ticks))]


def tick_text(value: float) -> str:
    """A number as short as it can be: ``0.002``, ``20000``, ``2e6``."""
    text = f"{value:.5g}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.3g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text.replace("-", "−")
