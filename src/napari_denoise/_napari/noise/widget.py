"""The Noise dock: noise on a clean layer, or what is to know of a noisy one's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QTabBar

from napari_denoise._napari.noise.inspect_page import InspectPage
from napari_denoise._napari.noise.simulate_page import SimulatePage
from napari_denoise._napari.shared.choosers import LayerChooser
from napari_denoise._napari.shared.dock import ViewerDock
from napari_denoise.noise import Noise

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["NoiseWidget"]

# Pixels; in these a camera's numbers are shown with their units.
_MIN_WIDTH = 325
_SIMULATE, _INSPECT = range(2)


class NoiseWidget(ViewerDock):
    """A layer, and two pages for it: *Simulate* and *Inspect*.

    Attributes
    ----------
    layerChooser : LayerChooser
    simulate : SimulatePage
    inspect : InspectPage
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        self.layerChooser = self.closing(LayerChooser(napari_viewer.layers))
        # Not a tab widget, which is as high as its highest page.
        self._tabs = QTabBar()
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(True)
        self._tabs.addTab("Simulate")
        self._tabs.addTab("Inspect")
        self.simulate = SimulatePage(self)
        self.inspect = InspectPage(self)
        self.setMinimumWidth(_MIN_WIDTH)
        self.addRow("Layer", self.layerChooser)
        for widget in (self._tabs, self.simulate, self.inspect):
            self.addWidget(widget)
        self._connect()

    def showSimulate(self) -> None:
        """Turn to the page that adds noise."""
        self._tabs.setCurrentIndex(_SIMULATE)

    def showInspect(self) -> None:
        """Turn to the page that measures noise."""
        self._tabs.setCurrentIndex(_INSPECT)

    def _connect(self) -> None:
        self._tabs.currentChanged.connect(self._on_tab_changed)
        self.layerChooser.layerChanged.connect(self._on_layer_changed)
        self.inspect.noiseFound.connect(self._on_noise_found)
        self._on_tab_changed()
        self._on_layer_changed()

    def _on_tab_changed(self) -> None:
        self.simulate.setVisible(self._tabs.currentIndex() == _SIMULATE)
        self.inspect.setVisible(self._tabs.currentIndex() == _INSPECT)

    def _on_layer_changed(self) -> None:
        self.simulate.setLayer(self.layerChooser.layer())
        # Both pages, though one is hidden: it may be turned to.
        self.inspect.setLayer(self.layerChooser.layer())

    def _on_noise_found(self, noise: Noise) -> None:
        self.simulate.setNoise(noise)
        # So one sees that it has arrived.
        self.showSimulate()
