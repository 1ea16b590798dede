"""The Denoise dock: any method on a layer, as a new layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from napari.layers import Image as ImageLayer

from napari_denoise._napari.denoise.camera_box import CameraBox, calibrated
from napari_denoise._napari.denoise.denoiser_chooser import DenoiserChooser
from napari_denoise._napari.denoise.live_result import LiveResult, blank_image_job
from napari_denoise._napari.denoise.tuning_box import TuningBox
from napari_denoise._napari.shared.axis_roles import AxisRoles
from napari_denoise._napari.shared.choosers import LayerChooser
from napari_denoise._napari.shared.device_chooser import DeviceChooser
from napari_denoise._napari.shared.dock import DtypePolicy, Task, ViewerDock
from napari_denoise._napari.shared.layers import read_layer, refusal
from napari_denoise._napari.shared.models import ShelvedModel, shelf_of
from napari_denoise._napari.shared.preferences import preferences, remember
from napari_denoise._napari.shared.results import result_layer, tell_intensities
from napari_denoise.core.denoiser import Denoiser, denoise_job
from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job
from napari_denoise.evaluation import Checked, checked_job
from napari_denoise.filters.base import Filter
from napari_denoise.filters.tuning.search import Tuned, tune_job

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["DenoiseWidget"]


class DenoiseWidget(ViewerDock):
    """A layer, a method with its settings, and Run.

    Attributes
    ----------
    layerChooser, methodChooser, deviceChooser, axisRoles, dtypeBox : QWidget
        What is denoised, how, where, and what comes of it.
    cameraBox : CameraBox
    tuningBox : TuningBox
    runBar : RunBar
    """

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        self.layerChooser = self.closing(LayerChooser(napari_viewer.layers))
        self.methodChooser = self.closing(DenoiserChooser(shelf_of(napari_viewer)))
        self.axisRoles = AxisRoles()
        stored = preferences()
        self.dtypeBox = DtypePolicy(stored.result_dtype)
        self.deviceChooser = self.closing(DeviceChooser(stored.device))
        self.cameraBox = self.closing(CameraBox())
        self.runBar = self.makeRunBar(self._prepare, run_text="Denoise")
        self._live_result = LiveResult(napari_viewer, self.runBar)
        tuning_bar = self.makeRunBar(self._prepare_tuning, run_text="Tune to this image")
        self.tuningBox = TuningBox(tuning_bar)
        self._build()
        self._connect()
        self._on_layer_changed(self.layerChooser.layer())

    def setLayer(self, layer: ImageLayer) -> None:
        """Choose the layer to denoise."""
        self.layerChooser.setLayer(layer)

    def setMethod(self, method: type[Denoiser]) -> None:
        """Choose a method that needs no training."""
        self.methodChooser.setMethod(method)

    def setModel(self, model: ShelvedModel) -> None:
        """Choose a model that was trained in this session."""
        self.methodChooser.setModel(model)

    def setModelFile(self, path: Path) -> None:
        """Choose a model in a file; says so if it is none."""
        self.runBar.clear()
        self.methodChooser.setModelFile(path)

    def _build(self) -> None:
        self.addRow("Layer", self.layerChooser)
        self.addHeading("Method")
        self.addWidget(self.methodChooser)
        self._device_row = self.addRow("Device", self.deviceChooser, "Where a network computes.")
        self.addWidget(self.cameraBox)
        self.addWidget(self.tuningBox)
        self.addHeading("Axes")
        self.addWidget(self.axisRoles)
        self.addHeading("Result")
        self.addRow("Type", self.dtypeBox)
        self.addWidget(self.runBar)

    def _connect(self) -> None:
        self.layerChooser.layerChanged.connect(self._on_layer_changed)
        self.methodChooser.valueChanged.connect(self._on_method_changed)
        self.methodChooser.failed.connect(self.runBar.showError)
        self.tuningBox.undone.connect(self.methodChooser.setSettings)
        self.axisRoles.valueChanged.connect(self._on_roles_changed)
        self.dtypeBox.valueChanged.connect(lambda: remember(result_dtype=self.dtypeBox.value()))
        self.deviceChooser.valueChanged.connect(lambda: remember(device=self.deviceChooser.value()))

    def _on_layer_changed(self, layer: ImageLayer | None) -> None:
        for bar in (self.runBar, self.tuningBox.runBar):
            bar.setRunEnabled(layer is not None, "" if layer else "Open an image first.")
        # Settings that were tuned to one layer must not land in the form for another.
        self.tuningBox.runBar.cancel()
        self.tuningBox.clear()
        show_axes(self.axisRoles, layer)
        self.cameraBox.setLayer(layer)
        self._on_method_changed()

    def _on_method_changed(self) -> None:
        model = self.methodChooser.model()
        self._device_row.setVisible(self.methodChooser.hasDevice())
        self.cameraBox.setVisible(self.methodChooser.needsCamera())
        self.tuningBox.setMethod(self.methodChooser.method())
        # A network knows whether it was trained on planes or on volumes; the user cannot choose.
        self.axisRoles.setForced(model.denoiser("auto").layout_for if model else None)

    def _on_roles_changed(self) -> None:
        if self.axisRoles.isValid():
            self.methodChooser.setSpatialAxes(self.axisRoles.value().spatial)

    def _image(self) -> tuple[ImageLayer, Image]:
        layer = self.layerChooser.layer()
        if layer is None:
            raise InputError("There is no image layer. Open or add an image first.")
        return layer, read_layer(layer, self.axisRoles.axes)

    def _denoiser(self) -> Denoiser:
        return calibrated(
            self.methodChooser.value(self.deviceChooser.value()), self.cameraBox.calibration()
        )

    def _prepare_tuning(self) -> Task:
        _, image = self._image()
        layout, before = self.axisRoles.value(), self.methodChooser.settings()
        denoiser = self._denoiser()
        make_job = partial(tune_job, denoiser, image.pixels, layout)
        # The form shows the filter itself, whether or not noise is evened out around it.
        return Task(make_job, partial(self._use_tuned, cast("Filter", before or denoiser)))

    def _use_tuned(self, before: Filter, found: Tuned) -> None:
        self.methodChooser.setSettings(before.adjusted(**found.settings))
        self.tuningBox.setResult(before, found)

    def _prepare(self) -> Task:
        layer, image = self._image()
        layout, denoiser = self.axisRoles.value(), self._denoiser()
        dtype = self.dtypeBox.dtype_for(image.pixels)
        # An uncertainty has another range than the image, and would flash up black or white.
        is_shown = denoiser.gives_image and not denoiser.n_stacked
        if is_shown:
            self._live_result.follow(layer, image)

        def make_job() -> Job[Checked]:
            # In the job, as it takes a while for a large image.
            out = (yield from blank_image_job(image.shape, dtype)) if is_shown else None
            job = denoise_job(denoiser, image, layout, dtype=dtype, out=out)
            return (yield from checked_job(job, image))

        label, is_image = self.methodChooser.label(), denoiser.gives_image
        # Read from the form now: it may be changed while the job runs.
        make_layer = partial(result_layer, layer, label=label, is_image=is_image)
        return Task(make_job, partial(self._add_result, layer, make_layer))

    def _add_result(
        self, layer: ImageLayer, make_layer: Callable[[Image], ImageLayer], result: Checked
    ) -> None:
        self.viewer.add_layer(make_layer(result.denoised.image))
        tell_intensities(self.runBar, result)
        # With several channels there are several cameras; of another layer, it would be untrue.
        if len(result.denoised.fitted) == 1 and layer is self.layerChooser.layer():
            self.cameraBox.setFindings(result.denoised.fitted[0].findings())


def show_axes(roles: AxisRoles, layer: ImageLayer | None) -> None:
    """Show a layer's axes; none for a layer that cannot be denoised (Run says why)."""
    if layer is None or refusal(layer):
        roles.setImage("", ())
    else:
        image = read_layer(layer)
        roles.setImage(image.axes, image.shape)
