"""Where an axis has its numbers, and how they are written."""

from __future__ import annotations

from math import ceil, floor, log10

__all__ = ["decade_ticks", "tick_text", "ticks"]

_N_TICKS = 5


def ticks(low: float, high: float, n_ticks: int = _N_TICKS) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) between `low` and `high`.

    Parameters
    ----------
    low, high : float
        The ends of the axis.
    n_ticks : int
        About how many to return.

    Returns
    -------
    list of float
    """
    # The tiny bits here and below are for ends that are ticks themselves: rounding must neither
    # double the step nor lose the outermost tick.
    rough = (high - low) / n_ticks * (1 - 1e-9)
    decade = 10.0 ** floor(log10(rough))
    step = decade * next(factor for factor in (1, 2, 5, 10) if factor * decade >= rough)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    # 3 * 0.1 is 0.30000000000000004, which would be written so.
    n_decimals = max(0, 3 - floor(log10(step)))
    return [round(index * step, n_decimals) for index in range(first, last + 1)]


def decade_ticks(low: float, high: float, n_ticks: int = _N_TICKS) -> list[float]:
    """Ticks of a logarithmic axis: 1, 2 and 5 in each decade, or only powers of ten."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    every = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
    inside = [tick for tick in every if low <= tick <= high]
    # Within a fraction of a decade the axis is nearly linear, and one number says no scale.
    if len(inside) < 2:
        return ticks(low, high, n_ticks)
    if len(inside) <= 2 * n_ticks:
        return inside
    # Every third of these is a power of ten; of many decades only every n-th is written.
    powers = [tick for tick in inside if tick in every[::3]]
    return powers[:: ceil(len(powers) / (2 * n_ticks))]


def tick_text(value: float) -> str:
    """A number as short as it can be: ``0.002``, ``20000``, ``2e6``."""
    # Five digits where they are read as they stand, three beside an exponent, which takes room.
    text = f"{value:.5g}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.3g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else text.replace("-", "−")
