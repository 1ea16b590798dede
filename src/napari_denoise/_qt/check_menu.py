"""A menu of things to show or not, which stays open while they are ticked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtGui import QAction, QMouseEvent
from qtpy.QtWidgets import QMenu, QWidget

__all__ = ["CheckItem", "CheckMenu"]


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One line of the menu: what it stands for, what it says, and what that means."""

    key: str
    text: str
    tooltip: str = ""


class CheckMenu(QMenu):
    """Items with a tick each; a click changes the tick and leaves the menu open."""

    valueChanged = Signal()

    def __init__(self, items: Iterable[CheckItem], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTipsVisible(True)
        self._actions: dict[str, QAction] = {}
        for item in items:
            action = self.addAction(item.text)
            action.setCheckable(True)
            action.setToolTip(item.tooltip or item.text)
            action.toggled.connect(lambda _is_on: self.valueChanged.emit())
            self._actions[item.key] = action

    def value(self) -> tuple[str, ...]:
        """Keys of the ticked items, from top to bottom."""
        return tuple(key for key, action in self._actions.items() if action.isChecked())

    def setValue(self, keys: Collection[str]) -> None:
        """Tick these and no other."""
        if set(keys) == set(self.value()):
            return
        # One signal for all ticks together.
        with QSignalBlocker(self):
            for key, action in self._actions.items():
                action.setChecked(key in keys)
        self.valueChanged.emit()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        # Qt closes a menu in its own handler of this event, so that one is passed over.
        action = self.activeAction()
        if action is not None and action.isCheckable() and action.isEnabled():
            action.trigger()
        else:
            super().mouseReleaseEvent(event)
