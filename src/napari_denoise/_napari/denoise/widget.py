"""The Denoise dock: any method on a layer, as a new layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from napari.layers import Image as ImageLayer

from napari_denoise._napari.denoise.camera_box import CameraBox, calibrated
from napari_denoise._napari.denoise.denoiser_chooser import DenoiserChooser
from napari_denoise._napari.denoise.live_result import GrowingResult, blank
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
    """A layer, a method with its settings, and Run."""

    def __init__(self, napari_viewer: ViewerModel) -> None:
        super().__init__(napari_viewer)
        chooser = LayerChooser(napari_viewer.layers)
        self._layer = self.closing(chooser, chooser.close_watch)
        method = DenoiserChooser(shelf_of(napari_viewer))
        self._method = self.closing(method, method.close_watch)
        self._roles = AxisRoles()
        stored = preferences()
        self._dtype = DtypePolicy(stored.result_dtype)
        device = DeviceChooser(stored.device)
        self._device = self.closing(device, device.shutdown)
        camera = CameraBox()
        self._camera = self.closing(camera, camera.shutdown)
        self._run_bar = self.makeRunBar(self._prepare, run_text="Denoise")
        self._growing = GrowingResult(napari_viewer, self._run_bar)
        self._tuning_bar = self.makeRunBar(self._prepare_tuning, run_text="Tune to this image")
        self._tuning = TuningBox(self._tuning_bar)
        self._build()
        self._connect()
        self._on_layer_changed(self._layer.layer())

    def setLayer(self, layer: ImageLayer) -> None:
        """Choose the layer to denoise."""
        self._layer.setLayer(layer)

    def setMethod(self, method: type[Denoiser]) -> None:
        """Choose a method that needs no training."""
        self._method.setMethod(method)

    def setModel(self, model: ShelvedModel) -> None:
        """Choose a model that was trained in this session."""
        self._method.setModel(model)

    def setModelFile(self, path: Path) -> None:
        """Choose a model in a file; says so if it is none."""
        self._run_bar.clear()
        self._method.setModelFile(path)

    def _build(self) -> None:
        self.addRow("Layer", self._layer)
        self.addHeading("Method")
        self.addWidget(self._method)
        self._device_row = self.addRow("Device", self._device, "Where a network computes.")
        self.addWidget(self._camera)
        self.addWidget(self._tuning)
        self.addHeading("Axes")
        self.addWidget(self._roles)
        self.addHeading("Result")
        self.addRow("Type", self._dtype)
        self.addWidget(self._run_bar)

    def _connect(self) -> None:
        self._layer.layerChanged.connect(self._on_layer_changed)
        self._method.valueChanged.connect(self._on_method_changed)
        self._method.failed.connect(self._run_bar.showError)
        self._tuning.undone.connect(self._method.setSettings)
        self._roles.valueChanged.connect(self._on_roles_changed)
        self._dtype.valueChanged.connect(lambda: remember(result_dtype=self._dtype.value()))
        self._device.valueChanged.connect(lambda: remember(device=self._device.value()))

    def _on_layer_changed(self, layer: ImageLayer | None) -> None:
        for bar in (self._run_bar, self._tuning_bar):
            bar.setRunEnabled(layer is not None, "" if layer else "Open an image first.")
        self._tuning_bar.cancel()
        self._tuning.clear()
        show_axes(self._roles, layer)
        self._camera.setLayer(layer)
        self._on_method_changed()

    def _on_method_changed(self) -> None:
        model = self._method.model()
        self._device_row.setVisible(self._method.has_device())
        self._camera.setVisible(self._method.needs_camera())
        self._tuning.setMethod(self._method.method())
        self._roles.setForced(model.denoiser("auto").layout_for if model else None)

    def _on_roles_changed(self) -> None:
        if self._roles.isValid():
            self._method.setSpatialAxes(self._roles.value().spatial)

    def _image(self) -> tuple[ImageLayer, Image]:
        layer = self._layer.layer()
        if layer is None:
            raise InputError("There is no image layer. Open or add an image first.")
        return layer, read_layer(layer, self._roles.axes)

    def _denoiser(self) -> Denoiser:
        return calibrated(self._method.value(self._device.value()), self._camera.calibration())

    def _prepare_tuning(self) -> Task:
        _, image = self._image()
        layout, before = self._roles.value(), self._method.settings()
        denoiser = self._denoiser()
        make_job = partial(tune_job, denoiser, image.pixels, layout)
        return Task(make_job, partial(self._use_tuned, cast("Filter", before or denoiser)))

    def _use_tuned(self, before: Filter, found: Tuned) -> None:
        self._method.setSettings(before.adjusted(**found.settings))
        self._tuning.setResult(before, found)

    def _prepare(self) -> Task:
        layer, image = self._image()
        layout, denoiser = self._roles.value(), self._denoiser()
        dtype = self._dtype.dtype_for(image.pixels)
        is_shown = denoiser.gives_image and not denoiser.n_stacked
        if is_shown:
            self._growing.follow(layer, image)

        def make_job() -> Job[Checked]:
            out = (yield from blank(image.shape, dtype)) if is_shown else None
            job = denoise_job(denoiser, image, layout, dtype=dtype, out=out)
            return (yield from checked_job(job, image))

        label, is_image = self._method.label(), denoiser.gives_image
        make_layer = partial(result_layer, layer, label=label, is_image=is_image)
        return Task(make_job, partial(self._add_result, layer, make_layer))

    def _add_result(
        self, layer: ImageLayer, make_layer: Callable[[Image], ImageLayer], result: Checked
    ) -> None:
        self.viewer.add_layer(make_layer(result.denoised.image))
        tell_intensities(self._run_bar, result)
        if len(result.denoised.fitted) == 1 and layer is self._layer.layer():
            self._camera.setFindings(result.denoised.fitted[0].findings())


def show_axes(roles: AxisRoles, layer: ImageLayer | None) -> None:
    """Show a layer's axes; none for a layer that cannot be denoised (Run says why)."""
    if layer is None or refusal(layer):
        roles.setImage("", ())
    else:
        image = read_layer(layer)
        roles.setImage(image.axes, image.shape)
