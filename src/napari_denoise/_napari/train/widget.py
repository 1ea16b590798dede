"""The Train dock: images, a method, a loss curve, and a model that is not lost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QSpinBox

from napari_denoise._napari.shared.axis_roles import AxisRoles
from napari_denoise._napari.shared.choosers import LayerChooser
from napari_denoise._napari.shared.device_chooser import DeviceChooser
from napari_denoise._napari.shared.dock import Task, ViewerDock
from napari_denoise._napari.shared.layers import read_layer
from napari_denoise._napari.shared.models import (
    ShelvedModel,
    autosave_path,
    shelf_of,
    trained_model,
)
from napari_denoise._napari.shared.preferences import preferences, remember
from napari_denoise._napari.train.images import TrainingImages
from napari_denoise._napari.train.interrupted import (
    InterruptedBox,
    is_unfinished,
)
from napari_denoise._napari.train.method import MethodBox
from napari_denoise._napari.train.model_box import ModelBox
from napari_denoise._napari.train.preview import PreviewBox
from napari_denoise._napari.train.region import RegionChooser
from napari_denoise._napari.train.session import train_and_keep_job
from napari_denoise._napari.train.start import StartChooser
from napari_denoise._napari.train.targets import TargetList
from napari_denoise._qt.loss_plot import LossPlot
from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Progress
from napari_denoise.learning.training.progress import Preview, TrainingProgress
from napari_denoise.learning.training.selection import Candidate, choose_images
from napari_denoise.learning.training.session import unfinished_path

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_denoise.learning.models.model import Model

__all__ = ["TrainWidget"]

_START_TOOLTIP = (
    "Begin anew, or train a model further: one that was interrupted goes on to its end, a finished "
    "one is trained once more, on the same images or on others like them."
)
_REGION_TOOLTIP = (
    "Train only in the shapes or labels of a layer: what lies outside is never looked at. A shape "
    "counts in all planes, wherever it was drawn."
)
_PSF_TOOLTIP = (
    "A measured PSF: the image of a bead, with the pixel size of the images and as many spatial "
    "axes. It is used instead of what the settings say."
)


class TrainWidget(ViewerDock):
    """Trains a model in the background and offers it for saving and applying.

    Attributes
    ----------
    images, regionChooser, targets : QWidget
        What is learned from.
    methodBox, psfChooser, axisRoles : QWidget
        How.
    startChooser, deviceChooser, seedBox, previewBox : QWidget
        From what it begins, where, with which random numbers, and whether one can watch.
    runBar : RunBar
    lossPlot : LossPlot
    interruptedBox : InterruptedBox
    modelBox : ModelBox
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        self.images = self.closing(TrainingImages(napari_viewer.layers))
        self.regionChooser = self.closing(RegionChooser(napari_viewer.layers))
        self.methodBox = MethodBox()
        self.targets = self.closing(TargetList(napari_viewer.layers))
        self.psfChooser = self.closing(LayerChooser(napari_viewer.layers, none_text="as set above"))
        self.axisRoles = AxisRoles()
        self.axisRoles.setJointOffered(True)
        self.deviceChooser = self.closing(DeviceChooser(preferences().device))
        self.seedBox = QSpinBox()
        # The most that a spin box of Qt can hold.
        self.seedBox.setMaximum(2**31 - 1)
        self._shelf = shelf_of(napari_viewer)
        self.startChooser = self.closing(StartChooser(self._shelf))
        self.previewBox = self.closing(PreviewBox(napari_viewer))
        self.runBar = self.makeRunBar(self._prepare, run_text="Train", stop_text="Stop and keep")
        self.lossPlot = LossPlot()
        self.interruptedBox = InterruptedBox()
        self._unfinished: Path | None = None
        self._is_closed = False
        self.modelBox = ModelBox(self, napari_viewer, self._shelf)
        self._build()
        self._connect()
        # The method first: it decides whether targets are asked for.
        self._on_method_changed()
        self._on_images_changed()
        self._offer_unsaved()
        self.interruptedBox.refresh()

    def _build(self) -> None:
        self.addWidget(self.interruptedBox)
        self.addHeading("Images to train on")
        self.addWidget(self.images)
        self.addRow("Train", self.regionChooser, _REGION_TOOLTIP)
        self.addHeading("Method")
        self.addWidget(self.methodBox)
        self.addWidget(self.targets)
        self._psf_row = self.addRow("PSF layer", self.psfChooser, _PSF_TOOLTIP)
        self.addHeading("Axes")
        self.addWidget(self.axisRoles)
        self.addHeading("Training")
        self.addRow("Start from", self.startChooser, _START_TOOLTIP)
        self.addRow("Device", self.deviceChooser, "Where the training computes.")
        self.addRow(
            "Seed", self.seedBox, "The same seed on the same device gives the same model again."
        )
        self.addWidget(self.previewBox)
        self.addWidget(self.runBar)
        self.addWidget(self.lossPlot)
        self.addWidget(self.modelBox)
        self.lossPlot.hide()

    def _connect(self) -> None:
        self.images.changed.connect(self._on_images_changed)
        self.images.failed.connect(self.runBar.showError)
        self.methodBox.valueChanged.connect(self._on_method_changed)
        self.targets.changed.connect(self._on_targets_changed)
        self.targets.failed.connect(self.runBar.showError)
        self.axisRoles.valueChanged.connect(self._on_roles_changed)
        self.deviceChooser.valueChanged.connect(lambda: remember(device=self.deviceChooser.value()))
        self.startChooser.valueChanged.connect(self._on_start_changed)
        self.startChooser.failed.connect(self.runBar.showError)
        self.interruptedBox.continued.connect(self.startChooser.setModel)
        self.interruptedBox.kept.connect(self._on_interrupted_kept)
        self.modelBox.continueClicked.connect(self._on_continue_clicked)
        self.runBar.cancelled.connect(self._on_cancelled)
        self.runBar.failed.connect(self.interruptedBox.refresh)
        self.runBar.started.connect(self._on_started)
        self.runBar.progressed.connect(self._on_progressed)
        self.runBar.ended.connect(self._on_ended)

    def _offer_unsaved(self) -> None:
        """Show the model that an earlier Train dock left without a file."""
        if unsaved := [model for model in self._shelf.models if not model.is_saved]:
            self.modelBox.setModel(unsaved[-1], {}, device=self.deviceChooser.value())

    def _on_interrupted_kept(self, model: ShelvedModel) -> None:
        self.modelBox.setModel(self._shelf.add(model), {}, device=self.deviceChooser.value())

    def _on_start_changed(self) -> None:
        model = self.startChooser.model()
        self.runBar.setRunText("Continue" if model and model.record else "Train")
        if model is not None:
            self.methodBox.setValue(model.info.method)

    def _on_continue_clicked(self, model: ShelvedModel) -> None:
        self.startChooser.setModel(model)
        self.runBar.run()

    def _on_cancelled(self) -> None:
        """Discard the copies too, unless it was but the dock that was closed."""
        if self._unfinished and not self._is_closed:
            self._unfinished.unlink(missing_ok=True)

    def _on_closed(self) -> None:
        self._is_closed = True
        super()._on_closed()

    def _on_images_changed(self) -> None:
        self.axisRoles.setImage(*self.images.first())
        self.targets.setImages([*self.images.layers(), *self.images.files()])

    def _on_method_changed(self) -> None:
        try:
            method = self.methodBox.value()
        except SettingsError:
            # Half-typed; Run says what is wrong.
            return
        words = method.targets_in_words()
        self.targets.setDescription(words)
        self.targets.setVisible(bool(words))
        self._psf_row.setVisible(method.takes_psf)
        self._on_targets_changed()

    def _on_targets_changed(self) -> None:
        """Say what is missing before a training can begin."""
        reason = ""
        if not (self.images.layers() or self.images.files()):
            reason = "Tick a layer or add a file first."
        # Not isVisible(): before the dock itself is shown, nothing in it is visible.
        elif not self.targets.isHidden() and not self.targets.isComplete():
            reason = "Choose a target for each image first."
        self.runBar.setRunEnabled(not reason, reason)

    def _on_roles_changed(self) -> None:
        if self.axisRoles.isValid():
            self.methodBox.setSpatialAxes(self.axisRoles.value().spatial)

    def _on_started(self) -> None:
        self.lossPlot.clear()
        if model := self.startChooser.model():
            # A training that goes on goes on in the plot, too.
            self.lossPlot.addPoints((p.step, p.loss, p.validation_loss) for p in model.info.history)
        self.lossPlot.show()
        self.modelBox.setBusy(is_busy=True)
        # Once the plot has its place, which it gets after this.
        QTimer.singleShot(0, self._scroll_to_plot)

    # Methods, as Qt forgets those of a widget that is gone before their time comes.
    def _scroll_to_plot(self) -> None:
        self.ensureWidgetVisible(self.lossPlot)

    def _scroll_to_model(self) -> None:
        self.ensureWidgetVisible(self.modelBox)

    def _on_ended(self) -> None:
        self.modelBox.setBusy(is_busy=False)
        self.previewBox.end()

    def _on_progressed(self, events: Sequence[Progress]) -> None:
        losses = [event for event in events if isinstance(event, TrainingProgress)]
        if losses:
            self.lossPlot.setStepCount(losses[-1].n_steps)
            self.lossPlot.addPoints((e.step, e.loss, e.validation_loss) for e in losses)
        previews = [event for event in events if isinstance(event, Preview)]
        if previews:
            self.previewBox.showPreview(previews[-1])

    def _prepare(self) -> Task:
        layout = self.axisRoles.value()
        method = self.methodBox.value()
        candidates = self._candidates(layout)
        images, skipped = choose_images(
            candidates, method, spatial=layout.spatial, channels=layout.channels
        )
        self.images.noteSkipped(skipped)
        path = autosave_path(method, images[0].name)
        resume = self.startChooser.model()
        self._unfinished = unfinished_path(path, os.getpid())
        make_job = partial(
            train_and_keep_job,
            method,
            images,
            seed=self.seedBox.value(),
            device=self.deviceChooser.value(),
            path=path,
            resume=resume,
            preview=self.previewBox.begin(self.images.layers(), layout),
            psf=self._chosen_psf(),
        )
        layers = dict(
            zip(self.images.layers(), [each.image.axes for each in candidates], strict=False)
        )
        return Task(make_job, partial(self._keep, images[0].name, layers, path, resume))

    def _candidates(self, layout: Layout) -> list[Candidate]:
        """The images, each with its target and its region."""
        targets = None if self.targets.isHidden() else self.targets.targets()
        candidates = self.images.candidates(layout.axes, targets, self.regionChooser.layer())
        if not candidates:
            raise InputError("There is nothing to train on. Tick a layer, or add a file.")
        return candidates

    def _chosen_psf(self) -> Any:
        """The pixels of the layer with a PSF; None where the method has another, or none."""
        layer = None if self._psf_row.isHidden() else self.psfChooser.layer()
        return None if layer is None else read_layer(layer).pixels

    def _keep(
        self,
        name: str,
        layers: dict[Image, str],
        path: Path,
        resumed: ShelvedModel | None,
        model: Model,
    ) -> None:
        """Put the model on the shelf, from where the Denoise dock takes it too."""
        # What was continued is part of the new model; the copy would be offered for ever.
        if resumed and resumed.path and is_unfinished(resumed.path):
            resumed.path.unlink(missing_ok=True)
        self.startChooser.setModel(None)
        shelved = self._shelf.add(trained_model(name, model, path if path.exists() else None))
        self.modelBox.setModel(shelved, layers, device=self.deviceChooser.value())
        QTimer.singleShot(0, self._scroll_to_model)
