"""The Compare dock: layers against a reference or what they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image
from qtpy.QtWidgets import QPushButton, QTabWidget, QWidget

from napari_denoise._napari.compare.data_range import DataRange
from napari_denoise._napari.compare.maps_page import MapsPage
from napari_denoise._napari.compare.numbers_page import NumbersPage
from napari_denoise._napari.compare.plots_page import PlotsPage
from napari_denoise._napari.compare.side_by_side import SideBySide
from napari_denoise._napari.compare.subjects import (
    Subjects,
    as_image,
    guess_noisy,
    guess_reference,
    is_map,
    reason_against,
)
from napari_denoise._napari.shared.choosers import LayerChecklist, LayerChooser
from napari_denoise._napari.shared.dock import ViewerDock
from napari_denoise._napari.shared.layers import read_layer, refusal
from napari_denoise.core.errors import InputError
from napari_denoise.evaluation import stack_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["CompareWidget"]

_MIN_WIDTH = 345
"""Pixels; in these the table shows a name with its three numbers."""


class CompareWidget(ViewerDock):
    """What is compared with what; then numbers, maps, plots, and a grid with one contrast."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        layers = napari_viewer.layers
        reference = LayerChooser(layers, none_text="none: measure without one")
        self._reference = self.closing(reference, reference.close_watch)
        noisy = LayerChooser(layers, none_text="none")
        self._noisy = self.closing(noisy, noisy.close_watch)
        images = LayerChecklist(layers, tick_new=lambda _layer: True)
        self._images = self.closing(images, images.close_watch)
        self._range = DataRange()
        self._side_by_side = SideBySide(napari_viewer)
        self._side_button = QPushButton("Side by side")
        self.closing(self._side_button, self._side_by_side.hide)
        self._numbers = NumbersPage(self.makeRunBar, self.subjects)
        self._run_bar = self._numbers.run_bar
        self._maps = MapsPage(napari_viewer, self.makeRunBar, self.subjects)
        plots = PlotsPage(napari_viewer, self.makeRunBar, self.subjects)
        self._plots = self.closing(plots, plots.close_watch)
        self._tabs = QTabWidget()
        self._is_reference_chosen = self._is_noisy_chosen = False
        self._build()
        self._connect()
        self._on_layers_changed()

    @property
    def is_measuring(self) -> bool:
        """Whether numbers are still to come."""
        return self._run_bar.is_running

    def setReference(self, layer: Image | None) -> None:
        """Choose the layer to measure against."""
        self._is_reference_chosen = True
        self._reference.setLayer(layer)

    def setNoisy(self, layer: Image | None) -> None:
        """Choose the layer the others were made from."""
        self._is_noisy_chosen = True
        self._noisy.setLayer(layer)

    def setDataRange(self, data_range: float) -> None:
        """Choose the range PSNR and SSIM are given for, in the images' units."""
        self._range.setValue(data_range)

    def showSideBySide(self) -> None:
        """Show the reference and the ticked layers in a grid."""
        self._side_button.setChecked(True)

    def measure(self) -> None:
        """Add a row for each ticked layer, as a click on Measure does."""
        self._run_bar.run()

    def subjects(self) -> Subjects:
        """What is chosen to be compared.

        Raises
        ------
        InputError
            If no layer is ticked.
        """
        clean, noisy = self._reference.layer(), self._noisy.layer()
        others = self._images.layers()
        if not others:
            what = "ticked" if self._viewer.layers else "open"
            raise InputError(f"There is no image layer {what}. Open or tick one first.")
        return Subjects(
            read_layer(clean) if clean else None,
            read_layer(noisy) if noisy else None,
            tuple(read_layer(layer) for layer in others),
            self._range.value() if clean else None,
        )

    def _build(self) -> None:
        self.setMinimumWidth(_MIN_WIDTH)
        self._side_button.setCheckable(True)
        self._side_button.setToolTip(
            "Show the reference and the ticked layers in a grid, with names and one contrast "
            "locked across all. Click again to get the previous view back."
        )
        self.addRow(
            "Reference",
            self._reference,
            "The clean image, or a second exposure of the same scene. Without one, the noisy image "
            "tells what was taken out.",
        )
        self._range_row = self.addRow("Range", self._range)
        self.addRow(
            "Made from",
            self._noisy,
            "The noisy image that the layers were made from: for the residual, and for checking "
            "intensities.",
        )
        self.addHeading("Layers to compare")
        self.addWidget(self._images)
        self.addWidget(self._side_button)
        for page, title in self._pages().items():
            self._tabs.addTab(page, title)
        self.addWidget(self._tabs, stretch=1)

    def _pages(self) -> dict[QWidget, str]:
        return {self._numbers: "Numbers", self._maps: "Maps", self._plots: "Plots"}

    def _connect(self) -> None:
        self._reference.layerChanged.connect(self._on_layers_changed)
        self._reference.activated.connect(self._on_reference_activated)
        self._noisy.layerChanged.connect(self._on_layers_changed)
        self._noisy.activated.connect(self._on_noisy_activated)
        self._images.checkedChanged.connect(self._on_layers_changed)
        self._side_button.toggled.connect(self._on_side_button_toggled)
        self._numbers.measured.connect(self._plots.setMeasured)

    def _on_reference_activated(self) -> None:
        self._is_reference_chosen = True

    def _on_noisy_activated(self) -> None:
        self._is_noisy_chosen = True

    def _guess(self) -> None:
        """Choose reference and noisy image as long as the user has not."""
        layers = [layer for layer in self._viewer.layers if isinstance(layer, Image)]
        if not self._is_reference_chosen and self._reference.layer() is None:
            self._reference.setLayer(guess_reference(layers))
        if not self._is_noisy_chosen:
            guess = guess_noisy(layers, self._images.layers())
            self._noisy.setLayer(guess if guess is not self._reference.layer() else None)

    def _on_layers_changed(self) -> None:
        """Refuse what cannot be compared, and keep pages and grid in step."""
        self._guess()
        reference, noisy = self._reference.layer(), self._noisy.layer()
        self._images.setLeftOut(lambda layer: layer is reference or is_map(layer))
        self._images.setRefusals(lambda layer: reason_against(layer, (reference, noisy)))
        self._range.setReference(reference)
        self._range_row.setVisible(reference is not None)
        self._maps.setCompanions(has_clean=reference is not None, has_noisy=noisy is not None)
        ticked = self._images.layers()
        shown = [layer for layer in (reference, *ticked) if layer and not refusal(layer)]
        self._numbers.setAxes(_axes_before_planes(shown[0]) if shown and reference else "")
        reason = "" if ticked else "Tick a layer first."
        for page in self._pages():
            page.run_bar.setRunEnabled(bool(ticked), reason)
        self._plots.refresh()
        self._side_button.setEnabled(bool(ticked) or self._side_by_side.is_shown)
        if self._side_by_side.is_shown:
            self._side_button.setChecked(bool(ticked))
            self._on_side_button_toggled(is_on=bool(ticked))

    def _on_side_button_toggled(self, is_on: bool) -> None:  # noqa: FBT001
        layers = [layer for layer in (self._reference.layer(), *self._images.layers()) if layer]
        if is_on and layers:
            self._side_by_side.show(layers, layers[0])
        else:
            self._side_by_side.hide()


def _axes_before_planes(layer: Image) -> str:
    return stack_of(as_image(read_layer(layer))).axes[:-2]
