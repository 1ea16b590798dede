"""What a plot shows, as values: series of points, markers, and the scales of its axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_denoise._qt.ticks import decade_ticks, ticks

__all__ = ["Chart", "Marker", "Scale", "Series"]

# A tenth of what a float can hold: the width of an axis, and the step to the next tick beyond its
# end, must still be finite.
_FURTHEST = 1e307

Style = Literal["line", "dashed", "points", "line+points"]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Points with a name, drawn in one colour.

    Attributes
    ----------
    name : str
        What the legend and the column in a file say.
    x, y : array-like of float
        The points, in the order the line goes through them. One that is not finite leaves a gap.
    style : {"line", "dashed", "points", "line+points"}
        How they are drawn.
    low, high : array-like of float, optional
        Ends of a band behind the line: a range or a confidence interval. Beyond the axis, which
        follows `y`, it is cut.
    note : str
        Stands behind the name in the legend, such as the latest value.
    """

    name: str
    x: ArrayLike
    y: ArrayLike
    style: Style = "line"
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    note: str = ""

    def __post_init__(self) -> None:
        n_points = np.size(self.x)
        for field in ("x", "y", "low", "high"):
            values = getattr(self, field)
            if values is None:
                continue
            # A copy, because the caller's array may go on changing while the plot shows it.
            array = np.array(values, dtype=np.float64).ravel()
            if array.size != n_points:
                raise ValueError(f"{self.name}: {array.size} values of {field}, {n_points} of x.")
            # The class is frozen; so everyone after this sees arrays, whatever was given.
            object.__setattr__(self, field, array)

    @property
    def points(self) -> NDArray[np.float64]:
        """All points, shape ``(n, 2)``, what is not finite included."""
        return np.column_stack([np.asarray(self.x), np.asarray(self.y)])


@dataclass(frozen=True, slots=True)
class Marker:
    """A straight line across the plot, where a threshold or an optimum is.

    Attributes
    ----------
    value : float
        Where, on the axis it crosses.
    label : str
        Written beside it.
    axis : {"x", "y"}
        ``"x"`` for a vertical line at an x, ``"y"`` for a horizontal one.
    """

    value: float
    label: str = ""
    axis: Literal["x", "y"] = "x"


@dataclass(frozen=True, slots=True)
class Scale:
    """What an axis shows, and whether logarithmically."""

    low: float
    high: float
    is_log: bool = False

    def fraction(self, values: ArrayLike) -> NDArray[np.float64]:
        """How far along the axis, 0 at its low end and 1 at its high end; NaN for none."""
        array = np.asarray(values, dtype=np.float64)
        if not self.is_log:
            return np.asarray((array - self.low) / (self.high - self.low))
        low, high = np.log10([self.low, self.high])
        # Zero and below are nowhere on this axis: NaN leaves a gap there, and no warning.
        positive = np.where(array > 0, array, np.nan)
        return np.asarray((np.log10(positive) - low) / (high - low))

    def ticks(self, n_ticks: int) -> list[float]:
        """About `n_ticks` round numbers on the axis."""
        return (decade_ticks if self.is_log else ticks)(self.low, self.high, n_ticks)

    @classmethod
    def over(cls, values: NDArray[np.float64], *, is_log: bool, air: float) -> Scale | None:
        """The scale that shows all values, with room at its ends.

        Parameters
        ----------
        values : ndarray of float64
            Those that are not finite, and on a logarithmic axis those not above zero, are left
            out.
        is_log : bool
            Whether the scale is logarithmic.
        air : float
            The room at either end, as a fraction of what the values span.

        Returns
        -------
        Scale or None
            None if no value is left.
        """
        shown = values[np.isfinite(values) & ((values > 0) | (not is_log))]
        if not shown.size:
            return None
        low, high = float(shown.min()), float(shown.max())
        if is_log:
            # At least a tenth, else a single value would make an axis without width.
            factor = max((high / low) ** air, 1.1)
            return cls(max(low / factor, 1 / _FURTHEST), min(high * factor, _FURTHEST), is_log)
        # Equal values span nothing: then a tenth of the value; around zero, one.
        width = air * (high - low) or 0.1 * abs(high) or 1.0
        return cls(max(low - width, -_FURTHEST), min(high + width, _FURTHEST), is_log)


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Everything a plot shows but its colours.

    Attributes
    ----------
    series : tuple of Series
        Drawn one over the other, the first lowest.
    x_label, y_label : str
        Titles of the axes, units included (``"variance (DN²)"``).
    markers : tuple of Marker
        Lines across the plot.
    x_range, y_range : tuple of float, optional
        What the axes show; None for all points.
    """

    series: tuple[Series, ...] = ()
    x_label: str = ""
    y_label: str = ""
    markers: tuple[Marker, ...] = ()
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None

    def scales(self, *, is_x_log: bool, is_y_log: bool) -> tuple[Scale, Scale] | None:
        """Both axes' scales; None if there is no point that they could show.

        A point counts only if both its numbers can be shown, so that an axis never makes room
        for points that the other one hides.
        """
        points = np.concatenate([series.points for series in self.series] or [np.empty((0, 2))])
        is_shown = np.isfinite(points).all(axis=1)
        is_shown &= (points[:, 0] > 0) | (not is_x_log)
        is_shown &= (points[:, 1] > 0) | (not is_y_log)
        x, y = points[is_shown].T
        # The frame is about twice as wide as high, so these are about the same in pixels: enough
        # that the first and last dots are not cut by the frame.
        across = _scale(x, self.x_range, is_log=is_x_log, air=0.03)
        upward = _scale(y, self.y_range, is_log=is_y_log, air=0.06)
        return (across, upward) if across and upward else None

    def table(self) -> tuple[list[str], Iterable[Sequence[Any]]]:
        """Titles and rows for a spreadsheet; series at the same x share its column."""
        titles: list[str] = []
        columns: list[Sequence[Any]] = []
        last_x: NDArray[np.float64] = np.empty(0)
        for series in self.series:
            x = np.asarray(series.x)
            # Curves over the same steps or frequencies are what people compare line by line.
            if not titles or not np.array_equal(x, last_x):
                titles.append(self.x_label or "x")
                columns.append(x.tolist())
            last_x = x
            for title, values in (
                (series.name, series.y),
                (f"{series.name} (low)", series.low),
                (f"{series.name} (high)", series.high),
            ):
                if values is not None:
                    titles.append(title)
                    columns.append(np.asarray(values).tolist())
        return titles, zip_longest(*columns)


def _scale(
    values: NDArray[np.float64],
    given: tuple[float, float] | None,
    *,
    is_log: bool,
    air: float,
) -> Scale | None:
    # A range made for the linear axis may begin at zero, where a logarithmic one cannot.
    if given is None or (is_log and given[0] <= 0):
        return Scale.over(values, is_log=is_log, air=air)
    return Scale(*given, is_log) if values.size else None
