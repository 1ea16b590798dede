"""One of several kinds of settings, and the form that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from napari_denoise._qt.form import SettingsForm
from napari_denoise._qt.message import WrappedLabel
from napari_denoise.core.settings import Settings

__all__ = ["SettingsChooser", "explain"]


class SettingsChooser(QWidget):
    """A list of titles over the form of the chosen class; each form keeps its values.

    Parameters
    ----------
    classes : sequence of Settings classes
        With a ``title`` and a ``citation``.

    Attributes
    ----------
    titleBox : QComboBox
    """

    valueChanged = Signal()

    def __init__(self, classes: Sequence[type[Any]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = tuple(classes)
        # Kept: who looks at another method and comes back finds what was set.
        self._forms: dict[type[Any], SettingsForm] = {}
        self._spatial_axes = ""
        self.titleBox = QComboBox()
        self.titleBox.addItems([cls.title for cls in classes])
        self._about = WrappedLabel(self)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self.titleBox)
        self._layout.addWidget(self._about)
        self.titleBox.currentIndexChanged.connect(self._on_chosen)
        self._on_chosen()

    @property
    def title(self) -> str:
        """Of the chosen class."""
        return str(self.titleBox.currentText())

    def form(self) -> SettingsForm:
        """The form of the chosen class."""
        cls = self._classes[self.titleBox.currentIndex()]
        # Made when it is first looked at: a form takes time, and most of the list is never opened.
        if cls not in self._forms:
            self._forms[cls] = self._make_form(cls)
        return self._forms[cls]

    def value(self) -> Settings:
        """The settings as they stand.

        Raises
        ------
        SettingsError
            If the fields do not fit together.
        """
        return self.form().value()

    def setValue(self, settings: Settings) -> None:
        """Show these settings, and so their class."""
        self.setClass(type(settings))
        self.form().setValue(settings)

    def setClass(self, settings_class: type[Settings]) -> None:
        """Choose a class."""
        self.titleBox.setCurrentIndex(self._classes.index(settings_class))

    def setSpatialAxes(self, axes: str) -> None:
        """Say which axes are denoised together, for settings with one value per axis."""
        self._spatial_axes = axes
        for form in self._forms.values():
            form.setSpatialAxes(axes)

    def _make_form(self, cls: type[Any]) -> SettingsForm:
        """Only once it is asked for: most classes of a long list never are."""
        form = SettingsForm(cls)
        if self._spatial_axes:
            form.setSpatialAxes(self._spatial_axes)
        form.valueChanged.connect(self.valueChanged)
        self._layout.addWidget(form)
        return form

    def _on_chosen(self) -> None:
        chosen = self.form()
        for form in self._forms.values():
            # All forms stand one below the other; a stack would be as high as its highest.
            form.setVisible(form is chosen)
        explain(self._about, chosen.settings_class)
        self.valueChanged.emit()


def explain(label: QLabel, cls: type[Any]) -> None:
    """Say in a label what a class does; its tooltip says who it comes from."""
    # The class explains itself in one sentence, here as in the reference.
    label.setText((cls.__doc__ or "").strip().splitlines()[0])
    label.setToolTip(cls.citation)
