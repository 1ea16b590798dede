"""A spin box that keeps a number exactly as it is, however small."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite, sqrt

from qtpy.QtCore import QLocale, Qt
from qtpy.QtGui import QValidator, QWheelEvent
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSlider, QWidget

from napari_denoise.core.settings import SettingField

__all__ = ["NumberBox", "Slider"]

# With this many decimals Qt's rounding leaves every double as it is; with its default of two, a
# learning rate of 4e-4 would become 0.
_ALL_DECIMALS = 323
# Where no bound is given: the largest integer that a double holds exactly, and a number beyond all
# images; Qt computes with the bounds, which infinity would spoil.
_UNLIMITED = {True: 2.0**53, False: 1e300}


class NumberBox(QDoubleSpinBox):
    """Edits one "int" or "float" field; shows ``0.0004`` as that, and steps in decimal.

    The wheel changes the value only after a click into the box, so that scrolling a dock
    changes no settings on the way.
    """

    def __init__(self, field: SettingField, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._field = field
        self._is_integer = field.type == "int"
        # A point in every country, as in papers and files; a comma that is typed is understood too.
        self.setLocale(QLocale.c())
        self.setDecimals(_ALL_DECIMALS)
        self.setRange(*_range(field))
        self.setSuffix(f" {field.unit}" if field.unit else "")
        self.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToPreviousValue)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setValue(_start(field))

    def value(self) -> float | int:
        """The number, as int for an "int" field."""
        value = super().value()
        return int(value) if self._is_integer else float(value)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None and not self.hasFocus():
            event.ignore()
        else:
            super().wheelEvent(event)

    def textFromValue(self, value: float) -> str:
        if self._is_integer:
            return str(int(value))
        # The shortest text that reads back as the same double.
        text = repr(float(value))
        return text.removesuffix(".0") if "e" not in text else text

    def valueFromText(self, text: str | None) -> float:
        number = self._parse(text or "")
        return self.value() if number is None else number

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        text = text or ""
        letters = "0123456789-+" if self._is_integer else "0123456789-+.eE"
        if not set(self._strip(text)) <= set(letters):
            return QValidator.State.Invalid, text, position
        number = self._parse(text)
        # Not refused while it is typed: "0." and "1e" are on their way to a number.
        if number is None or not self._is_allowed(number):
            return QValidator.State.Intermediate, text, position
        return QValidator.State.Acceptable, text, position

    def stepBy(self, steps: int) -> None:
        # In decimal, because 0.1 + 0.2 would show as 0.30000000000000004.
        value, step = Decimal(repr(self.value())), self.step()
        target = float(value + steps * step)
        # A step that would reach a bound that is itself refused goes on in tenths.
        while self._is_refused_bound(target) and self._is_allowed(float(value)):
            step /= 10
            target = float(value + steps * step)
        self.setValue(target)
        self.selectAll()

    def step(self) -> Decimal:
        """What one click adds."""
        if self._field.step:
            return Decimal(repr(self._field.step))
        if self._is_integer:
            return Decimal(1)
        # A tenth of the leading digit's place: 0.5 goes in steps of 0.01.
        value = Decimal(repr(self.value()))
        return Decimal(1).scaleb(value.adjusted() - 1) if value else Decimal("0.1")

    def _strip(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip().replace(",", ".")

    def _parse(self, text: str) -> float | None:
        try:
            number = float(self._strip(text))
        except ValueError:
            return None
        return number if isfinite(number) else None

    def _is_allowed(self, number: float) -> bool:
        is_within = self.minimum() <= number <= self.maximum()
        return is_within and not self._is_refused_bound(number)

    def _is_refused_bound(self, number: float) -> bool:
        """Whether the number is at or beyond a bound that is itself refused."""
        if self._is_integer:
            return False
        field = self._field
        return (field.exclusive_minimum and number <= self.minimum()) or (
            field.exclusive_maximum and number >= self.maximum()
        )


class Slider(QSlider):
    """Moves the number in a box between two ends; a number beyond them puts it at the end.

    Parameters
    ----------
    box : NumberBox
        Its field needs a ``step``.
    ends : (float, float)
    """

    def __init__(self, box: NumberBox, ends: tuple[float, float]) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._box = box
        self._low, self._step = Decimal(repr(ends[0])), box.step()
        self.setRange(0, round((Decimal(repr(ends[1])) - self._low) / self._step))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._follow()
        box.valueChanged.connect(lambda _value: self._follow())
        self.valueChanged.connect(self._on_moved)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None and not self.hasFocus():
            event.ignore()
        else:
            super().wheelEvent(event)

    def _follow(self) -> None:
        """Stand where the box does, which keeps its number exactly as it is."""
        place = (Decimal(repr(self._box.value())) - self._low) / self._step
        # Else the slider, which has places only at each step, would round the box's number.
        before = self.blockSignals(True)  # noqa: FBT003
        self.setValue(round(min(max(place, Decimal(0)), Decimal(self.maximum()))))
        self.blockSignals(before)

    def _on_moved(self, place: int) -> None:
        self._box.setValue(float(self._low + place * self._step))


def _range(field: SettingField) -> tuple[float, float]:
    """The smallest and largest number; an integer's refused bound becomes its neighbour."""
    is_integer = field.type == "int"
    low = -_UNLIMITED[is_integer] if field.minimum is None else field.minimum
    high = _UNLIMITED[is_integer] if field.maximum is None else field.maximum
    if is_integer:
        return low + field.exclusive_minimum, high - field.exclusive_maximum
    return low, high


def _start(field: SettingField) -> float:
    """The default; for a field that starts unset, the middle of its range of magnitudes."""
    if isinstance(field.default, int | float):
        return field.default
    low, high = _range(field)
    middle = sqrt(low * high) if low > 0 and field.maximum is not None else max(low, 1.0)
    return min(round(middle) if field.type == "int" else middle, high)
