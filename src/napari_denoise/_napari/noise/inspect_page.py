"""Inspect: what camera a layer was recorded with, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from napari.layers import Image as ImageLayer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_denoise._napari.shared.choosers import LayerChooser
from napari_denoise._napari.shared.dock import Page, Task, ViewerDock
from napari_denoise._napari.shared.layers import keep_calibrations, read_layer
from napari_denoise._qt.fact_sheet import Fact, FactSheet
from napari_denoise._qt.message import WrappedLabel
from napari_denoise._qt.plot import Marker, Plot, Series
from napari_denoise.core.dtype import dtype_range
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.noise import Calibration, Noise, calibrate_channels_job
from napari_denoise.noise.calibration.statistics import SLIGHTLY_CORRELATED

__all__ = ["InspectPage"]

# Places in the list of what can be measured on.
_SINGLE, _REPEATS, _DARK = range(3)


class InspectPage(Page):
    """Calibrates the chosen layer, channel by channel, and shows what came of it.

    Attributes
    ----------
    modeBox : QComboBox
        What the layer shows: one image, repeats, or flat frames.
    darkChooser : LayerChooser
    channelBox : QComboBox
    report : Report
    useButton : QPushButton
    runBar : RunBar
    """

    noiseFound = Signal(object)
    """A noise model to simulate, which the user wants to use."""

    def __init__(self, dock: ViewerDock) -> None:
        super().__init__()
        self._layer: ImageLayer | None = None
        # What most cameras write, until an image says otherwise.
        self._bit_depth = 16
        self._calibrations: tuple[Calibration, ...] = ()
        self.modeBox = QComboBox()
        self.darkChooser = dock.closing(LayerChooser(dock.viewer.layers))
        self.runBar = dock.makeRunBar(self._prepare, run_text="Inspect")
        self.channelBox = QComboBox()
        self.report = Report()
        self.useButton = QPushButton("Use in the simulator")
        self._build()
        self.modeBox.currentIndexChanged.connect(self._on_mode_changed)
        self.channelBox.currentIndexChanged.connect(self._show_channel)
        self.useButton.clicked.connect(self._on_use_clicked)
        self._on_mode_changed()

    def setLayer(self, layer: ImageLayer | None) -> None:
        """Choose the layer to inspect; what was found on another one goes."""
        # New pixels of the same layer come here, too; what was found holds until it is measured
        # anew.
        if layer is not self._layer:
            self._layer = layer
            self._show(())

    def calibration(self) -> Calibration | None:
        """What is shown."""
        # -1 while the box is being filled.
        index = max(self.channelBox.currentIndex(), 0)
        return self._calibrations[index] if self._calibrations else None

    def _build(self) -> None:
        self.modeBox.addItems(
            ["this image alone", "repeats along time", "flat frames, and dark ones"]
        )
        self.addRow(
            "Measure",
            self.modeBox,
            "Any image with flat parts will do. Repeats of one unchanging field, or evenly lit "
            "frames and frames without light, give better numbers.",
        )
        self._dark_row = self.addRow(
            "Dark", self.darkChooser, "Frames without light, at the same exposure time."
        )
        self.addWidget(self.runBar)
        self._channel_row = self.addRow("Channel", self.channelBox, "Each has a gain of its own.")
        self.addWidget(self.report)
        self.useButton.setToolTip("Simulate noise as this detector has it")
        self.addWidget(self.useButton)
        self._show(())

    def _on_mode_changed(self) -> None:
        self._dark_row.setVisible(self.modeBox.currentIndex() == _DARK)

    def _prepare(self) -> Task:
        if self._layer is None:
            raise InputError("There is no image layer. Open or add an image first.")
        layer, mode = self._layer, self.modeBox.currentIndex()
        image = read_layer(layer)
        dark = self.darkChooser.layer() if mode == _DARK else None
        # The chooser starts with the active layer, which mostly is the image: easily overlooked.
        if dark is self._layer:
            raise InputError("The dark frames are the image itself. Choose another layer for them.")
        make_job = partial(
            calibrate_channels_job,
            image,
            is_repeated=mode != _SINGLE,
            dark=read_layer(dark).pixels if dark is not None else None,
        )
        return Task(make_job, partial(self._use, layer, image))

    def _use(self, layer: ImageLayer, image: Image, calibrations: tuple[Calibration, ...]) -> None:
        keep_calibrations(layer, calibrations)
        limits = dtype_range(image.dtype)
        # The simulator is to saturate where the detector did; floats do not say where that is.
        self._bit_depth = min(int(np.log2(limits[1] + 1)), 32) if limits else 16
        # Another layer may have been chosen meanwhile. What was found is kept with its own.
        if layer is self._layer:
            self._show(calibrations)

    def _show(self, calibrations: tuple[Calibration, ...]) -> None:
        self._calibrations = calibrations
        self.channelBox.clear()
        self.channelBox.addItems([str(i) for i in range(len(calibrations))])
        # One channel is nothing to choose from.
        self._channel_row.setVisible(len(calibrations) > 1)
        self._show_channel()

    def _show_channel(self) -> None:
        found = self.calibration()
        self.report.setVisible(found is not None)
        self.useButton.setVisible(found is not None)
        if found is not None:
            self.report.setValue(found)

    def _on_use_clicked(self) -> None:
        found = self.calibration()
        if found is not None:
            noise: Noise = found.noise(bit_depth=self._bit_depth)
            self.noiseFound.emit(noise)


class Report(QWidget):
    """A calibration: verdict, numbers, mean–variance plot, correlation, and what to do.

    Attributes
    ----------
    facts : FactSheet
    curve, correlation : Plot
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._verdict = WrappedLabel(self)
        self.facts = FactSheet()
        self.curve = Plot()
        self.correlation = Plot()
        self._advice = WrappedLabel(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        # The verdict and what to do come before the numbers: who reads no further has read those.
        for widget in (self._verdict, self._advice, self.facts, self.curve, self.correlation):
            layout.addWidget(widget)

    def setValue(self, found: Calibration) -> None:
        """Show this calibration."""
        # Beside words that say the same: colours alone do not reach everybody.
        color = "#30a46c" if found.reliable else "#e0a030"
        self._verdict.setStyleSheet(
            f"border-left: 3px solid {color}; padding: 2px 2px 2px 6px; font-weight: bold;"
        )
        self._verdict.setText("Reliable" if found.reliable else "Not reliable, read why")
        self._advice.setText(found.advice)
        self.facts.setValue(facts_of(found))
        self._show_curve(found)
        self._show_correlation(found)

    def adviceText(self) -> str:
        """What to do about it, in words."""
        return self._advice.text()

    def _show_curve(self, found: Calibration) -> None:
        # Photon noise is a straight line here: its slope is the gain, and where it bends the fit is
        # not to be believed.
        mean, variance = np.array(found.points).T
        # From the offset on, where the line ends in the read noise alone.
        ends = np.linspace(min(mean.min(), found.offset), mean.max(), 50)
        line = f"fit: gain {found.gain:.3g}"
        self.curve.setValue(
            [
                Series("measured", mean, variance, "points"),
                Series(line, ends, found.variance(ends)),
            ],
            x_label="mean (DN)",
            y_label="variance (DN²)",
            markers=[Marker(found.offset, "offset")],
        )

    def _show_correlation(self, found: Calibration) -> None:
        along = {"along Y": found.autocorrelation_y, "along X": found.autocorrelation_x}
        self.correlation.setValue(
            [
                # With itself a pixel agrees fully: the curve starts from there.
                Series(name, range(len(values) + 1), [1, *values], "line+points")
                for name, values in along.items()
            ],
            x_label="distance (pixels)",
            y_label="correlation",
            y_range=(min(-0.1, *found.autocorrelation_y, *found.autocorrelation_x), 1.05),
            markers=[Marker(SLIGHTLY_CORRELATED, "mask above", "y")],
        )


def facts_of(found: Calibration) -> Sequence[Fact]:
    """A calibration's numbers, with their units."""
    return (
        Fact("gain", found.gain, "DN/e⁻", found.gain_interval, "Per photo-electron."),
        Fact("offset", found.offset, "DN", found.offset_interval, "Level without light."),
        Fact(
            "read noise", found.read_noise, "DN", found.read_noise_interval, "Noise without light."
        ),
        Fact("correlation Y", found.correlation_y, "", None, "Of a pixel with the one below."),
        Fact("correlation X", found.correlation_x, "", None, "Of a pixel with the one beside."),
        Fact("mask Y", found.mask_span_y, "px", None, "Pixels a blind spot must cover along Y."),
        Fact("mask X", found.mask_span_x, "px", None, "Pixels a blind spot must cover along X."),
        Fact("row stripes", found.row_stripes, "DN", None, "Spread of the rows' own offsets."),
        Fact("col. stripes", found.column_stripes, "DN", None, "Spread of the columns' offsets."),
        Fact("saturated", found.saturated, "%", None, "Pixels at the detector's upper end."),
        Fact("signal lost", found.bleached, "%", None, "From the first frame to the last."),
    )
