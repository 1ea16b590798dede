"""Which images were skipped, and why, in few lines however many there are."""

from __future__ import annotations

import html
from collections.abc import Sequence

from qtpy.QtWidgets import QWidget

from napari_denoise._qt.message import Message
from napari_denoise.core.progress import Skipped

__all__ = ["SkippedMessage"]

_N_SHOWN = 2


class SkippedMessage(Message):
    """A line for each of the first few; all of them in the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("notice", parent)
        self._problems: list[str] = []

    def add(self, problems: Sequence[Skipped]) -> None:  # type: ignore[override]  # of several
        """Say that these were skipped, each once."""
        messages = (problem.message for problem in problems)
        self._problems += [text for text in messages if text not in self._problems]
        lines = self._problems[:_N_SHOWN]
        if len(self._problems) > _N_SHOWN:
            more = len(self._problems) - _N_SHOWN
            lines = [*lines, f"And {more} more; point here to see all."]
        self.setText("\n".join(lines))
        self.setToolTip("".join(f"<p>{html.escape(text)}</p>" for text in self._problems))

    def clear(self) -> None:
        """Forget all of them."""
        self._problems.clear()
        self.setText("")
        self.setToolTip("")
