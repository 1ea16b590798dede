"""The plots of a comparison, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QStackedWidget, QVBoxLayout, QWidget

from napari_denoise._napari.compare.measuring import Measured
from napari_denoise._napari.compare.profile_plot import ProfilePlot
from napari_denoise._napari.compare.resolution_plot import ResolutionPlot
from napari_denoise._napari.compare.score_plot import ScorePlot
from napari_denoise._napari.compare.subjects import Subjects
from napari_denoise._qt.run_bar import RunBar

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["Curve", "PlotsPage"]


class Curve(IntEnum):
    """What is plotted, by its place in the list."""

    PROFILE = 0
    SCORES = 1
    RESOLUTION = 2


class PlotsPage(QWidget):
    """A list of plots, and the chosen one."""

    def __init__(
        self,
        viewer: ViewerModel,
        make_run_bar: Callable[..., RunBar],
        subjects: Callable[[], Subjects],
    ) -> None:
        super().__init__()
        self.profile = ProfilePlot(viewer, subjects)
        self.scores = ScorePlot()
        self.resolution = ResolutionPlot(viewer, make_run_bar, subjects)
        self._choice = QComboBox()
        self._choice.addItems(
            ["Profile along a line", "Scores along a stack", "Resolution (Fourier correlation)"]
        )
        self._stack = QStackedWidget()
        for page in (self.profile, self.scores, self.resolution):
            self._stack.addWidget(page)
        self._choice.currentIndexChanged.connect(self._stack.setCurrentIndex)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.addWidget(self._choice)
        layout.addWidget(self._stack, 1)

    @property
    def run_bar(self) -> RunBar:
        """Where what takes time is run."""
        return self.resolution.run_bar

    def setCurve(self, curve: Curve) -> None:
        """Choose a plot."""
        self._choice.setCurrentIndex(curve)

    def setMeasured(self, found: tuple[Measured, ...]) -> None:
        """Take what was measured last."""
        self.scores.setMeasured(found)

    def refresh(self) -> None:
        """Something else is chosen to be compared."""
        self.profile.refresh()

    def close_watch(self) -> None:
        """Stop following the viewer."""
        self.profile.close_watch()
