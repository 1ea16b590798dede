"""Which layer is meant: choosers that follow the viewer's layer list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from magicgui.widgets import ComboBox
from napari.layers import Image
from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._napari.shared.results import is_preview

if TYPE_CHECKING:
    from napari.components import LayerList

__all__ = ["LayerChecklist", "LayerChooser", "LayerWatcher"]

# Rows that a list of layers is high: three show that it is a list; beyond seven, in a dock of usual
# height, there would be no room for what follows.
_MIN_ROWS, _MAX_ROWS = 3, 7


class LayerWatcher:
    """Calls back when the image layers of a viewer, or their names, change.

    Parameters
    ----------
    layers : napari.components.LayerList
    on_change : callable
        Called with the image layers in the viewer's order.
    """

    def __init__(self, layers: LayerList, on_change: Callable[[list[Image]], None]) -> None:
        self._layers = layers
        self._on_change = on_change
        events = layers.events
        # What napari connects a dock's `reset_choices` to; that is done in a window alone, and not
        # undone when the dock is closed.
        self._emitters = (events.inserted, events.removed, events.reordered, events.renamed)
        for emitter in self._emitters:
            emitter.connect(self._on_layers_changed)

    @property
    def images(self) -> list[Image]:
        """The image layers, as they stand in the layer list, without previews."""
        return [a for a in self._layers if isinstance(a, Image) and not is_preview(a)]

    @property
    def active(self) -> Image | None:
        """The layer selected in the list, else the topmost image; None without images."""
        active = self._layers.selection.active
        if active in self.images:
            return cast("Image", active)
        # The topmost is what the user sees, and mostly what was opened last.
        return self.images[-1] if self.images else None

    def close(self) -> None:
        """Stop listening."""
        for emitter in self._emitters:
            emitter.disconnect(self._on_layers_changed)

    def _on_layers_changed(self, event: Any = None) -> None:
        del event
        self._on_change(self.images)


class LayerChooser(QWidget):
    """One image layer; starts with the active one and keeps the choice as long as it exists.

    The box is magicgui's, which asks for its choices anew when the layer list has changed. It
    knows them by their names; what must not be lost is seen to here: a layer that is renamed
    stays chosen, and the order is that of the layer list.

    Parameters
    ----------
    layers : napari.components.LayerList
    none_text : str
        Offers to choose no layer, in these words; then that is what it starts with, and what is
        chosen when the layer is removed.
    """

    layerChanged = Signal(object)
    """The chosen layer, or None; sent when another layer is meant than before, or when the
    chosen one gets another shape or other axis labels."""
    activated = Signal()
    """The user has chosen, be it the layer that was chosen before."""

    def __init__(
        self, layers: LayerList, *, none_text: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._none_text = none_text
        self._announced: Image | None = None
        self._axes: object = None
        self._watcher = LayerWatcher(layers, self._show)
        self._choices = ComboBox(choices=self._offered, nullable=bool(none_text))
        self._choices.null_string = none_text
        self._box: QComboBox = self._choices.native
        # One long name must not make the whole dock wider.
        self._box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        # Shown while nothing is chosen; an empty box would look broken.
        self._box.setPlaceholderText("No image layer")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self.setFocusProxy(self._box)
        self._choices.changed.connect(self._announce)
        self._box.activated.connect(lambda _index: self.activated.emit())
        self._show(self._watcher.images)

    def layer(self) -> Image | None:
        """The chosen layer."""
        return cast("Image | None", self._choices.value)

    def setLayer(self, layer: Image | None) -> None:
        """Choose a layer; one that is not in the list changes nothing."""
        if layer in self._choices.choices:
            self._choices.value = layer

    def names(self) -> list[str]:
        """What is offered, in that order."""
        return [self._box.itemText(row) for row in range(self._box.count())]

    def text(self) -> str:
        """What is chosen, as it is shown."""
        return str(self._box.currentText())

    def shutdown(self) -> None:
        """Stop following the viewer."""
        self._watcher.close()
        self._follow(None)

    def _offered(self, _box: Any) -> list[tuple[str, Image]]:
        return [(layer.name, layer) for layer in self._watcher.images]

    def _show(self, images: list[Image]) -> None:
        # Not the box's own value: emptied and filled, it would forget it.
        chosen = self._announced
        if chosen not in images:
            chosen = None if self._none_text else self._watcher.active
        with self._choices.changed.blocked():
            # Emptied first: it would add new names at the end, and forget a renamed choice.
            self._choices.choices = ()
            self._choices.choices = self._offered
            if chosen in self._choices.choices:
                self._choices.value = chosen
        self._box.setEnabled(bool(images))
        self._announce()

    def _announce(self, _value: Any = None) -> None:
        chosen = self.layer()
        no_layer = "" if self._none_text else "Open or add an image first."
        self._box.setToolTip(chosen.name if chosen else no_layer)
        # Told only if another layer is meant: a rename must not reset what was set up for it.
        if chosen is not self._announced:
            self._follow(chosen)
            self.layerChanged.emit(chosen)

    def _follow(self, layer: Image | None) -> None:
        if self._announced is not None:
            # Left before the next one is followed, else every layer ever chosen would call back.
            self._announced.events.data.disconnect(self._on_layer_edited)
            self._announced.events.axis_labels.disconnect(self._on_layer_edited)
        if layer is not None:
            layer.events.data.connect(self._on_layer_edited)
            layer.events.axis_labels.connect(self._on_layer_edited)
        self._announced, self._axes = layer, _axes_of(layer)

    def _on_layer_edited(self, event: Any = None) -> None:
        del event
        # New pixels of the same shape change nothing that was chosen for them.
        axes = _axes_of(self._announced)
        if axes != self._axes:
            self._axes = axes
            self.layerChanged.emit(self._announced)


def _axes_of(layer: Image | None) -> object:
    return (layer.level_shapes[0].tolist(), layer.axis_labels) if layer is not None else None


class LayerChecklist(QListWidget):
    """Any number of image layers, ticked; a new layer is ticked if `tick_new` says so."""

    checkedChanged = Signal()

    def __init__(
        self,
        layers: LayerList,
        *,
        tick_new: Callable[[Image], bool] = lambda layer: False,  # noqa: ARG005
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._tick_new = tick_new
        self._shown: list[Image] = []
        self._watcher = LayerWatcher(layers, self._show)
        self.itemChanged.connect(lambda _item: self.checkedChanged.emit())
        self._show(self._watcher.images)

    def layers(self) -> list[Image]:
        """The ticked layers, in the viewer's order."""
        return [layer for row, layer in enumerate(self._shown) if self._is_ticked(row)]

    def setLayers(self, layers: Sequence[Image]) -> None:
        """Tick these layers and no other."""
        for row, layer in enumerate(self._shown):
            self._tick(self.item(row), is_ticked=layer in layers)

    def setRefusals(self, reason: Callable[[Image], str]) -> None:
        """Grey out, and untick, each layer for which `reason` is not empty; it is the tooltip."""
        usable = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable
        with QSignalBlocker(self):
            for row, layer in enumerate(self._shown):
                item, why = self.item(row), reason(layer)
                # Greyed out and not hidden: the tooltip tells why, and so how to make it usable.
                item.setFlags(Qt.ItemFlag.NoItemFlags if why else usable)
                item.setToolTip(why or layer.name)

    def setHiddenWhere(self, is_hidden: Callable[[Image], bool]) -> None:
        """Do not offer such layers at all; they count as not ticked."""
        for row, shown in enumerate(self._shown):
            # The tick stays with the hidden row, and is back when the layer is offered again.
            self.setRowHidden(row, is_hidden(shown))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As high as the layers need, within reason."""
        n_rows = sum(not self.isRowHidden(row) for row in range(self.count()))
        row_height = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height()
        n_shown = min(max(n_rows, _MIN_ROWS), _MAX_ROWS)
        return QSize(super().sizeHint().width(), n_shown * row_height + 2 * self.frameWidth() + 4)

    def shutdown(self) -> None:
        """Stop following the viewer."""
        self._watcher.close()

    def _is_ticked(self, row: int) -> bool:
        item = self.item(row)
        # The tick alone is not asked: a refused layer keeps it for when it is usable again.
        is_usable = bool(item.flags() & Qt.ItemFlag.ItemIsEnabled) and not self.isRowHidden(row)
        return is_usable and item.checkState() == Qt.CheckState.Checked

    def _tick(self, item: QListWidgetItem, *, is_ticked: bool) -> None:
        item.setCheckState(Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked)

    def _show(self, images: list[Image]) -> None:
        ticked = self.layers()
        known = self._shown
        with QSignalBlocker(self):
            self.clear()
            self._shown = images
            for layer in images:
                item = QListWidgetItem(layer.name, self)
                item.setToolTip(layer.name)
                # By identity and not by name: a renamed layer keeps its tick.
                is_new = layer not in known
                self._tick(item, is_ticked=self._tick_new(layer) if is_new else layer in ticked)
        self.updateGeometry()
        self.checkedChanged.emit()
