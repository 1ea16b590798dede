"""Which axis is which and what part it plays, per axis and in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from napari_denoise._qt.message import WrappedLabel
from napari_denoise.core.axes import AXIS_WORDS, LETTERS, Layout
from napari_denoise.core.errors import AxesError

__all__ = ["AxisRoles"]

# What an axis can be; the first is what it usually is. Time can be depth, as a frame tells of the
# next one like a plane of the next plane; samples have no order, and so are never depth.
_ROLES: dict[str, tuple[str, ...]] = {
    "S": ("independent images",),
    "T": ("independent images", "treated as depth"),
    "C": ("each on its own", "all together"),
    "Z": ("independent planes", "depth of a volume"),
    "Y": ("image height",),
    "X": ("image width",),
}


class AxisRoles(QWidget):
    """One row per axis: its letter, its size, and its role; below, the sentence they make."""

    valueChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes = ""
        self._shape: tuple[int, ...] = ()
        self._roles: dict[str, int] = {}
        self._forced: Callable[[str], Layout] | None = None
        self._joint_offered = False
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        # Letter and size take what they need; the part, in words, gets the rest.
        self._grid.setColumnStretch(2, 1)
        self._rows: list[tuple[QComboBox, QLabel, QComboBox]] = []
        self._sentence = WrappedLabel(self)

    def setImage(self, axes: str, shape: tuple[int, ...]) -> None:
        """Show the axes of another image; roles chosen before stay where they fit."""
        self._axes, self._shape = axes, shape
        self._rebuild()

    @property
    def axes(self) -> str:
        """One letter per axis, as the rows say."""
        return self._axes

    def setJointOffered(self, offered: bool) -> None:  # noqa: FBT001
        """Whether channels can be seen all at once: a network can, a filter cannot."""
        self._joint_offered = offered
        self._rebuild()

    def setForced(self, layout_for: Callable[[str], Layout] | None) -> None:
        """Let a trained model decide, which knows what suits it; None frees the roles."""
        self._forced = layout_for
        self._rebuild()

    def setLetter(self, row: int, letter: str) -> None:
        """Say which axis a row is; if another one had the letter, it gets this row's."""
        letters = list(self._axes)
        if letter in letters:  # swap, so that no letter is ever there twice
            # Exchanged, so that no letter is ever there twice, and one click corrects two rows.
            letters[letters.index(letter)] = letters[row]
        letters[row] = letter
        self._axes = "".join(letters)
        self._rebuild()

    def setRole(self, letter: str, role: int) -> None:
        """Say what part an axis plays, by its place in the list of its parts."""
        if role and letter in "ZT":  # only one axis can be the depth
            self._roles |= {"Z": 0, "T": 0}
        self._roles[letter] = role
        self._rebuild()

    def letterBox(self, row: int) -> QComboBox:
        """Where a row's letter is chosen."""
        return self._rows[row][0]

    def roleBox(self, row: int) -> QComboBox:
        """Where a row's part is chosen."""
        return self._rows[row][2]

    def value(self) -> Layout:
        """The layout the rows describe.

        Raises
        ------
        AxesError
            If the axes chosen cannot be used together.
        """
        # A model was trained on one kind of piece; there is nothing to choose.
        if self._forced:
            return self._forced(self._axes)
        # Z before T if ever both are chosen, which `setRole` prevents.
        depth = [letter for letter in "ZT" if self._role_of(letter) == 1]
        channels: Literal["independent", "joint"] = "joint" if self._role_of("C") else "independent"
        return Layout(self._axes, "".join(depth) + "YX", channels)

    def isValid(self) -> bool:
        """Whether there is an image and its axes can be used together."""
        try:
            return bool(self._axes) and bool(self.value())
        except AxesError:
            return False

    def sentence(self) -> str:
        """What will be done, in words, or why it cannot be done."""
        if not self._axes:
            return ""
        try:
            words = self.value().describe(self._shape)
        except AxesError as error:
            return str(error)
        return f"{words[0].upper()}{words[1:]}."

    def _role_of(self, letter: str) -> int:
        # Y and X are always space: nothing is to choose.
        if letter not in self._axes or letter in "YX":
            return 0
        if self._forced and self.isValid():
            forced = self._forced(self._axes)
            return int(letter in forced.spatial or (letter == "C" and forced.channels == "joint"))
        if self._forced or (letter == "C" and not self._joint_offered):
            return 0
        # Kept by letter, not by row: what was said of Z holds for the next image with a Z.
        return self._roles.get(letter, 0)

    def _rebuild(self) -> None:
        # Rows are used again rather than made anew: a box that is open while its own choice is
        # worked on must not be deleted under the mouse.
        while len(self._rows) > len(self._axes):
            for widget in self._rows.pop():
                self._grid.removeWidget(widget)
                widget.deleteLater()
        while len(self._rows) < len(self._axes):
            self._add_row(len(self._rows))
        for row, size in enumerate(self._shape):
            self._fill_row(row, size)
        # Below the last row that there can ever be, so that it need not move.
        self._grid.addWidget(self._sentence, len(LETTERS), 0, 1, 3)
        self._sentence.setText(self.sentence())
        self.valueChanged.emit()

    def _add_row(self, row: int) -> None:
        letter, size, role = QComboBox(), QLabel(), QComboBox()
        letter.setToolTip(
            "Which axis this is: "
            + ", ".join(f"{key} {words.axis}" for key, words in AXIS_WORDS.items())
            + "."
        )
        role.setToolTip("What part the axis plays.")
        letter.addItems(list(LETTERS))
        letter.activated.connect(lambda index, row=row: self.setLetter(row, LETTERS[index]))
        role.activated.connect(lambda index, row=row: self.setRole(self._axes[row], index))
        for column, widget in enumerate((letter, size, role)):
            self._grid.addWidget(widget, row, column)
        self._rows.append((letter, size, role))

    def _fill_row(self, row: int, size: int) -> None:
        letter, label, role = self._rows[row]
        name = self._axes[row]
        roles = (
            _ROLES[name] if name != "C" or self._joint_offered or self._forced else _ROLES[name][:1]
        )
        letter.setCurrentIndex(LETTERS.index(name))
        label.setText(f"{size}")
        role.clear()
        role.addItems(list(roles))
        role.setCurrentIndex(self._role_of(name))
        role.setEnabled(len(roles) > 1 and not self._forced)
