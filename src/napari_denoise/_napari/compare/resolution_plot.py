"""Fourier correlation: how fine a detail can be and still be there."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_denoise._napari.compare.curves import Correlation, Exposures, correlate
from napari_denoise._napari.compare.subjects import Subjects
from napari_denoise._napari.compare.view import shown_part
from napari_denoise._napari.shared.dock import Task
from napari_denoise._qt.message import WrappedLabel
from napari_denoise._qt.plot import Marker, Plot, Series
from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.errors import InputError
from napari_denoise.evaluation import is_raw
from napari_denoise.metrics.resolution import THRESHOLD

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["ResolutionPlot"]


class ResolutionPlot(QWidget):
    """Fourier ring correlation of the planes that are shown, shell correlation of volumes."""

    def __init__(
        self,
        viewer: ViewerModel,
        make_run_bar: Callable[..., RunBar],
        subjects: Callable[[], Subjects],
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._subjects = subjects
        self.run_bar = make_run_bar(self._prepare, run_text="Correlate what is shown")
        self.run_bar.setToolTip(
            "Correlates the plane that is shown (in 3D, the volume) with that of the reference: "
            "detail counts as resolved where they agree. Without a reference, raw images only: "
            "each is split in two."
        )
        self.plot = Plot("Correlation over spatial frequency")
        self._label = WrappedLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.run_bar)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self._label)

    def text(self) -> str:
        """The resolutions, in words."""
        return self._label.text()

    def _prepare(self) -> Task:
        subjects = self._subjects()
        clean = shown_part(self._viewer, subjects.clean) if subjects.clean else None
        images = subjects.others if clean else tuple(s for s in subjects.others if is_raw(s.recipe))
        if not images:
            raise InputError(
                "What was denoised agrees with itself: its resolution can be told only against a "
                "reference, such as a second exposure. Choose one, or tick a raw layer."
            )
        pairs = [Exposures(s.name, shown_part(self._viewer, s), clean) for s in images]
        return Task(partial(correlate, pairs), self._show)

    def _show(self, curves: tuple[Correlation, ...]) -> None:
        unit = curves[0].unit
        series = [
            Series(curve.name, curve.found.frequency_per_um, curve.found.correlation)
            for curve in curves
        ]
        self.plot.setValue(
            series,
            x_label=f"spatial frequency (1/{unit})",
            y_label="correlation",
            markers=[Marker(THRESHOLD, "1/7", "y")],
            y_range=(min(-0.05, *(min(curve.found.correlation) for curve in curves)), 1.05),
        )
        lines = [f"{curve.name}: {_resolution(curve)}" for curve in curves]
        self._label.setText("Resolution\n" + "\n".join(lines))


def _resolution(curve: Correlation) -> str:
    found = curve.found
    if math.isnan(found.resolution_um):
        return f"finer than {found.limit_um:.3g} {curve.unit}"
    if math.isinf(found.resolution_um):
        return "no detail agrees"
    return f"{found.resolution_um:.3g} {curve.unit}"
