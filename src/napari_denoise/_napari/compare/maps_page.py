"""Maps of a comparison: where layers differ, as new layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from napari.layers import Image as ImageLayer
from napari.utils import Colormap
from qtpy.QtWidgets import QCheckBox, QVBoxLayout

from napari_denoise._napari.compare.chooser import ComparisonChooser
from napari_denoise._napari.compare.comparison import Comparison, data_range_job
from napari_denoise._napari.compare.view import View
from napari_denoise._napari.shared.dock import Task, ViewerDock
from napari_denoise._napari.shared.results import result_layer
from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.recipe import Recipe
from napari_denoise.evaluation import Map, MapKind, MapSettings, draw_map_job

__all__ = ["DIVERGING", "DrawnMap", "MapsPage", "draw_maps_job"]

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


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """A map, what it is of, and what it was drawn against."""

    kind: MapKind
    image: Image
    other: Image
    map: Map
    data_range: float | None


def draw_maps_job(comparison: Comparison, kinds: Sequence[MapKind]) -> Job[tuple[DrawnMap, ...]]:
    """Draw each kind of map of each image that there is a companion for.

    Parameters
    ----------
    comparison : Comparison
    kinds : sequence of MapKind

    Raises
    ------
    InputError
        If shapes or scales differ, or a pixel is not finite.
    """
    # Needed by SSIM alone; else the reference would be read once more for nothing.
    if MapKind.SSIM in kinds:
        comparison = yield from data_range_job(comparison)
    wanted = [
        (kind, image, other)
        for kind in kinds
        for image in comparison.others
        if (other := comparison.noisy if kind.needs_noisy else comparison.clean)
        and other is not image
    ]
    drawn: list[DrawnMap] = []
    for i, (kind, image, other) in enumerate(wanted):
        data_range = comparison.data_range if kind is MapKind.SSIM else None
        job = draw_map_job(kind, image, other, data_range=data_range or 0.0)
        share = i / len(wanted), (i + 1) / len(wanted)
        found = yield from nested(job, *share, f"Drawing {image.name}")
        drawn.append(DrawnMap(kind, image, other, found, data_range))
    return tuple(drawn)


class MapsPage(View):
    """A tick for each kind of map, and a button that adds them as layers."""

    tab = "Maps"

    def __init__(self, dock: ViewerDock, chooser: ComparisonChooser) -> None:
        super().__init__(dock, chooser)
        self._boxes = {kind: QCheckBox(choice.text) for kind, choice in _CHOICES.items()}
        # The two that tell at a glance: where it is wrong, and what went with the noise.
        self._boxes[MapKind.DIFFERENCE].setChecked(True)
        self._boxes[MapKind.RESIDUAL].setChecked(True)
        self.runBar: RunBar = dock.makeRunBar(self._prepare, run_text="Add as layers")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for kind, box in self._boxes.items():
            box.setToolTip(_CHOICES[kind].tooltip)
            layout.addWidget(box)
        layout.addWidget(self.runBar)
        layout.addStretch(1)

    def setKinds(self, kinds: Iterable[MapKind]) -> None:
        """Tick these kinds and no other."""
        wanted = set(kinds)
        for kind, box in self._boxes.items():
            box.setChecked(kind in wanted)

    def box(self, kind: MapKind) -> QCheckBox:
        """The tick of a kind of map."""
        return self._boxes[kind]

    def refresh(self) -> None:
        """Grey out what there is nothing to draw against."""
        has_clean, has_noisy = (
            self.chooser.reference() is not None,
            self.chooser.noisy() is not None,
        )
        for kind, box in self._boxes.items():
            # Greyed out rather than hidden, with the way out in the tooltip.
            is_possible = has_noisy if kind.needs_noisy else has_clean
            lacking = "the noisy image" if kind.needs_noisy else "a reference"
            box.setEnabled(is_possible)
            box.setToolTip(_CHOICES[kind].tooltip if is_possible else f"Choose {lacking} first.")

    def _prepare(self) -> Task:
        kinds = [kind for kind, box in self._boxes.items() if box.isEnabled() and box.isChecked()]
        if not kinds:
            raise InputError("No map is ticked that can be drawn. Tick one.")
        comparison = self.chooser.value()
        return Task(partial(draw_maps_job, comparison, kinds), partial(self._add, comparison))

    def _add(self, comparison: Comparison, drawn: tuple[DrawnMap, ...]) -> None:
        # Everything ticked is its own companion.
        if not drawn:
            raise InputError("A layer has no difference from itself. Tick another layer.")
        for each in drawn:
            same_kind = [other.map.contrast for other in drawn if other.kind is each.kind]
            # One contrast for all: the eye compares layers, not scales.
            contrast = min(low for low, _ in same_kind), max(high for _, high in same_kind)
            self.dock.viewer.add_layer(_layer(comparison.layers[each.image], each, contrast))


def _layer(source: ImageLayer, drawn: DrawnMap, contrast: tuple[float, float]) -> ImageLayer:
    settings = MapSettings(name=drawn.kind, other=drawn.other.name, data_range=drawn.data_range)
    image = drawn.image
    recipe = Recipe.of(
        "compare",
        settings,
        source=image.name,
        previous=image.recipe,
        axes=image.axes,
        dtype="float32",
    )
    drawing = image.with_pixels(drawn.map.pixels, recipe=recipe)
    layer = result_layer(source, drawing, label=_CHOICES[drawn.kind].label)
    low, high = drawn.map.limits
    # A sign needs two hues, a similarity none, and an error one that shows small values.
    layer.colormap = DIVERGING if low < 0 else "gray" if drawn.kind is MapKind.SSIM else "magma"
    # The slider must reach what lies beyond the contrast, which leaves out the most extreme pixels.
    layer.contrast_limits_range = min(low, contrast[0]), max(high, contrast[1])
    layer.contrast_limits = contrast
    # Not the source's look: a map is read by its colours, on a scale of its own.
    layer.gamma = 1.0
    layer.blending = "translucent_no_depth"
    # A source may be hidden, but who asks for a map wants to see it.
    layer.visible = True
    return layer
