"""The Compare dock: layers against a reference or what they were made from."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypeVar, cast

from napari.layers import Image as ImageLayer
from qtpy.QtWidgets import QPushButton, QTabWidget

from napari_denoise._napari.compare.chooser import ComparisonChooser
from napari_denoise._napari.compare.maps_page import MapsPage
from napari_denoise._napari.compare.numbers_page import NumbersPage
from napari_denoise._napari.compare.profile_plot import ProfilePlot
from napari_denoise._napari.compare.resolution_plot import ResolutionPlot
from napari_denoise._napari.compare.score_plot import ScorePlot
from napari_denoise._napari.compare.side_by_side import SideBySide
from napari_denoise._napari.compare.view import View, ViewTab
from napari_denoise._napari.shared.dock import ViewerDock

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["VIEWS", "CompareWidget"]

VIEWS: tuple[type[View], ...] = (NumbersPage, MapsPage, ProfilePlot, ScorePlot, ResolutionPlot)
"""All views, in the order of their tabs and in the lists of these."""

# Pixels; in these the table shows a name with its three numbers.
_MIN_WIDTH = 345

V = TypeVar("V", bound=View)


class CompareWidget(ViewerDock):
    """What is compared with what; then the views of it, and a grid with one contrast.

    Attributes
    ----------
    chooser : ComparisonChooser
    sideButton : QPushButton
        Shows the grid while it is down.
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        self.chooser = self.closing(ComparisonChooser(napari_viewer))
        self._side_by_side = SideBySide(napari_viewer)
        self.sideButton = QPushButton("Side by side")
        self._views = {cls: cls(self, self.chooser) for cls in VIEWS}
        self._tabs = QTabWidget()
        self._build()
        self._connect()
        self._on_chooser_changed()

    @property
    def is_measuring(self) -> bool:
        """Whether numbers are still to come."""
        return self.view(NumbersPage).runBar.is_running

    def setReference(self, layer: ImageLayer | None) -> None:
        """Choose the layer to measure against."""
        self.chooser.setReference(layer)

    def setNoisy(self, layer: ImageLayer | None) -> None:
        """Choose the layer the others were made from."""
        self.chooser.setNoisy(layer)

    def setDataRange(self, data_range: float) -> None:
        """Choose the range PSNR and SSIM are given for, in the images' units."""
        self.chooser.dataRange.setValue(data_range)

    def showSideBySide(self) -> None:
        """Show the reference and the ticked layers in a grid."""
        self.sideButton.setChecked(True)

    def measure(self) -> None:
        """Add a row for each ticked layer, as a click on Measure does."""
        self.view(NumbersPage).runBar.run()

    def view(self, cls: type[V]) -> V:
        """One of the views, by its class."""
        return cast("V", self._views[cls])

    def showView(self, cls: type[View]) -> None:
        """Turn to a view."""
        view = self._views[cls]
        for index in range(self._tabs.count()):
            tab: ViewTab = self._tabs.widget(index)
            if view in tab.views:
                tab.setView(view)
                self._tabs.setCurrentIndex(index)

    def _build(self) -> None:
        self.setMinimumWidth(_MIN_WIDTH)
        self.sideButton.setCheckable(True)
        self.sideButton.setToolTip(
            "Show the reference and the ticked layers in a grid, with names and one contrast "
            "locked across all. Click again to get the previous view back."
        )
        self.addWidget(self.chooser)
        self.addWidget(self.sideButton)
        # Views of one tab stand next to each other in the list.
        for title, views in groupby(self._views.values(), lambda view: view.tab):
            self._tabs.addTab(ViewTab(tuple(views)), title)
        self.addWidget(self._tabs, stretch=1)

    def _connect(self) -> None:
        self.chooser.changed.connect(self._on_chooser_changed)
        self.sideButton.toggled.connect(self._on_side_button_toggled)
        self.closed.connect(self._side_by_side.hide)
        for view in self._views.values():
            self.closing(view)
            for other in self._views.values():
                # Views know nothing of each other: what one has measured is offered to all.
                view.measured.connect(other.setMeasured)

    def _on_chooser_changed(self) -> None:
        """Keep views and grid in step with what is chosen."""
        is_any_ticked = bool(self.chooser.layers())
        for view in self._views.values():
            view.refresh()
            if view.runBar is not None:
                # Said here for all views: what is compared is chosen above them.
                reason = "" if is_any_ticked else "Tick a layer first."
                view.runBar.setRunEnabled(is_any_ticked, reason)
        self.sideButton.setEnabled(is_any_ticked or self._side_by_side.is_shown)
        if self._side_by_side.is_shown:
            self.sideButton.setChecked(is_any_ticked)
            # Also if the button does not change: other layers belong into the grid now.
            self._on_side_button_toggled(is_on=is_any_ticked)

    def _on_side_button_toggled(self, is_on: bool) -> None:  # noqa: FBT001
        layers = [layer for layer in (self.chooser.reference(), *self.chooser.layers()) if layer]
        if is_on and layers:
            self._side_by_side.show(layers, layers[0])
        else:
            self._side_by_side.hide()
