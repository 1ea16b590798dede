"""The camera a layer was recorded with, as far as it is known, and a button to measure it."""

from __future__ import annotations

from functools import partial

from napari.layers import Image as ImageLayer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_denoise._napari.shared.layers import (
    calibration_of,
    keep_calibrations,
    read_layer,
    refusal,
)
from napari_denoise._qt.message import WrappedLabel
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.denoiser import Denoiser
from napari_denoise.core.errors import DenoiseError
from napari_denoise.noise import Calibration, calibrate_channels_job

__all__ = ["CameraBox", "calibrated"]

_CAMERA = ("gain", "offset", "read_noise")
_CORRELATION = ("correlation_y", "correlation_x")
_UNKNOWN = "The camera will be measured on the image."


class CameraBox(QWidget):
    """Says what is known of a layer's camera; *Measure* finds out, in the background.

    What was found is kept with the layer, and shared with the Noise dock's *Inspect*.

    Attributes
    ----------
    measureButton, forgetButton : QPushButton
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layer: ImageLayer | None = None
        self._text = WrappedLabel(self)
        self.measureButton = QPushButton("Measure")
        self.forgetButton = QPushButton("Forget")
        self.forgetButton.setToolTip("Measure the camera anew at each run")
        # Apart from the layer that is shown: another one may be chosen while this is measured.
        self._measured: ImageLayer | None = None
        self._runner = JobRunner(self)
        buttons = QHBoxLayout()
        buttons.addWidget(self.measureButton)
        buttons.addWidget(self.forgetButton)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text)
        layout.addLayout(buttons)
        self.measureButton.clicked.connect(self.measure)
        self.forgetButton.clicked.connect(self._on_forget_clicked)
        self._runner.finished.connect(self._on_runner_finished)
        self._runner.failed.connect(self._on_runner_failed)
        self._runner.ended.connect(lambda: self.measureButton.setEnabled(True))
        self._show()

    def setLayer(self, layer: ImageLayer | None) -> None:
        """Say what is known of this layer's camera."""
        self._layer = layer
        self._show()

    def calibration(self) -> Calibration | None:
        """What is known; None if nothing is, or if each of several channels has its own."""
        # Channels may come from different cameras, and a denoiser has room for one gain.
        if self._layer is None or refusal(self._layer) or "C" in read_layer(self._layer).axes:
            return None
        return calibration_of(self._layer)

    def text(self) -> str:
        """What is said of the camera."""
        return self._text.text()

    def setFindings(self, findings: str) -> None:
        """Say what a run has measured."""
        if findings and self.calibration() is None:
            self._text.setText(findings)

    def measure(self) -> None:
        """Calibrate the layer; ignored while that is being done."""
        if self._layer is None or self._runner.is_running:
            return
        try:
            image = read_layer(self._layer)
        except DenoiseError as error:
            self._on_runner_failed(error)
            return
        self._measured = self._layer
        self.measureButton.setEnabled(False)
        self._text.setText("Measuring…")
        self._runner.start(partial(calibrate_channels_job, image))

    def shutdown(self) -> None:
        """Let go of a measurement that is still running."""
        self._runner.cancel()
        # Long enough for any step of the job, short enough for closing a dock.
        self._runner.wait(2000)

    def _on_runner_finished(self, calibrations: tuple[Calibration, ...]) -> None:
        # With the layer, not here: the Noise dock finds it there, and it goes with the layer.
        if self._measured is not None:
            keep_calibrations(self._measured, calibrations)
        self._measured = None
        self._show()
        self.changed.emit()

    def _on_forget_clicked(self) -> None:
        if self._layer is not None:
            keep_calibrations(self._layer, ())
        self._show()
        self.changed.emit()

    def _on_runner_failed(self, error: BaseException) -> None:
        self._text.setText(str(error))

    def _show(self) -> None:
        found = self.calibration()
        self._text.setText(_in_words(found) if found else _UNKNOWN)
        self._text.setToolTip(found.advice if found else "")
        self.measureButton.setText("Measure again" if found else "Measure")
        self.measureButton.setEnabled(self._layer is not None)
        self.forgetButton.setVisible(found is not None)


def calibrated(denoiser: Denoiser, found: Calibration | None) -> Denoiser:
    """A denoiser that would measure the camera, with what is known of it.

    Parameters
    ----------
    denoiser : Denoiser
    found : Calibration or None
        What was measured on the image before; None if nothing was.

    Returns
    -------
    Denoiser
        The same settings, and gain, offset and read noise in DN where they were left open.
    """
    # A gain that was given is the user's, and who has no such setting measures no camera.
    if found is None or getattr(denoiser, "gain", 0.0) is not None:
        return denoiser
    # How much noise neighbours share matters to few, which have settings for it.
    named = (*_CAMERA, *(name for name in _CORRELATION if name in type(denoiser).model_fields))
    return denoiser.model_copy(update={name: getattr(found, name) for name in named})


def _in_words(found: Calibration) -> str:
    doubt = "" if found.reliable else " Not reliable; point here to read why."
    camera = f"gain {found.gain:.3g}, offset {found.offset:.4g}, read noise {found.read_noise:.3g}"
    return f"Camera, in DN: {camera}; noise shared by neighbours: {found.correlation:.2f}.{doubt}"
