"""What to train on: ticked layers, files, or both, each with its target and region."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Image as ImageLayer
from napari.layers import Labels, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._napari.shared.choosers import LayerChecklist, LayerWatcher
from napari_denoise._napari.shared.layers import read_layer, refusal
from napari_denoise._napari.train.region import region_of
from napari_denoise._qt.message import Message
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.image import Image, as_image
from napari_denoise.core.progress import Job, Progress, Skipped
from napari_denoise.learning.training.selection import Candidate

if TYPE_CHECKING:
    from napari.components import LayerList

    from napari_denoise.io.folder import ImageFile

__all__ = ["SkippedMessage", "TrainingImages", "image_patterns"]

_FILE_ROWS = 3
"""The list of files scrolls beyond these: what comes below it has to stay in sight."""

_N_SKIPPED = 2
"""Lines about skipped images; of a folder with hundreds, hundreds may be skipped."""


class TrainingImages(QWidget):
    """Layers to tick, and files that are read lazily; the active layer is ticked at first.

    Attributes
    ----------
    filesButton, folderButton, clearButton : QPushButton
    """

    changed = Signal()
    failed = Signal(object)
    """A file that could not be read."""

    def __init__(self, layers: LayerList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # The first layer of an empty viewer is what one wants; later ones may well be results.
        self._layers = LayerChecklist(layers, tick_new=lambda _layer: len(layers) == 1)
        # To begin with the active layer, of which the list knows nothing.
        watcher = LayerWatcher(layers, lambda _images: None)
        self._layers.setLayers([watcher.active] if watcher.active else [])
        watcher.close()
        self._images: list[Image] = []
        self._skipped = SkippedMessage()
        self._runner = JobRunner(self)
        self._files = QListWidget()
        self._files.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._files.setMaximumHeight((_FILE_ROWS + 1) * self.fontMetrics().height())
        self.filesButton = QPushButton("Files…")
        self.filesButton.setToolTip("Train on images that need not be opened as layers.")
        self.folderButton = QPushButton("Folder…")
        self.folderButton.setToolTip(
            "Train on all images in a folder, however large: they are read as they are needed."
        )
        self.clearButton = QPushButton("Remove")
        self.clearButton.setToolTip("Take all files out of the list.")
        buttons = QHBoxLayout()
        for button in (self.filesButton, self.folderButton, self.clearButton):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._layers)
        layout.addWidget(self._files)
        layout.addWidget(self._skipped)
        layout.addLayout(buttons)
        self._layers.checkedChanged.connect(self._on_layers_changed)
        self.filesButton.clicked.connect(self._on_add_clicked)
        self.folderButton.clicked.connect(self._on_folder_clicked)
        self.clearButton.clicked.connect(self.clearFiles)
        self._runner.progressed.connect(self.noteSkipped)
        self._runner.finished.connect(self._on_opened)
        self._runner.failed.connect(lambda error, _details: self.failed.emit(error))
        self._runner.ended.connect(self._show_files)
        self._on_layers_changed()
        self._show_files()

    def layers(self) -> list[ImageLayer]:
        """The ticked layers."""
        return self._layers.layers()

    def setLayers(self, layers: list[ImageLayer]) -> None:
        """Tick these layers and no other."""
        self._layers.setLayers(layers)

    def files(self) -> list[Image]:
        """The images of the files."""
        return list(self._images)

    def addFile(self, path: Path) -> None:
        """Add a file; `failed` says if it is no image."""
        # Imported here: what reads files takes longer to import than a dock may take to open.
        from napari_denoise.io.images import read_image  # noqa: PLC0415

        try:
            self._images.append(read_image(path))
        except DenoiseError as error:
            self.failed.emit(error)
            return
        self._show_files()

    def addFiles(self, paths: Sequence[Path]) -> None:
        """Add files, and all images of folders, in the background.

        Which could not be read stands below the list; `failed` says if none could.
        """
        if not self._runner.is_running:
            self._runner.start(partial(_open, tuple(paths)))
            self._show_files()

    def noteSkipped(self, events: Sequence[Progress]) -> None:
        """Say below the list which images were skipped, and why, among these events."""
        self._skipped.addEvents(events)

    def skippedText(self) -> str:
        """Which images cannot be used, and why."""
        return self._skipped.text()

    @property
    def is_reading(self) -> bool:
        """Whether files are being looked at."""
        return self._runner.is_running

    def clearFiles(self) -> None:
        """Take all files out."""
        self._images.clear()
        self._skipped.clear()
        self._show_files()

    def first(self) -> tuple[str, tuple[int, ...]]:
        """Axes and shape of the first image, which stand for all; empty if there is none."""
        images = self.images()
        return (images[0].axes, images[0].shape) if images else ("", ())

    def images(self, axes: str = "") -> list[Image]:
        """The images, those of layers first, without reading a pixel.

        Parameters
        ----------
        axes : str, optional
            What the user calls the axes of the first image; images with as many axes are
            taken to have the same, others keep their own.

        Raises
        ------
        InputError
            If a layer is an RGB picture.
        """
        images = [*(read_layer(layer) for layer in self.layers()), *self._images]
        return [_with_axes(image, axes) for image in images]

    def candidates(
        self,
        axes: str,
        targets: Sequence[Image | None] | None = None,
        region: Labels | Shapes | None = None,
    ) -> list[Candidate]:
        """The images with what belongs to each.

        Parameters
        ----------
        axes : str
            As for :meth:`images`.
        targets : sequence of Image or None, optional
            One for each image; it is taken to have the image's axes if it has as many.
        region : napari.layers.Labels or napari.layers.Shapes, optional
            Where to learn, in all images.

        Raises
        ------
        InputError
            If a layer is an RGB picture, or the region has no area.
        """
        images = self.images(axes)
        layers = [*self.layers(), *(None for _ in self._images)]
        return [
            Candidate(
                image=image,
                target=None if target is None else _with_axes(target, image.axes),
                region=None if region is None else region_of(region, layer, image),
            )
            for image, layer, target in zip(
                images, layers, targets or [None] * len(images), strict=True
            )
        ]

    def shutdown(self) -> None:
        """Stop following the viewer."""
        self._layers.shutdown()
        self._runner.cancel()
        self._runner.wait(2000)

    def _show_files(self) -> None:
        self._files.clear()
        self._files.addItems([image.name for image in self._images])
        # An empty list would look like a place to type something in.
        self._files.setVisible(bool(self._images))
        self.clearButton.setEnabled(bool(self._images))
        is_reading = self._runner.is_running
        self.folderButton.setEnabled(not is_reading)
        self.folderButton.setText("Reading…" if is_reading else "Folder…")
        self.changed.emit()

    def _on_layers_changed(self) -> None:
        self._layers.setRefusals(refusal)
        self.changed.emit()

    def _on_add_clicked(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Images to train on", "", image_patterns())
        # One file opens at once, and its error names it; many are opened in the background.
        if len(paths) == 1:
            self.addFile(Path(paths[0]))
        elif paths:
            self.addFiles([Path(path) for path in paths])

    def _on_folder_clicked(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of images to train on")
        if folder:
            self.addFiles([Path(folder)])

    def _on_opened(self, files: list[ImageFile]) -> None:
        self._images += [file.image for file in files]


class SkippedMessage(Message):
    """Which images were skipped, and why: a line for each of the first few, all in the tooltip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("notice", parent)
        self._problems: list[str] = []

    def addEvents(self, events: Sequence[Progress]) -> None:
        """Say what was skipped among these events, each image once."""
        messages = (event.message for event in events if isinstance(event, Skipped))
        # Opening and training each look at all images, and may skip the same one.
        self._problems += [text for text in dict.fromkeys(messages) if text not in self._problems]
        lines = self._problems[:_N_SKIPPED]
        if len(self._problems) > _N_SKIPPED:
            more = len(self._problems) - _N_SKIPPED
            lines = [*lines, f"And {more} more; point here to see all."]
        self.setText("\n".join(lines))
        self.setToolTip("".join(f"<p>{html.escape(text)}</p>" for text in self._problems))

    def clear(self) -> None:
        """Forget all of them."""
        self._problems.clear()
        self.setText("")
        self.setToolTip("")


def image_patterns() -> str:
    """The files a dialog offers."""
    # Imported here: what reads files takes longer to import than a dock may take to open.
    from napari_denoise.io.images import READABLE  # noqa: PLC0415

    patterns = " ".join(f"*{ending}" for ending in READABLE if ending != ".zarr")
    return f"Images ({patterns})"


def _with_axes(image: Image, axes: str) -> Image:
    """An image with axes named otherwise, if it has as many."""
    return as_image(image, axes) if len(axes) == len(image.axes) else image


def _open(paths: Sequence[Path]) -> Job[list[ImageFile]]:
    """Runs in the worker thread."""
    from napari_denoise.io.folder import find_images, open_images_job  # noqa: PLC0415  as above

    return (yield from open_images_job(find_images(paths)))
