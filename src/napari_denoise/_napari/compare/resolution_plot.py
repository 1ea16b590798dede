"""Fourier correlation: how fine a detail can be and still be there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from qtpy.QtWidgets import QVBoxLayout

from napari_denoise._napari.compare.chooser import ComparisonChooser
from napari_denoise._napari.compare.comparison import Comparison
from napari_denoise._napari.compare.shown import shown_part, sizes_and_unit
from napari_denoise._napari.compare.view import View
from napari_denoise._napari.shared.dock import Task, ViewerDock
from napari_denoise._qt.message import WrappedLabel
from napari_denoise._qt.plot import Marker, Plot, Series
from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.evaluation import is_raw
from napari_denoise.metrics import (
    FourierCorrelation,
    fourier_correlation_job,
    split_fourier_correlation_job,
)
from napari_denoise.metrics.fourier_rings import THRESHOLD

__all__ = ["Correlation", "ResolutionPlot", "correlate_job"]


@dataclass(frozen=True, slots=True)
class Correlation:
    """A Fourier correlation, in the unit of the image's pixels."""

    name: str
    unit: str
    found: FourierCorrelation


def correlate_job(pairs: Sequence[tuple[Image, Image | None]]) -> Job[tuple[Correlation, ...]]:
    """Correlate each pair, with the pixel as unit of length where its size is not known.

    Parameters
    ----------
    pairs : sequence of (Image, Image or None)
        Images of one scene, as :func:`.shown_part` gives them; without a second one the first is
        split in two.

    Raises
    ------
    InputError
        If shapes differ, a plane is too small, or a pixel is not finite.
    """
    curves = []
    for i, (image, other) in enumerate(pairs):
        # Per image: one may be calibrated, and its reference not.
        sizes, unit = sizes_and_unit(image)
        if other is None:
            job = split_fourier_correlation_job(image.pixels, pixel_size_um=sizes)
        else:
            job = fourier_correlation_job(other.pixels, image.pixels, pixel_size_um=sizes)
        share = i / len(pairs), (i + 1) / len(pairs)
        found = yield from nested(job, *share, f"Correlating {image.name}")
        curves.append(Correlation(image.name, unit, found))
    return tuple(curves)


class ResolutionPlot(View):
    """Fourier ring correlation of the planes that are shown, shell correlation of volumes."""

    tab = "Plots"
    title = "Resolution (Fourier correlation)"

    def __init__(self, dock: ViewerDock, chooser: ComparisonChooser) -> None:
        super().__init__(dock, chooser)
        self.runBar: RunBar = dock.makeRunBar(self._prepare, run_text="Correlate what is shown")
        self.runBar.setToolTip(
            "Correlates the plane that is shown (in 3D, the volume) with that of the reference: "
            "detail counts as resolved where they agree. Without a reference, raw images only: "
            "each is split in two."
        )
        self.plot = Plot("Correlation over spatial frequency")
        self._label = WrappedLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.runBar)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self._label)

    def text(self) -> str:
        """The resolutions, in words."""
        return self._label.text()

    def _prepare(self) -> Task:
        chosen = self.chooser.value()
        clean = self._shown(chosen, chosen.clean) if chosen.clean else None
        # A denoised image split in two agrees with itself: denoising has correlated the noise of
        # neighbours, and the halves would share it.
        images = [image for image in chosen.others if clean or is_raw(image.recipe)]
        if not images:
            raise InputError(
                "What was denoised agrees with itself: its resolution can be told only against a "
                "reference, such as a second exposure. Choose one, or tick a raw layer."
            )
        pairs = [(self._shown(chosen, image), clean) for image in images]
        return Task(partial(correlate_job, pairs), self._show)

    def _shown(self, chosen: Comparison, image: Image) -> Image:
        return shown_part(self.dock.viewer, chosen.layers[image], image)

    def _show(self, curves: tuple[Correlation, ...]) -> None:
        # The same for all: images of other pixel sizes are not compared.
        unit = curves[0].unit
        series = [
            Series(curve.name, curve.found.frequency_per_um, curve.found.correlation)
            for curve in curves
        ]
        self.plot.setValue(
            series,
            x_label=f"spatial frequency (1/{unit})",
            y_label="correlation",
            # What the numbers below are read off at; quoted with them, as other thresholds are in
            # use.
            markers=[Marker(THRESHOLD, "1/7", "y")],
            # From just below nothing in common to just above the same, whatever the curves are.
            y_range=(min(-0.05, *(min(curve.found.correlation) for curve in curves)), 1.05),
        )
        lines = [f"{curve.name}: {_resolution(curve)}" for curve in curves]
        self._label.setText("Resolution\n" + "\n".join(lines))


def _resolution(curve: Correlation) -> str:
    found = curve.found
    # The curve stays above the threshold up to the finest detail that pixels of this size hold.
    if math.isnan(found.resolution_um):
        return f"finer than {found.limit_um:.3g} {curve.unit}"
    if math.isinf(found.resolution_um):
        return "no detail agrees"
    return f"{found.resolution_um:.3g} {curve.unit}"
