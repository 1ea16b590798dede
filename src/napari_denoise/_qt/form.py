"""A form over any settings class: its fields, limits, units and descriptions become widgets."""

from __future__ import annotations

import html
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QToolButton, QWidget

from napari_denoise._qt.editors import Editor, make_editor
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.settings import SettingField, Settings, describe, make_settings

__all__ = ["SettingsForm", "label_of"]

# Written as people write them; all other words of a field's name are words.
_ACRONYMS = {"psf": "PSF", "gpu": "GPU", "snr": "SNR", "na": "NA", "z": "Z", "y": "Y", "x": "X"}
# Endings of names that say a unit, which stands behind the number already.
_UNITS = {"um", "nm", "px", "s", "ms", "db", "bytes", "electrons", "dn"}


class SettingsForm(QWidget):
    """Edits settings of one class; fields marked as advanced stay folded away until asked for.

    Each field keeps to its own bounds. What only shows when fields are taken together is
    refused by `value`.

    Attributes
    ----------
    presetBox : QComboBox
        Chooses a preset; in the form only if the class has any.
    advancedButton : QToolButton
        Unfolds the advanced fields; there only if the class has any.
    """

    valueChanged = Signal()

    def __init__(self, settings_class: type[Settings], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._class = settings_class
        self._editors: dict[str, Editor] = {}
        self._is_quiet = False
        self.presetBox = QComboBox()
        self._build()
        self._show_preset()

    @property
    def settings_class(self) -> type[Settings]:
        """What the form edits."""
        return self._class

    def value(self) -> Settings:
        """The settings as they stand.

        Raises
        ------
        SettingsError
            If the fields do not fit together, or a text is not what its field needs.
        """
        return make_settings(self._class, self._raw())

    def setValue(self, settings: Settings) -> None:
        """Show these settings; `valueChanged` is emitted once if anything changes."""
        before = self._raw()
        # One change for the user, however many fields differ.
        self._is_quiet = True
        try:
            for name, editor in self._editors.items():
                editor.setValue(getattr(settings, name))
        finally:
            self._is_quiet = False
        self._show_preset()
        if self._raw() != before:
            self.valueChanged.emit()

    def setPreset(self, name: str) -> None:
        """Show one of the class's presets; the defaults where it is empty."""
        self.setValue(make_settings(self._class, {}, preset=name))

    def reset(self) -> None:
        """Show the defaults."""
        self.setValue(make_settings(self._class, {}))

    def setSpatialAxes(self, axes: str) -> None:
        """Say which axes are denoised together ("YX", "ZYX"): per-axis fields offer one each."""
        for editor in self._editors.values():
            editor.setSpatialAxes(axes)

    def fieldNames(self) -> tuple[str, ...]:
        """The fields that can be edited, folded ones included, from top to bottom."""
        return tuple(self._editors)

    def editor(self, name: str) -> Editor:
        """The editor of one field."""
        return self._editors[name]

    def setFieldVisible(self, name: str, is_visible: bool) -> None:  # noqa: FBT001
        """Show or hide a field that is not always of use; its value stays."""
        self._layout.setRowVisible(self._editors[name], is_visible)

    def _raw(self) -> dict[str, Any]:
        return {name: editor.value() for name, editor in self._editors.items()}

    def _build(self) -> None:
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        if self._class.presets:
            self._add_presets()
        fields = [field for field in describe(self._class) if not field.hidden]
        for field in (field for field in fields if not field.advanced):
            self._add_row(field)
        advanced = [field for field in fields if field.advanced]
        if advanced:
            self.advancedButton = self._add_fold()
            rows = [widget for field in advanced for widget in self._add_row(field)]
            self._folded = rows
            self._on_fold_toggled(is_open=False)

    def _add_presets(self) -> None:
        self.presetBox.addItem("defaults", "")
        for name in self._class.presets:
            self.presetBox.addItem(name.replace("_", " "), name)
        self.presetBox.setPlaceholderText("your own")
        self.presetBox.setToolTip("<p>Values that belong together, to begin with.</p>")
        self.presetBox.activated.connect(lambda _: self.setPreset(self.presetBox.currentData()))
        self._layout.addRow("Preset", self.presetBox)

    def _show_preset(self) -> None:
        """Name the preset that the fields are as in, if any."""
        if not self._class.presets:
            return
        try:
            shown = self.value()
        except SettingsError:
            # Fields that do not fit together yet are no preset.
            shown = None
        known = [make_settings(self._class, {}, preset=name) for name in ("", *self._class.presets)]
        self.presetBox.setCurrentIndex(known.index(shown) if shown in known else -1)

    def _add_row(self, field: SettingField) -> tuple[QLabel, Editor]:
        editor = make_editor(field)
        editor.valueChanged.connect(self._on_editor_value_changed)
        label = QLabel(label_of(field))
        label.setBuddy(editor)
        for widget in (label, editor):
            # Rich text, because Qt breaks the lines of no other tooltip.
            widget.setToolTip(f"<p>{html.escape(field.description)}</p>")
        self._layout.addRow(label, editor)
        self._editors[field.name] = editor
        return label, editor

    def _add_fold(self) -> QToolButton:
        fold = QToolButton()
        fold.setText("Advanced")
        fold.setCheckable(True)
        fold.setAutoRaise(True)
        fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        fold.toggled.connect(self._on_fold_toggled)
        self._layout.addRow(fold)
        return fold

    def _on_fold_toggled(self, is_open: bool) -> None:  # noqa: FBT001
        self.advancedButton.setArrowType(
            Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        )
        for widget in self._folded:
            widget.setVisible(is_open)

    def _on_editor_value_changed(self) -> None:
        if not self._is_quiet:
            self._show_preset()
            self.valueChanged.emit()


def label_of(field: SettingField) -> str:
    """The field's name in words, without the unit that stands behind the number.

    ``n_steps`` is "Steps", ``psf_sigma_um`` in µm "PSF sigma", ``masked_pixel_percentage`` in %
    "Masked pixels".
    """
    name = field.name.removeprefix("n_")
    head, _, tail = name.rpartition("_")
    if head and field.unit == "%" and tail == "percentage":
        name = f"{head}s"
    elif head and field.unit and tail in _UNITS:
        name = head
    label = " ".join(_ACRONYMS.get(word, word) for word in name.split("_"))
    return label[:1].upper() + label[1:]
