"""What every view of the Compare dock is.

To add a view, write a subclass of :class:`View` in a file of its own, and name it in ``VIEWS`` in
``widget.py``; nothing else needs to know of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QStackedWidget, QVBoxLayout, QWidget

from napari_denoise._napari.compare.chooser import ComparisonChooser
from napari_denoise._napari.compare.comparison import Measured
from napari_denoise._napari.shared.dock import ViewerDock
from napari_denoise._qt.run_bar import RunBar

__all__ = ["View", "ViewTab"]


class View(QWidget):
    """One way to look at the layers that are compared.

    Parameters
    ----------
    dock : ViewerDock
        Whose viewer is looked at, and which makes run bars.
    chooser : ComparisonChooser
        What is compared with what.

    Attributes
    ----------
    tab : str
        The tab the view stands in. Several in one tab are chosen from a list.
    title : str
        What that list calls it.
    runBar : RunBar or None
        Runs what takes time; greyed out while no layer is ticked.
    """

    tab: ClassVar[str]
    title: ClassVar[str] = ""
    measured = Signal(object)
    """Layers were measured: a tuple of `Measured`, which all views get to see."""

    def __init__(self, dock: ViewerDock, chooser: ComparisonChooser) -> None:
        super().__init__()
        self.dock = dock
        self.chooser = chooser
        self.runBar: RunBar | None = None

    def refresh(self) -> None:
        """Follow the chooser: other layers are compared, or the same have changed."""

    def setMeasured(self, found: tuple[Measured, ...]) -> None:
        """Take what was measured last."""

    def shutdown(self) -> None:
        """Stop following the viewer."""


class ViewTab(QWidget):
    """The views of a tab: the only one, or a list and the chosen one.

    Attributes
    ----------
    views : tuple of View
    """

    def __init__(self, views: Sequence[View]) -> None:
        super().__init__()
        self.views = tuple(views)
        self._titles = QComboBox()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        # Straight into the tab: a stack draws a frame of its own around it.
        if len(views) == 1:
            layout.addWidget(views[0])
            return
        stack = QStackedWidget()
        for view in views:
            self._titles.addItem(view.title)
            stack.addWidget(view)
        # Both in the order of the list of views, so that places are all that has to agree.
        self._titles.currentIndexChanged.connect(stack.setCurrentIndex)
        layout.addWidget(self._titles)
        layout.addWidget(stack, 1)

    def setView(self, view: View) -> None:
        """Choose a view."""
        self._titles.setCurrentIndex(self.views.index(view))
