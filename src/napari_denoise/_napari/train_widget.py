"""The Train dock: images, a method, a loss curve, and a model that is not lost."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QSpinBox

from napari_denoise._napari.axis_roles import AxisRoles
from napari_denoise._napari.device_chooser import DeviceChooser
from napari_denoise._napari.dock import Task, ViewerDock
from napari_denoise._napari.model_box import ModelBox
from napari_denoise._napari.models import autosave_path, shelf_of, trained_model
from napari_denoise._napari.preferences import preferences, remember
from napari_denoise._napari.settings_chooser import SettingsChooser
from napari_denoise._napari.training_set import TrainingSet
from napari_denoise._qt.loss_plot import LossPlot
from napari_denoise.axes import Layout
from napari_denoise.errors import DenoiseError, InputError
from napari_denoise.learning.config import TrainingMethod
from napari_denoise.progress import Job, Notice, Progress
from napari_denoise.registry import METHODS

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_denoise.learning.model import Model
    from napari_denoise.learning.trainer import TrainingProgress

__all__ = ["TrainWidget"]

TrainingInput = tuple[Any, Layout, str]
"""Pixels, layout and name of one image."""


class TrainWidget(ViewerDock):
    """Trains a model in the background and offers it for saving and applying."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        images = TrainingSet(napari_viewer.layers)
        self._images = self.closing(images, images.close_watch)
        self._method = SettingsChooser(METHODS)
        self._roles = AxisRoles()
        self._roles.setJointOffered(True)
        device = DeviceChooser(preferences().device)
        self._device = self.closing(device, device.shutdown)
        self._seed = QSpinBox()
        self._seed.setMaximum(2**31 - 1)
        self._run_bar = self.makeRunBar(self._prepare, run_text="Train", stop_text="Stop and keep")
        self._plot = LossPlot()
        self._shelf = shelf_of(napari_viewer)
        self._model_box = ModelBox(self, napari_viewer, self._shelf)
        self._build()
        self._connect()
        self._on_images_changed()
        self._offer_unsaved()

    def _build(self) -> None:
        self.addHeading("Images to train on")
        self.addWidget(self._images)
        self.addHeading("Method")
        self.addWidget(self._method)
        self.addHeading("Axes")
        self.addWidget(self._roles)
        self.addHeading("Training")
        self.addRow("Device", self._device, "Where the training computes.")
        self.addRow(
            "Seed", self._seed, "The same seed on the same device gives the same model again."
        )
        self.addWidget(self._run_bar)
        self.addWidget(self._plot)
        self.addWidget(self._model_box)
        self._plot.hide()

    def _connect(self) -> None:
        self._images.changed.connect(self._on_images_changed)
        self._images.failed.connect(self._run_bar.showError)
        self._roles.valueChanged.connect(self._on_roles_changed)
        self._device.valueChanged.connect(lambda: remember(device=self._device.value()))
        self._run_bar.started.connect(self._on_started)
        self._run_bar.progressed.connect(self._on_progressed)
        self._run_bar.ended.connect(self._on_ended)

    def _offer_unsaved(self) -> None:
        """Show the model that an earlier Train dock left without a file."""
        if unsaved := [model for model in self._shelf.models if not model.is_saved]:
            self._model_box.setModel(unsaved[-1], {}, device=self._device.value())

    def _on_images_changed(self) -> None:
        self._roles.setImage(*self._images.first())
        has_images = bool(self._images.layers() or self._images.files())
        reason = "" if has_images else "Tick a layer or add a file first."
        self._run_bar.setRunEnabled(has_images, reason)

    def _on_roles_changed(self) -> None:
        if self._roles.isValid():
            self._method.setSpatialAxes(self._roles.value().spatial)

    def _on_started(self) -> None:
        self._plot.clear()
        self._plot.show()
        self._model_box.setBusy(is_busy=True)
        QTimer.singleShot(0, self._scroll_to_plot)

    # Methods, as Qt forgets those of a widget that is gone before their time comes.
    def _scroll_to_plot(self) -> None:
        self.ensureWidgetVisible(self._plot)

    def _scroll_to_model(self) -> None:
        self.ensureWidgetVisible(self._model_box)

    def _on_ended(self) -> None:
        self._model_box.setBusy(is_busy=False)

    def _on_progressed(self, events: Sequence[Progress]) -> None:
        # Told apart by what they have: the class itself would bring torch with it.
        losses = [cast("TrainingProgress", event) for event in events if hasattr(event, "loss")]
        if losses:
            self._plot.setStepCount(losses[-1].n_steps)
            self._plot.addPoints((e.step, e.loss, e.validation_loss) for e in losses)

    def _prepare(self) -> Task:
        layout = self._roles.value()
        method = cast("TrainingMethod", self._method.value())
        images = [
            (pixels, Layout(axes, layout.spatial, layout.channels), name)
            for pixels, axes, name in self._images.sources(layout.axes)
        ]
        if not images:
            raise InputError("There is nothing to train on. Tick a layer, or add a file.")
        path = autosave_path(method, images[0][2])
        make_job = partial(
            train_and_keep,
            method,
            images,
            seed=self._seed.value(),
            device=self._device.value(),
            path=path,
        )
        layers = dict(zip(self._images.layers(), [image[1].axes for image in images], strict=False))
        return Task(make_job, partial(self._keep, images[0][2], layers, path))

    def _keep(self, name: str, layers: dict[Image, str], path: Path, model: Model) -> None:
        """Put the model on the shelf, from where the Denoise dock takes it too."""
        shelved = self._shelf.add(trained_model(name, model, path if path.exists() else None))
        self._model_box.setModel(shelved, layers, device=self._device.value())
        QTimer.singleShot(0, self._scroll_to_model)


def train_and_keep(
    method: TrainingMethod, images: Sequence[TrainingInput], *, seed: int, device: str, path: Path
) -> Job[Model]:
    """Train, and put the model into a file at once, so that a crash does not cost it.

    Runs in the worker thread: torch is imported here.
    """
    from napari_denoise.learning.bundle import save_model  # noqa: PLC0415
    from napari_denoise.learning.training import TrainingImage, train  # noqa: PLC0415

    model = yield from train(
        method, [TrainingImage(*image) for image in images], seed=seed, device=device
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_model(model, path)
    except (DenoiseError, OSError) as error:
        message = f"The model could not be saved automatically, save it yourself: {error}"
        yield Notice(fraction=1.0, message=message)
    return model
