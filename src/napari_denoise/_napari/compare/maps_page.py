"""Maps of a comparison: where layers differ, as new layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Image
from napari.utils import Colormap
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_denoise._napari.compare.measuring import DrawnMap, draw_maps
from napari_denoise._napari.compare.subjects import Subjects
from napari_denoise._napari.shared.dock import Task
from napari_denoise._napari.shared.layers import result_layer
from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.errors import InputError
from napari_denoise.core.recipe import Recipe
from napari_denoise.evaluation import MapKind, MapSettings

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["DIVERGING", "MapsPage"]

DIVERGING = Colormap(
    [[0.45, 0.75, 1.0], [0.05, 0.3, 0.75], [0, 0, 0], [0.75, 0.25, 0.0], [1.0, 0.75, 0.35]],
    name="blue–black–orange",
)
"""Black where nothing differs, blue below and orange above: also for the colour-blind."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A kind of map as users see it: its tick, the name of its layers, what it tells."""

    text: str
    label: str
    tooltip: str


_CHOICES = {
    MapKind.DIFFERENCE: _Choice(
        "Difference from the reference",
        "difference",
        "Layer minus reference: orange where the layer is too bright, blue where it is too dark, "
        "with zero in the middle of the contrast.",
    ),
    MapKind.ERROR: _Choice(
        "Absolute error", "error", "How far each pixel is from the reference, without a sign."
    ),
    MapKind.SSIM: _Choice(
        "Structural similarity (SSIM)",
        "SSIM",
        "Of each pixel's neighbourhood: white where it is that of the reference.",
    ),
    MapKind.RESIDUAL: _Choice(
        "Residual: what was taken out",
        "residual",
        "Noisy image minus layer. Structure in it went with the noise.",
    ),
}


class MapsPage(QWidget):
    """A tick for each kind of map, and a button that adds them as layers."""

    def __init__(
        self,
        viewer: ViewerModel,
        make_run_bar: Callable[..., RunBar],
        subjects: Callable[[], Subjects],
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._subjects = subjects
        self._boxes = {kind: QCheckBox(choice.text) for kind, choice in _CHOICES.items()}
        self._boxes[MapKind.DIFFERENCE].setChecked(True)
        self._boxes[MapKind.RESIDUAL].setChecked(True)
        self.run_bar = make_run_bar(self._prepare, run_text="Add as layers")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        for kind, box in self._boxes.items():
            box.setToolTip(_CHOICES[kind].tooltip)
            layout.addWidget(box)
        layout.addWidget(self.run_bar)
        layout.addStretch(1)

    def setKinds(self, kinds: Iterable[MapKind]) -> None:
        """Tick these kinds and no other."""
        wanted = set(kinds)
        for kind, box in self._boxes.items():
            box.setChecked(kind in wanted)

    def setCompanions(self, *, has_clean: bool, has_noisy: bool) -> None:
        """Grey out what there is nothing to draw against."""
        for kind, box in self._boxes.items():
            is_possible = has_noisy if kind.needs_noisy else has_clean
            lacking = "the noisy image" if kind.needs_noisy else "a reference"
            box.setEnabled(is_possible)
            box.setToolTip(_CHOICES[kind].tooltip if is_possible else f"Choose {lacking} first.")

    def _prepare(self) -> Task:
        kinds = [kind for kind, box in self._boxes.items() if box.isEnabled() and box.isChecked()]
        if not kinds:
            raise InputError("No map is ticked that can be drawn. Tick one.")
        return Task(partial(draw_maps, self._subjects(), kinds), self._add)

    def _add(self, drawn: tuple[DrawnMap, ...]) -> None:
        if not drawn:
            raise InputError("A layer has no difference from itself. Tick another layer.")
        for each in drawn:
            same_kind = [other.map.contrast for other in drawn if other.kind is each.kind]
            # One contrast for all: the eye compares layers, not scales.
            contrast = min(low for low, _ in same_kind), max(high for _, high in same_kind)
            self._viewer.add_layer(_layer(each, contrast))


def _layer(drawn: DrawnMap, contrast: tuple[float, float]) -> Image:
    settings = MapSettings(name=drawn.kind, other=drawn.other.name, data_range=drawn.data_range)
    recipe = Recipe.of("compare", settings, dtype="float32", axes=drawn.source.axes)
    layer = result_layer(
        drawn.source, drawn.map.pixels, label=_CHOICES[drawn.kind].label, recipe=recipe
    )
    low, high = drawn.map.limits
    layer.colormap = DIVERGING if low < 0 else "gray" if drawn.kind is MapKind.SSIM else "magma"
    layer.contrast_limits_range = min(low, contrast[0]), max(high, contrast[1])
    layer.contrast_limits = contrast
    layer.gamma = 1.0
    layer.blending = "translucent_no_depth"
    layer.visible = True
    return layer
