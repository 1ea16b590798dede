"""For each image to train on, the image that it is to become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from napari_denoise._napari.shared.layers import refusal
from napari_denoise._napari.train.skipped import SkippedMessage
from napari_denoise._qt.message import WrappedLabel
from napari_denoise._qt.worker import JobRunner
from napari_denoise.core.errors import DenoiseError
from napari_denoise.core.progress import Job, Progress, Skipped

if TYPE_CHECKING:
    from napari.components import LayerList

    from napari_denoise.core.image import Image

__all__ = ["Pick", "TargetList", "image_patterns"]

_LABEL_WIDTH = 100
_N_ROWS = 8
"""More images than these have no row; their targets come from a folder."""


@dataclass(frozen=True, slots=True)
class Pick:
    """An image that was picked, before its pixels are asked for.

    Attributes
    ----------
    name : str
    pixels : array-like
    image : object
        The layer or the file's image: what tells two picks apart.
    """

    name: str
    pixels: Any
    image: Any

    @classmethod
    def of(cls, image: Any) -> Pick:
        """Of a layer, or of the image of a file."""
        if not isinstance(image, ImageLayer):
            return cls(image.name, image.pixels, image)
        return cls(image.name, image.data[0] if image.multiscale else image.data, image)

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return tuple(int(size) for size in self.pixels.shape)


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
        self._images: list[Pick] = []
        self._targets: dict[int, Pick] = {}
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
        self._runner.progressed.connect(self._on_progressed)
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

    def setImages(self, images: Sequence[Any]) -> None:
        """Show a row for each of these layers and images of files; choices stay."""
        self._images = [Pick.of(image) for image in images]
        self._is_from_folder = False
        self._show()

    def targets(self) -> list[Pick | None]:
        """What was chosen for each image; None where nothing was."""
        return [self._targets.get(id(pick.image)) for pick in self._images]

    def setTarget(self, row: int, image: Any) -> None:
        """Choose a layer or the image of a file."""
        self._targets[id(self._images[row].image)] = Pick.of(image)
        self._show()

    def setFile(self, row: int, path: Path) -> None:
        """Choose a file; `failed` says if it is no image."""
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
        names = [Path(f"{pick.name}.tif") for pick in self._images]
        if names and not self._runner.is_running:
            self.skippedMessage.clear()
            self._runner.start(partial(_find, names, folder))

    def isComplete(self) -> bool:
        """Whether each image has a target; those that a chosen folder has none for are left out."""
        targets = self.targets()
        return None not in targets or (self._is_from_folder and any(targets))

    def isReading(self) -> bool:
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

    def close_watch(self) -> None:
        """Stop following the viewer."""
        self._watcher.close()
        self._runner.cancel()
        self._runner.wait(2000)

    def _on_progressed(self, events: Sequence[Progress]) -> None:
        self.skippedMessage.add([event for event in events if isinstance(event, Skipped)])

    def _on_found(self, found: dict[str, Image]) -> None:
        for pick in self._images:
            if pick.name in found:
                self._targets[id(pick.image)] = Pick.of(found[pick.name])
        self._is_from_folder = bool(found)
        self._show()

    def _on_folder_clicked(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder with the targets")
        if folder:
            self.setFolder(Path(folder))

    def _show(self) -> None:
        chosen = {id(pick.image): self._chosen_for(pick) for pick in self._images}
        self._targets = {key: target for key, target in chosen.items() if target}
        rows = QWidget()
        form = QFormLayout(rows)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        shown = self._images[:_N_ROWS]
        self._boxes = [self._make_box(row, pick) for row, pick in enumerate(shown)]
        n_found = sum(target is not None for target in self.targets())
        is_long = len(self._images) > _N_ROWS
        counts = f"{n_found} of {len(self._images)} images have a target." if is_long else ""
        self._more.setText(counts)
        for pick, box in zip(shown, self._boxes, strict=True):
            form.addRow(_short_label(pick.name), box)
        self._layout.replaceWidget(self._rows, rows)
        self._rows.hide()
        self._rows.deleteLater()
        self._rows = rows
        self.changed.emit()

    def _offered(self, pick: Pick) -> list[Pick]:
        """The other layers of the same shape."""
        layers = [Pick.of(layer) for layer in self._watcher.images if not refusal(layer)]
        return [each for each in layers if each.shape == pick.shape and each.image != pick.image]

    def _chosen_for(self, pick: Pick) -> Pick | None:
        """What was chosen, unless that layer is gone; the only layer there is to choose."""
        offered = self._offered(pick)
        chosen = self._targets.get(id(pick.image))
        if chosen is None:
            return offered[0] if len(offered) == 1 else None
        is_file = not isinstance(chosen.image, ImageLayer)
        return chosen if is_file or chosen.image in [each.image for each in offered] else None

    def _make_box(self, row: int, pick: Pick) -> QComboBox:
        offered, chosen = self._offered(pick), self._targets.get(id(pick.image))
        if chosen and not isinstance(chosen.image, ImageLayer):
            offered.append(chosen)
        box = QComboBox()
        box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        box.setPlaceholderText("Choose…")
        for each in offered:
            box.addItem(each.name, each)
        box.addItem("File…", None)
        images = [each.image for each in offered]
        box.setCurrentIndex(images.index(chosen.image) if chosen else -1)
        box.setToolTip(chosen.name if chosen else "A layer of the same shape, or a file.")
        box.activated.connect(lambda index, row=row, box=box: self._on_chosen(row, box, index))
        return box

    def _on_chosen(self, row: int, box: QComboBox, index: int) -> None:
        picked = box.itemData(index)
        if picked is not None:
            self.setTarget(row, picked.image)
            return
        path, _ = QFileDialog.getOpenFileName(
            self, f"Target of {self._images[row].name}", "", image_patterns()
        )
        if path:
            self.setFile(row, Path(path))
        else:
            self._show()


def _find(names: Sequence[Path], folder: Path) -> Job[dict[str, Image]]:
    """Images in a folder by the names that they share with others; runs in the worker thread."""
    from napari_denoise.io.folder import find_images, match_by_name, open_images_job  # noqa: PLC0415
    from napari_denoise.io.images import file_stem  # noqa: PLC0415

    matches, alone = match_by_name(names, find_images([folder]), what="target")
    yield from alone
    files = yield from open_images_job(list(dict.fromkeys(matches.values())))
    return {file_stem(file.path): file.image for file in files}


def image_patterns() -> str:
    """The files a dialog offers."""
    from napari_denoise.io.images import READABLE  # noqa: PLC0415  as above

    patterns = " ".join(f"*{ending}" for ending in READABLE if ending != ".zarr")
    return f"Images ({patterns})"


def _short_label(name: str) -> QLabel:
    label = QLabel()
    label.setFixedWidth(_LABEL_WIDTH)
    label.setToolTip(name)
    metrics = label.fontMetrics()
    label.setText(metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, _LABEL_WIDTH))
    return label
