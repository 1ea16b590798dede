"""Where to compute: known names at once, and what really works when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QPushButton, QSizePolicy, QWidget

from napari_denoise._qt.message import WrappedLabel
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.progress import Job, Progress

if TYPE_CHECKING:
    from napari_denoise.learning.device import DeviceInfo

__all__ = ["DeviceChooser"]


class DeviceChooser(QWidget):
    """A list of devices. *Check* runs a small computation on each one in the background.

    Parameters
    ----------
    device : str
        The one to start with: "auto", "cpu", "cuda:0", "mps".

    Attributes
    ----------
    deviceBox : QComboBox
    checkButton : QPushButton
    """

    valueChanged = Signal()

    def __init__(self, device: str = "auto", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.deviceBox = QComboBox()
        self.deviceBox.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        # Known without looking: to find the others, torch has to be imported.
        self.deviceBox.addItem("Automatic", "auto")
        self.deviceBox.addItem("CPU", "cpu")
        self.checkButton = QPushButton("Check")
        self.checkButton.setToolTip("Compute something small on each device to see if it works.")
        self._found = WrappedLabel(self)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(0, 1)
        layout.addWidget(self.deviceBox, 0, 0)
        layout.addWidget(self.checkButton, 0, 1)
        layout.addWidget(self._found, 1, 0, 1, 2)
        self._runner = JobRunner(self)
        self.checkButton.clicked.connect(self.check)
        self._runner.finished.connect(self._show)
        self._runner.failed.connect(self._on_runner_failed)
        self._runner.ended.connect(self._on_runner_ended)
        self.deviceBox.currentIndexChanged.connect(self._on_devices_changed)
        self.setValue(device)

    def value(self) -> str:
        """The name of the chosen device."""
        return str(self.deviceBox.currentData())

    def setValue(self, device: str) -> None:
        """Choose a device; one that has not been seen yet is added."""
        # Remembered from another session, and not looked for yet; the run will say if it is gone.
        if self.deviceBox.findData(device) < 0:
            self.deviceBox.addItem(device, device)
        self.deviceBox.setCurrentIndex(self.deviceBox.findData(device))

    @property
    def is_checking(self) -> bool:
        """Whether the devices are being checked."""
        return self._runner.is_running

    def foundText(self) -> str:
        """What the last check found, a line for each device."""
        return self._found.text()

    def check(self) -> None:
        """Find the devices; ignored while that is being done."""
        if self._runner.is_running:
            return
        self.checkButton.setEnabled(False)
        self._say("Checking…")
        # In a thread: a driver that hangs must not take the window with it.
        self._runner.start(_find_devices)

    def shutdown(self) -> None:
        """Let go of a check that is still running."""
        self._runner.cancel()
        # Milliseconds; the import of torch cannot be interrupted, and the thread is a daemon.
        self._runner.wait(2000)

    def _show(self, devices: list[DeviceInfo]) -> None:
        # Filling the box again changes its value for a moment, which nobody is to hear of.
        chosen = self.value()
        with QSignalBlocker(self.deviceBox):
            self._fill(devices)
        usable = [device.name for device in devices if device.usable]
        # A device that turned out not to work would only fail later, in the middle of a run.
        self.setValue(chosen if chosen in usable else "auto")
        self._say("\n".join(_in_words(device) for device in devices))

    def _fill(self, devices: list[DeviceInfo]) -> None:
        self.deviceBox.clear()
        self.deviceBox.addItem("Automatic", "auto")
        for row, device in enumerate(devices, start=1):
            self.deviceBox.addItem(device.description, device.name)
            if not device.usable:
                # Listed all the same: who bought the GPU wants to know why it is not used.
                self.deviceBox.model().item(row).setEnabled(False)
                self.deviceBox.setItemData(row, device.reason, Qt.ItemDataRole.ToolTipRole)

    def _say(self, text: str) -> None:
        self._found.setText(text)

    def _on_devices_changed(self) -> None:
        self.setToolTip(self.deviceBox.currentText())
        self.valueChanged.emit()

    def _on_runner_failed(self, error: BaseException) -> None:
        self._say(f"The devices could not be checked: {error}")

    def _on_runner_ended(self) -> None:
        self.checkButton.setEnabled(True)


def _find_devices() -> Job[list[DeviceInfo]]:
    """List the devices; the import of torch belongs in the worker thread."""
    from napari_denoise.learning.device import list_devices  # noqa: PLC0415

    yield Progress(fraction=0.0, message="Checking the devices")
    return list_devices()


def _in_words(device: DeviceInfo) -> str:
    if device.usable:
        return f"✓ {device.description}"
    return f"✗ {device.description}: {device.reason}"
