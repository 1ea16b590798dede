"""Colours that can be read on a dark and on a light theme."""

from __future__ import annotations

from qtpy.QtGui import QColor, QPalette

__all__ = ["ALARM_COLORS", "faded", "series_color"]

# A bar in these colours stands beside text in the theme's own, so they need only be seen, not read.
ALARM_COLORS = {"notice": "#e0a030", "error": "#e5484d"}
# For the colour-blind too, and with enough contrast to the background of either theme.
_ON_DARK = ("#4c9be8", "#f0923c", "#3fbf9b", "#d58be0", "#e8d44c", "#f0706a")
_ON_LIGHT = ("#1f6fc0", "#c05a00", "#0f7f60", "#8f3fa0", "#7a6a00", "#b8302a")


def series_color(index: int, palette: QPalette) -> QColor:
    """The colour of a plot's series by its place, for the theme that `palette` is of."""
    # Asked of the text and not of the background, which a style sheet may leave out of the palette.
    is_dark = palette.color(QPalette.ColorRole.WindowText).lightnessF() > 0.5
    colors = _ON_DARK if is_dark else _ON_LIGHT
    return QColor(colors[index % len(colors)])


def faded(color: QColor, alpha: float) -> QColor:
    """The same colour, see-through: 0 for nothing, 1 for all of it."""
    see_through = QColor(color)
    see_through.setAlphaF(alpha)
    return see_through
