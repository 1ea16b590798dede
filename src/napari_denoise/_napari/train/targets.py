"""For each image to train on, its target: the image that it is to become."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from napari.layers import Image as ImageLayer
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_denoise._napari.shared.choosers import LayerWatcher
from napari_denoise._napari.shared.layers import read_layer, refusal
from napari_denoise._napari.train.images import SkippedMessage, image_patterns
from napari_denoise._qt.message import WrappedLabel
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job

if TYPE_CHECKING:
    from napari.components import LayerList

__all__ = ["TargetList"]

_TOOLTIP = "A layer of the same shape, or a file."
_LABEL_WIDTH = 100
"""In pixels: the boxes beside the names begin at the same place, whatever the names."""

_N_ROWS = 8
"""More images than these have no row; their targets come from a folder."""


Source: TypeAlias = ImageLayer | Image
"""A layer, or the image of a file."""


class TargetList(QWidget):
    """A row for each image: layers of the same shape to choose from, or a file.

    Attributes
    ----------
    folderButton : QPushButton
    skippedMessage : SkippedMessage
        Which images found no target.
    """

    changed = Signal()
    failed = Signal(object)
    """A file that could not be read."""

    def __init__(self, layers: LayerList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._watcher = LayerWatcher(layers, lambda _images: self._show())
        self._images: list[Source] = []
        self._targets: dict[Source, Source] = {}
        self._is_from_folder = False
        self._boxes: list[QComboBox] = []
        self._about = WrappedLabel(self)
        self.folderButton = QPushButton("Find targets in a folder…")
        self.folderButton.setToolTip("Files with the names of the images, whatever their ending.")
        self.folderButton.clicked.connect(self._on_folder_clicked)
        self._more = WrappedLabel(self)
        self.skippedMessage = SkippedMessage()
        self._runner = JobRunner(self)
        self._runner.finished.connect(self._on_found)
        self._runner.progressed.connect(self.skippedMessage.addEvents)
        self._runner.failed.connect(lambda error, _details: self.failed.emit(error))
        self._rows = QWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._about)
        for widget in (self._rows, self._more, self.skippedMessage, self.folderButton):
            layout.addWidget(widget)
        self._layout = layout

    def setDescription(self, text: str) -> None:
        """Say above the rows what the targets are to be."""
        self._about.setText(text)

    def setImages(self, images: Sequence[Source]) -> None:
        """Show a row for each of these layers and images of files; choices stay."""
        self._images = [*images]
        self._is_from_folder = False
        self._show()

    def targets(self) -> list[Image | None]:
        """What was chosen for each image; None where nothing was."""
        chosen = (self._targets.get(image) for image in self._images)
        return [None if target is None else _image_of(target) for target in chosen]

    def setTarget(self, row: int, target: Source) -> None:
        """Choose a target.

        Parameters
        ----------
        row : int
            Of the image that it belongs to.
        target : napari.layers.Image or Image
            A layer, or the image of a file.
        """
        self._targets[self._images[row]] = target
        self._show()

    def setFile(self, row: int, path: Path) -> None:
        """Choose a file; `failed` says if it is no image.

        Parameters
        ----------
        row : int
            Of the image that it belongs to.
        path : Path
        """
        # Imported here: what reads files takes longer to import than a dock may take to open.
        from napari_denoise.io.images import read_image  # noqa: PLC0415

        try:
            self.setTarget(row, read_image(path))
        except DenoiseError as error:
            self.failed.emit(error)
            self._show()

    def setFolder(self, folder: Path) -> None:
        """Choose, in the background, the files in a folder that have the names of the images.

        What stays alone stands below the rows; `failed` says if all do.
        """
        # Names are compared without their endings; layers have names and no files.
        names = [Path(f"{image.name}.tif") for image in self._images]
        if names and not self._runner.is_running:
            self.skippedMessage.clear()
            self._runner.start(partial(_find, names, folder))

    def isComplete(self) -> bool:
        """Whether each image has a target; those that a chosen folder has none for are skipped."""
        n_found = len(self._targets)
        return n_found == len(self._images) or (self._is_from_folder and n_found > 0)

    @property
    def is_reading(self) -> bool:
        """Whether files are being looked at."""
        return self._runner.is_running

    def rowCount(self) -> int:
        """How many images have a row."""
        return len(self._boxes)

    def countText(self) -> str:
        """How many images have a target, where not every image has a row."""
        return self._more.text()

    def box(self, row: int) -> QComboBox:
        """The box that a target is chosen in."""
        return self._boxes[row]

    def shutdown(self) -> None:
        """Stop following the viewer."""
        self._watcher.close()
        self._runner.cancel()
        self._runner.wait(2000)

    def _on_found(self, found: dict[str, Image]) -> None:
        self._targets |= {image: found[image.name] for image in self._images if image.name in found}
        self._is_from_folder = bool(found)
        self._show()

    def _on_folder_clicked(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder with the targets")
        if folder:
            self.setFolder(Path(folder))

    def _show(self) -> None:
        chosen = {image: self._chosen_for(image) for image in self._images}
        self._targets = {image: target for image, target in chosen.items() if target is not None}
        rows = QWidget()
        form = QFormLayout(rows)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        shown = self._images[:_N_ROWS]
        self._boxes = [self._make_box(row, image) for row, image in enumerate(shown)]
        is_long = len(self._images) > _N_ROWS
        counts = f"{len(self._targets)} of {len(self._images)} images have a target."
        self._more.setText(counts if is_long else "")
        for image, box in zip(shown, self._boxes, strict=True):
            form.addRow(_short_label(image.name), box)
        # All rows anew: layers come and go too seldom for keeping those that stay.
        self._layout.replaceWidget(self._rows, rows)
        self._rows.hide()
        self._rows.deleteLater()
        self._rows = rows
        self.changed.emit()

    def _offered(self, image: Source) -> list[ImageLayer]:
        """The other layers of the same shape."""
        shape = _image_of(image).shape
        layers = [layer for layer in self._watcher.images if not refusal(layer)]
        return [each for each in layers if each is not image and _image_of(each).shape == shape]

    def _chosen_for(self, image: Source) -> Source | None:
        """What was chosen, unless that layer is gone; the only layer there is to choose."""
        offered = self._offered(image)
        chosen = self._targets.get(image)
        # A noisy and a clean layer are the usual case, and leave nothing to choose.
        if chosen is None:
            return offered[0] if len(offered) == 1 else None
        return chosen if isinstance(chosen, Image) or chosen in offered else None

    def _make_box(self, row: int, image: Source) -> QComboBox:
        offered: list[Source] = [*self._offered(image)]
        chosen = self._targets.get(image)
        if isinstance(chosen, Image):
            offered.append(chosen)
        box = QComboBox()
        box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        box.setPlaceholderText("Choose…")
        for each in offered:
            box.addItem(each.name, each)
        box.addItem("File…", None)
        box.setCurrentIndex(-1 if chosen is None else offered.index(chosen))
        box.setToolTip(chosen.name if chosen is not None else _TOOLTIP)
        box.activated.connect(lambda index, row=row, box=box: self._on_chosen(row, box, index))
        return box

    def _on_chosen(self, row: int, box: QComboBox, index: int) -> None:
        picked = box.itemData(index)
        if picked is not None:
            self.setTarget(row, picked)
            return
        path, _ = QFileDialog.getOpenFileName(
            self, f"Target of {self._images[row].name}", "", image_patterns()
        )
        if path:
            self.setFile(row, Path(path))
        else:
            # The box shows "File…" by now; nothing was chosen.
            self._show()


def _find(names: Sequence[Path], folder: Path) -> Job[dict[str, Image]]:
    """Images in a folder by the names that they share with others; runs in the worker thread."""
    from napari_denoise.io.folder import find_images, match_by_name, open_images_job  # noqa: PLC0415
    from napari_denoise.io.images import file_stem  # noqa: PLC0415

    matches, alone = match_by_name(names, find_images([folder]), what="target")
    yield from alone
    files = yield from open_images_job(list(dict.fromkeys(matches.values())))
    return {file_stem(file.path): file.image for file in files}


def _image_of(source: Source) -> Image:
    return source if isinstance(source, Image) else read_layer(source)


def _short_label(name: str) -> QLabel:
    label = QLabel()
    label.setFixedWidth(_LABEL_WIDTH)
    label.setToolTip(name)
    metrics = label.fontMetrics()
    label.setText(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, _LABEL_WIDTH))
    return label
