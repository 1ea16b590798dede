"""One editor per kind of setting, all with ``value()``, ``setValue()`` and ``valueChanged``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._qt.number_box import NumberBox, Slider
from napari_denoise.core.settings import SettingField

__all__ = ["Editor", "make_editor"]


def make_editor(field: SettingField) -> Editor:
    """The editor for a field."""
    # Those three have a value of their own for "unset": an empty text, or a first choice "none".
    if field.optional and field.type not in ("text", "path", "choice"):
        return _OptionalEditor(field)
    return _plain_editor(field)


def _plain_editor(field: SettingField) -> Editor:
    if field.per_axis:
        return _PerAxisEditor(field)
    kinds: dict[str, type[Editor]] = {
        "int": _NumberEditor,
        "float": _NumberEditor,
        "bool": _BoolEditor,
        "choice": _ChoiceEditor,
        "text": _TextEditor,
        "path": _PathEditor,
    }
    return kinds[field.type](field)


class Editor(QWidget):
    """Edits one setting; `value` need not be valid together with the other settings."""

    valueChanged = Signal()

    def __init__(self, field: SettingField, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = field

    def value(self) -> Any:
        """What the settings class gets for this field."""
        raise NotImplementedError

    def setValue(self, value: Any) -> None:
        """Show a value that the settings class has accepted."""
        raise NotImplementedError

    def setSpatialAxes(self, axes: str) -> None:
        """Offer one value for each of these axes, where that is possible."""

    def _fill(self, *widgets: QWidget) -> None:
        """Put widgets side by side; the first takes the room."""
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for index, widget in enumerate(widgets):
            layout.addWidget(widget, 1 if index == 0 else 0)
        self.setFocusProxy(widgets[0])


class _NumberEditor(Editor):
    def __init__(self, field: SettingField, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self._box = NumberBox(field)
        self._box.valueChanged.connect(self.valueChanged)
        if field.slider is None:
            self._fill(self._box)
        else:
            self._fill(Slider(self._box, field.slider), self._box)
            self.setFocusProxy(self._box)

    def value(self) -> float | int:
        return self._box.value()

    def setValue(self, value: float) -> None:
        self._box.setValue(value)


class _BoolEditor(Editor):
    def __init__(self, field: SettingField, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self._box = QCheckBox()
        self._box.setChecked(bool(field.default))
        self._box.toggled.connect(self.valueChanged)
        self._fill(self._box)

    def value(self) -> bool:
        return bool(self._box.isChecked())

    def setValue(self, value: bool) -> None:  # noqa: FBT001
        self._box.setChecked(value)


class _ComboBox(QComboBox):
    """A combo box that the wheel changes only after a click into it."""

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None and not self.hasFocus():
            event.ignore()
        else:
            super().wheelEvent(event)


class _ChoiceEditor(Editor):
    def __init__(self, field: SettingField, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self._box = _ComboBox()
        self._box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if field.optional:
            self._box.addItem("none", None)
        for choice in field.choices:
            self._box.addItem(choice.replace("_", " "), choice)
        self._box.currentIndexChanged.connect(self.valueChanged)
        self._fill(self._box)
        if field.default is not None:
            self.setValue(field.default)

    def value(self) -> str | None:
        chosen = self._box.currentData()
        return None if chosen is None else str(chosen)

    def setValue(self, value: str | None) -> None:
        self._box.setCurrentIndex(0 if value is None else self._box.findData(str(value)))


class _TextEditor(Editor):
    """Empty means unset where that is allowed."""

    def __init__(self, field: SettingField, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self._edit = QLineEdit()
        self._edit.textChanged.connect(self.valueChanged)
        self._fill(self._edit)
        if isinstance(field.default, str | Path):
            self.setValue(field.default)

    def value(self) -> str | None:
        text = str(self._edit.text())
        return None if self.field.optional and not text else text

    def setValue(self, value: str | Path | None) -> None:
        self._edit.setText("" if value is None else str(value))


class _PathEditor(_TextEditor):
    def __init__(self, field: SettingField, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self.browseButton = QToolButton()
        self.browseButton.setText("…")
        self.browseButton.setToolTip("Choose a file")
        self.browseButton.clicked.connect(self._on_browse_clicked)
        self.layout().addWidget(self.browseButton)

    def _on_browse_clicked(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose a file", str(self._edit.text()))
        if path:
            self.setValue(path)


class _PerAxisEditor(Editor):
    """One number for all spatial axes, or after a click on "per axis" one for each.

    There are always boxes for three axes; the first one is hidden while the image has only two,
    and so keeps its number until it is needed again.
    """

    def __init__(self, field: SettingField, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self._n_axes = 2
        self._all = NumberBox(field)
        self._toggle = QCheckBox("per axis")
        self._toggle.setToolTip("Give each axis its own value")
        self._boxes = tuple(NumberBox(field) for _ in range(3))
        self._labels = tuple(QLabel(letter) for letter in "ZYX")
        self._build()
        self._toggle.toggled.connect(self._on_toggle_toggled)
        for box in (self._all, *self._boxes):
            box.valueChanged.connect(self.valueChanged)
        if isinstance(field.default, tuple):
            self.setValue(field.default)

    def value(self) -> float | tuple[float, ...]:
        if not self._toggle.isChecked():
            return self._all.value()
        return tuple(box.value() for box in self._boxes[-self._n_axes :])

    def setValue(self, value: float | tuple[float, ...]) -> None:
        self._toggle.setChecked(isinstance(value, tuple))
        if not isinstance(value, tuple):
            self._all.setValue(value)
            return
        # From the last axis, X, which every image has; Z is the first and may be missing.
        for box, number in zip(reversed(self._boxes), reversed(value), strict=False):
            box.setValue(number)

    def setSpatialAxes(self, axes: str) -> None:
        self._n_axes = len(axes)
        for label, letter in zip(reversed(self._labels), reversed(axes), strict=False):
            label.setText(letter)
        self._show_boxes()
        if self._toggle.isChecked():
            self.valueChanged.emit()

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._all, 0, 0, 1, 2)
        grid.addWidget(self._toggle, len(self._boxes), 0, 1, 2)
        for row, (label, box) in enumerate(zip(self._labels, self._boxes, strict=True)):
            grid.addWidget(label, row, 0)
            grid.addWidget(box, row, 1)
        self.setFocusProxy(self._all)
        self._show_boxes()

    def _on_toggle_toggled(self, is_per_axis: bool) -> None:  # noqa: FBT001
        # The number that was there is the one to begin with, in either direction.
        if is_per_axis:
            for box in self._boxes:
                box.setValue(self._all.value())
        else:
            self._all.setValue(self._boxes[-1].value())
        self._show_boxes()
        self.valueChanged.emit()

    def _show_boxes(self) -> None:
        is_per_axis = self._toggle.isChecked()
        self._all.setVisible(not is_per_axis)
        for index, widgets in enumerate(zip(self._labels, self._boxes, strict=True)):
            for widget in widgets:
                widget.setVisible(is_per_axis and index >= len(self._boxes) - self._n_axes)


class _OptionalEditor(Editor):
    """A check box such as "automatic", and behind it the editor for who wants to decide."""

    def __init__(self, field: SettingField, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self._automatic = QCheckBox(field.unset)
        self._automatic.setToolTip("Uncheck to choose the value yourself")
        self._automatic.setChecked(field.default is None)
        self._editor = _plain_editor(field)
        self._editor.setVisible(field.default is not None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._automatic)
        layout.addWidget(self._editor)
        self.setFocusProxy(self._automatic)
        self._automatic.toggled.connect(self._on_automatic_toggled)
        self._editor.valueChanged.connect(self.valueChanged)

    def value(self) -> Any:
        return None if self._automatic.isChecked() else self._editor.value()

    def setValue(self, value: Any) -> None:
        self._automatic.setChecked(value is None)
        if value is not None:
            self._editor.setValue(value)

    def setSpatialAxes(self, axes: str) -> None:
        self._editor.setSpatialAxes(axes)

    def _on_automatic_toggled(self, is_automatic: bool) -> None:  # noqa: FBT001
        self._editor.setVisible(not is_automatic)
        self.valueChanged.emit()
