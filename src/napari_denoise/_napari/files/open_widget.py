"""The dialog behind *Open with scale and axes…*: what a file holds, in words, before it opens."""

from __future__ import annotations

from pathlib import Path

import napari.viewer
from qtpy.QtCore import QDir
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from napari_denoise._napari.files.opening import layers_of
from napari_denoise._qt.message import WrappedLabel
from napari_denoise.core.axes import AXIS_WORDS
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.image import Image
from napari_denoise.io.images import READABLE, read_image

__all__ = ["OpenDialog", "in_words", "open_with_scale_and_axes"]


def open_with_scale_and_axes(viewer: napari.viewer.Viewer) -> None:
    """Ask for a file, show what it says of itself, and add it lazily, one layer per channel."""
    dialog = OpenDialog(viewer, QApplication.activeWindow())
    dialog.chooseFile()
    # Also after no file was chosen: the dialog takes folders as well.
    # Until it is closed: napari's own dialogs for opening files hold the window just so.
    dialog.exec()


class OpenDialog(QDialog):
    """Path, axes, and what they mean; Open adds the layers.

    Attributes
    ----------
    pathEdit, axesEdit : QLineEdit
    """

    def __init__(self, viewer: napari.viewer.ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Open with scale and axes")
        self.setMinimumWidth(420)
        self._viewer = viewer
        self._image: Image | None = None
        self.pathEdit = QLineEdit()
        self.pathEdit.setPlaceholderText("TIFF, OME-TIFF, PNG, or the folder of an OME-Zarr")
        self.axesEdit = QLineEdit()
        self.axesEdit.setToolTip(
            "One letter per axis: "
            + ", ".join(f"{letter} {words.axis}" for letter, words in AXIS_WORDS.items())
            + ". Correct them where the file is wrong."
        )
        self._summary = WrappedLabel(self)
        self._build()
        # Not at each letter: half a path would be looked for and reported missing.
        self.pathEdit.editingFinished.connect(self._on_path_edited)
        self.axesEdit.textEdited.connect(self._on_axes_edited)
        self._show()

    def setPath(self, path: Path) -> None:
        """Look into a file or a folder."""
        self.pathEdit.setText(str(path))
        self.axesEdit.clear()
        self._read()

    def summaryText(self) -> str:
        """What the file holds, or why it cannot be opened."""
        return self._summary.text()

    def chooseFile(self) -> None:
        """Ask for a file."""
        # A zarr is a folder, which a dialog for files cannot choose; it has a button of its own.
        patterns = " ".join(f"*{ending}" for ending in READABLE if ending != ".zarr")
        path, _ = QFileDialog.getOpenFileName(self, "Open an image", "", f"Images ({patterns})")
        if path:
            self.setPath(Path(path))

    def chooseFolder(self) -> None:
        """Ask for the folder of an OME-Zarr."""
        path = QFileDialog.getExistingDirectory(self, "Open an OME-Zarr folder")
        if path:
            self.setPath(Path(path))

    def accept(self) -> None:
        """Add the layers; stay open, and say why, if their pixels cannot be read."""
        if self._image is None:
            return
        try:
            # Reads a few planes for the contrast, and so is the first to meet a broken file.
            layers = layers_of(self._image)
        except DenoiseError as error:
            self._show(str(error))
            return
        for layer in layers:
            self._viewer.add_layer(layer)
        super().accept()

    def _build(self) -> None:
        file_button, folder_button = QPushButton("File…"), QPushButton("Zarr folder…")
        file_button.clicked.connect(self.chooseFile)
        folder_button.clicked.connect(self.chooseFolder)
        choosing = QHBoxLayout()
        choosing.addWidget(self.pathEdit, 1)
        choosing.addWidget(file_button)
        choosing.addWidget(folder_button)
        buttons = QDialogButtonBox.StandardButton
        self._buttons = QDialogButtonBox(buttons.Open | buttons.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QFormLayout(self)
        layout.addRow("Image", choosing)
        layout.addRow("Axes", self.axesEdit)
        layout.addRow(self._summary)
        layout.addRow(self._buttons)

    def _on_path_edited(self) -> None:
        # The axes were those of another file; this one is asked for its own.
        self.axesEdit.clear()
        self._read()

    def _on_axes_edited(self, text: str) -> None:
        # An empty field is about to be filled; without axes the file's own would come back under
        # the hand.
        if text:
            self._read()

    def _read(self) -> None:
        self._image, error = None, ""
        try:
            path = Path(self.pathEdit.text()).expanduser()
            # Only what describes the image is read; its pixels stay in the file.
            self._image = read_image(path, axes=self.axesEdit.text() or None)
        except DenoiseError as failure:
            error = str(failure)
        self._show(error)

    def _show(self, error: str = "") -> None:
        image = self._image
        # What the user has typed stays, though the file says otherwise.
        if image is not None and not self.axesEdit.text():
            self.axesEdit.setText(image.axes)
        self.axesEdit.setEnabled(bool(self.axesEdit.text()) or image is not None)
        self._summary.setText(error or (in_words(image) if image is not None else ""))
        is_ready = image is not None and not error
        self._buttons.button(QDialogButtonBox.StandardButton.Open).setEnabled(is_ready)
        self.pathEdit.setToolTip(QDir.toNativeSeparators(self.pathEdit.text()))


def in_words(image: Image) -> str:
    """Size, type, scale and channels of an image, one line each."""
    sizes = " × ".join(f"{letter} {size}" for letter, size in image.sizes.items())
    scale = ", ".join(
        f"{letter} {size:g} {unit}"
        for letter, size, unit in zip(image.axes, image.scale, image.units, strict=True)
        # A channel has no size, and a pixel that measures one pixel says nothing.
        if letter != "C" and (unit != "pixel" or size != 1)
    )
    n_channels = image.sizes.get("C", 1)
    names = ", ".join(image.channel_names) or f"{n_channels} without names"
    lines = [f"{sizes}, {image.pixels.dtype}", f"Scale: {scale or 'not stated'}"]
    if n_channels > 1:
        lines.append(f"Channels, one layer each: {names}")
    return "\n".join(lines)
