"""How notices and errors look: the theme's own text beside a bar in the colour of alarm."""

from __future__ import annotations

import re
from typing import Literal

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_denoise._qt.theme import ALARM_COLORS
from napari_denoise.core.errors import DenoiseError

__all__ = ["ErrorMessage", "Message", "WrappedLabel"]

# Trade-off: longer pieces can make a dock of 300 pixels wider, shorter ones break common words.
_LONG_WORD = re.compile(r"\S{24}")


class WrappedLabel(QLabel):
    """Plain text over as many lines as the width asks for; hidden while there is none.

    File names and paths are broken too: a long one would make the whole dock wider.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = ""
        self.setWordWrap(True)
        self.setMinimumWidth(1)
        # Names of layers and files may hold "<", which must not be taken for markup.
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.hide()

    def text(self) -> str:
        """What was set, without the places to break it at."""
        return self._words

    def setText(self, text: str | None) -> None:
        self._words = text or ""
        # A space without width is a place where Qt may break the line.
        super().setText(_LONG_WORD.sub("\\g<0>\u200b", self._words))
        self.setVisible(bool(self._words))


class Message(WrappedLabel):
    """A few lines of text with a coloured bar at their side."""

    def __init__(self, kind: Literal["notice", "error"], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[str] = []
        self.setStyleSheet(
            f"border-left: 3px solid {ALARM_COLORS[kind]}; padding: 2px 2px 2px 6px;"
        )

    def add(self, line: str) -> None:
        """Add a line, unless it stands there already."""
        # A job may say the same of each tile.
        if line and line not in self._lines:
            self._lines.append(line)
            self.setText("\n".join(self._lines))

    def clear(self) -> None:
        """Take all lines away."""
        self._lines.clear()
        self.setText("")


class ErrorMessage(QWidget):
    """Says what went wrong: a sentence for the user's errors, type and details for ours."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._details = ""
        self._message = Message("error")
        self.copyButton = QPushButton("Copy details")
        self.copyButton.setToolTip("Copy the traceback, to be pasted into a bug report")
        self.copyButton.clicked.connect(self._on_copy_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._message)
        layout.addWidget(self.copyButton, 0, Qt.AlignmentFlag.AlignLeft)
        self.clear()

    def showError(self, error: BaseException, details: str) -> None:
        """Say what went wrong; `details` is the traceback as text."""
        self.clear()
        # What the user can put right needs no traceback, which only frightens.
        is_users = isinstance(error, DenoiseError)
        words = str(error).strip() or "no message"
        self._message.add(words if is_users else f"{type(error).__name__}: {words}")
        self._details = details
        self.copyButton.setVisible(not is_users)
        self.show()

    def text(self) -> str:
        """The sentence that is shown; empty if there is none."""
        return self._message.text()

    def clear(self) -> None:
        """Forget the error."""
        self._message.clear()
        self._details = ""
        self.hide()

    def _on_copy_clicked(self) -> None:
        QApplication.clipboard().setText(self._details)
