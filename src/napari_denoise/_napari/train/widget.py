"""The Train dock: images, a method, a loss curve, and a model that is not lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QSpinBox

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
from napari_denoise._napari.shared.settings_chooser import SettingsChooser
from napari_denoise._napari.train.candidates import candidates_of
from napari_denoise._napari.train.image_list import TrainingSet
from napari_denoise._napari.train.interrupted import (
    InterruptedBox,
    interrupted_trainings,
    is_unfinished,
    unfinished_path,
)
from napari_denoise._napari.train.model_box import ModelBox
from napari_denoise._napari.train.noise_box import NoiseBox
from napari_denoise._napari.train.preview import TrainingPreview
from napari_denoise._napari.train.region_chooser import RegionChooser
from napari_denoise._napari.train.session import running, train_and_keep
from napari_denoise._napari.train.start_chooser import StartChooser
from napari_denoise._napari.train.target_list import TargetList
from napari_denoise._qt.loss_plot import LossPlot
from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Progress
from napari_denoise.learning.data.selection import choose_images
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.registry import METHODS

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_denoise.learning.models.model import Model
    from napari_denoise.learning.training.previews import Preview, PreviewCrop
    from napari_denoise.learning.training.trainer import TrainingProgress

__all__ = ["TrainWidget"]

_RUN_TEXTS = {False: "Train", True: "Continue"}

_START_TOOLTIP = (
    "Begin anew, or train a model further: one that was interrupted goes on to its end, a finished "
    "one is trained once more, on the same images or on others like them."
)
_PREVIEW_TOOLTIP = (
    "Every few seconds, what the network makes by now of the middle of what the viewer shows. The "
    "layer goes when the training ends."
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
    """Trains a model in the background and offers it for saving and applying."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        images = TrainingSet(napari_viewer.layers)
        self._images = self.closing(images, images.close_watch)
        regions = RegionChooser(napari_viewer.layers)
        self._regions = self.closing(regions, regions.close_watch)
        self._method = SettingsChooser(METHODS)
        self._noise = NoiseBox()
        targets = TargetList(napari_viewer.layers)
        self._targets = self.closing(targets, targets.close_watch)
        psf = LayerChooser(napari_viewer.layers, none_text="as set above")
        self._psf = self.closing(psf, psf.close_watch)
        self._roles = AxisRoles()
        self._roles.setJointOffered(True)
        device = DeviceChooser(preferences().device)
        self._device = self.closing(device, device.shutdown)
        self._seed = QSpinBox()
        self._seed.setMaximum(2**31 - 1)
        self._shelf = shelf_of(napari_viewer)
        start = StartChooser(self._shelf)
        self._start = self.closing(start, start.close_watch)
        self._shows_preview = QCheckBox("Show a preview on the image")
        self._shows_preview.setChecked(True)
        preview = TrainingPreview(napari_viewer)
        self._preview = self.closing(preview, preview.close)
        self._run_bar = self.makeRunBar(self._prepare, run_text="Train", stop_text="Stop and keep")
        self._plot = LossPlot()
        self._interrupted = InterruptedBox()
        self._unfinished: Path | None = None
        self._is_closed = False
        self._model_box = ModelBox(self, napari_viewer, self._shelf)
        self._build()
        self._connect()
        self._on_method_changed()
        self._on_images_changed()
        self._offer_unsaved()
        self._offer_interrupted()

    def _build(self) -> None:
        self.addWidget(self._interrupted)
        self.addHeading("Images to train on")
        self.addWidget(self._images)
        self.addRow("Train", self._regions, _REGION_TOOLTIP)
        self.addHeading("Method")
        self.addWidget(self._method)
        self.addWidget(self._noise)
        self.addWidget(self._targets)
        self._psf_row = self.addRow("PSF layer", self._psf, _PSF_TOOLTIP)
        self.addHeading("Axes")
        self.addWidget(self._roles)
        self.addHeading("Training")
        self.addRow("Start from", self._start, _START_TOOLTIP)
        self.addRow("Device", self._device, "Where the training computes.")
        self.addRow(
            "Seed", self._seed, "The same seed on the same device gives the same model again."
        )
        self.addWidget(self._shows_preview)
        self._shows_preview.setToolTip(_PREVIEW_TOOLTIP)
        self.addWidget(self._run_bar)
        self.addWidget(self._plot)
        self.addWidget(self._model_box)
        self._plot.hide()

    def _connect(self) -> None:
        self._images.changed.connect(self._on_images_changed)
        self._images.failed.connect(self._run_bar.showError)
        self._method.valueChanged.connect(self._on_method_changed)
        self._noise.valueChanged.connect(self._on_method_changed)
        self._targets.changed.connect(self._on_targets_changed)
        self._targets.failed.connect(self._run_bar.showError)
        self._roles.valueChanged.connect(self._on_roles_changed)
        self._device.valueChanged.connect(lambda: remember(device=self._device.value()))
        self._start.valueChanged.connect(self._on_start_changed)
        self._start.failed.connect(self._run_bar.showError)
        self._interrupted.continued.connect(self._start.setModel)
        self._interrupted.kept.connect(self._on_interrupted_kept)
        self._model_box.continueClicked.connect(self._on_continue_clicked)
        self._run_bar.cancelled.connect(self._on_cancelled)
        self._run_bar.failed.connect(self._offer_interrupted)
        self._run_bar.started.connect(self._on_started)
        self._run_bar.progressed.connect(self._on_progressed)
        self._run_bar.ended.connect(self._on_ended)

    def _offer_unsaved(self) -> None:
        """Show the model that an earlier Train dock left without a file."""
        if unsaved := [model for model in self._shelf.models if not model.is_saved]:
            self._model_box.setModel(unsaved[-1], {}, device=self._device.value())

    def _offer_interrupted(self) -> None:
        """Ask about the newest training that a crash has cut short."""
        found = interrupted_trainings([*running])
        self._interrupted.setModel(found[-1] if found else None)

    def _on_interrupted_kept(self, model: ShelvedModel) -> None:
        self._model_box.setModel(self._shelf.add(model), {}, device=self._device.value())

    def _on_start_changed(self) -> None:
        model = self._start.model()
        self._run_bar.setRunText(_RUN_TEXTS[model is not None and model.record is not None])
        if model is not None:
            self._method.setValue(model.info.method)
            self._noise.setSettings(model.info.method)

    def _on_continue_clicked(self, model: ShelvedModel) -> None:
        self._start.setModel(model)
        self._run_bar.run()

    def _on_cancelled(self) -> None:
        """Discard the copies too, unless it was but the dock that was closed."""
        if self._unfinished and not self._is_closed:
            self._unfinished.unlink(missing_ok=True)

    def _on_closed(self) -> None:
        self._is_closed = True
        super()._on_closed()

    def _on_images_changed(self) -> None:
        self._roles.setImage(*self._images.first())
        self._targets.setImages([*self._images.layers(), *self._images.files()])

    def _on_method_changed(self) -> None:
        self._noise.setMethod(cast("type[TrainingMethod]", self._method.form().settings_class))
        try:
            method = self._chosen_method()
        except SettingsError:
            return
        words = method.targets_in_words()
        self._targets.setDescription(words)
        self._targets.setVisible(bool(words))
        self._psf_row.setVisible(method.takes_psf)
        self._on_targets_changed()

    def _on_targets_changed(self) -> None:
        """Say what is missing before a training can begin."""
        reason = ""
        if not (self._images.layers() or self._images.files()):
            reason = "Tick a layer or add a file first."
        elif not self._targets.isHidden() and not self._targets.isComplete():
            reason = "Choose a target for each image first."
        self._run_bar.setRunEnabled(not reason, reason)

    def _on_roles_changed(self) -> None:
        if self._roles.isValid():
            self._method.setSpatialAxes(self._roles.value().spatial)

    def _on_started(self) -> None:
        self._plot.clear()
        if model := self._start.model():
            self._plot.addPoints((p.step, p.loss, p.validation_loss) for p in model.info.history)
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
        self._preview.end()

    def _on_progressed(self, events: Sequence[Progress]) -> None:
        # Told apart by what they have: the class itself would bring torch with it.
        losses = [cast("TrainingProgress", event) for event in events if hasattr(event, "loss")]
        if losses:
            self._plot.setStepCount(losses[-1].n_steps)
            self._plot.addPoints((e.step, e.loss, e.validation_loss) for e in losses)
        previews = [cast("Preview", event) for event in events if hasattr(event, "crop")]
        if previews:
            self._preview.show(previews[-1])

    def _prepare(self) -> Task:
        layout = self._roles.value()
        method = self._chosen_method()
        targets = None if self._targets.isHidden() else self._targets.targets()
        candidates = candidates_of(self._images, targets, self._regions, layout)
        if not candidates:
            raise InputError("There is nothing to train on. Tick a layer, or add a file.")
        images, left_out = choose_images(
            candidates, method, spatial=layout.spatial, channels=layout.channels
        )
        self._images.noteLeftOut(left_out)
        path = autosave_path(method, images[0].name)
        resume = self._start.model()
        self._unfinished = unfinished_path(path)
        make_job = partial(
            train_and_keep,
            method,
            images,
            seed=self._seed.value(),
            device=self._device.value(),
            path=path,
            resume=resume,
            preview=self._chosen_preview(layout),
            psf=self._chosen_psf(),
        )
        layers = dict(
            zip(self._images.layers(), [each.image.axes for each in candidates], strict=False)
        )
        return Task(make_job, partial(self._keep, images[0].name, layers, path, resume))

    def _chosen_method(self) -> TrainingMethod:
        """The method as the form has it, with the noise that is chosen beside it."""
        method = cast("TrainingMethod", self._method.value())
        noise = self._noise.value()
        return method if noise is None else method.model_copy(update={"noise": noise})

    def _chosen_preview(self, layout: Layout) -> Callable[[], PreviewCrop | None] | None:
        """What asks the dock for previews: of the first layer; none if they are not wanted."""
        layers = self._images.layers()
        if not layers or not self._shows_preview.isChecked():
            return None
        layer = layers[0]
        image = read_layer(layer, layout.axes if layer.ndim == len(layout.axes) else "")
        self._preview.begin(layer, image, Layout(image.axes, layout.spatial, layout.channels))
        return self._preview.choose

    def _chosen_psf(self) -> Any:
        """The pixels of the layer with a PSF; None where the method has another, or none."""
        layer = None if self._psf_row.isHidden() else self._psf.layer()
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
        if resumed and resumed.path and is_unfinished(resumed.path):
            resumed.path.unlink(missing_ok=True)
        self._start.setModel(None)
        shelved = self._shelf.add(trained_model(name, model, path if path.exists() else None))
        self._model_box.setModel(shelved, layers, device=self._device.value())
        QTimer.singleShot(0, self._scroll_to_model)
