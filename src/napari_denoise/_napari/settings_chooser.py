"""One of several kinds of settings, and the form that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from napari_denoise._qt.form import SettingsForm
from napari_denoise._qt.message import WrappedLabel
from napari_denoise.settings import Settings

__all__ = ["SettingsChooser", "explain"]


class SettingsChooser(QWidget):
    """A list of titles over the form of the chosen class; each form keeps its values.

    Parameters
    ----------
    classes : sequence of Settings classes
        With a ``title`` and a ``citation``.
    """

    valueChanged = Signal()

    def __init__(self, classes: Sequence[type[Any]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._forms = [SettingsForm(cls) for cls in classes]
        self._titles = QComboBox()
        self._titles.addItems([cls.title for cls in classes])
        self._about = WrappedLabel(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._titles)
        layout.addWidget(self._about)
        for form in self._forms:
            layout.addWidget(form)
            form.valueChanged.connect(self.valueChanged)
        self._titles.currentIndexChanged.connect(self._on_chosen)
        self._on_chosen(0)

    def form(self) -> SettingsForm:
        """The form of the chosen class."""
        form: SettingsForm = self._forms[self._titles.currentIndex()]
        return form

    def value(self) -> Settings:
        """The settings as they stand.

        Raises
        ------
        SettingsError
            If the fields do not fit together.
        """
        return self.form().value()

    def setClass(self, settings_class: type[Settings]) -> None:
        """Choose a class."""
        classes = [form.settings_class for form in self._forms]
        self._titles.setCurrentIndex(classes.index(settings_class))

    def setSpatialAxes(self, axes: str) -> None:
        """Say which axes are denoised together, for settings with one value per axis."""
        for form in self._forms:
            form.setSpatialAxes(axes)

    def _on_chosen(self, index: int) -> None:
        for i, form in enumerate(self._forms):
            form.setVisible(i == index)
        explain(self._about, self.form().settings_class)
        self.valueChanged.emit()


def explain(label: QLabel, cls: type[Any]) -> None:
    """Say in a label what a class does; its tooltip says who it comes from."""
    label.setText((cls.__doc__ or "").strip().splitlines()[0])
    label.setToolTip(cls.citation)
