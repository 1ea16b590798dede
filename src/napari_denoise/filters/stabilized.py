"""Any filter inside variance stabilisation: for photon noise, with a method for white noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, SerializeAsAny

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.denoiser import Denoiser
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Job, Notice, nested
from napari_denoise.core.settings import SettingField, make_settings
from napari_denoise.filters import filter_class
from napari_denoise.filters.base import Filter
from napari_denoise.noise.calibration.single_image import calibrate_job
from napari_denoise.noise.camera import CameraModel, CameraSettings, Gain, Offset, ReadNoise

__all__ = ["Stabilized"]


def _as_filter(value: Any) -> Any:
    """Read a filter's stored settings, its ``name`` among them."""
    if isinstance(value, Mapping):
        settings = dict(value)
        value = make_settings(filter_class(str(settings.get("name"))), settings)
    if isinstance(value, Denoiser) and not isinstance(value, Filter):
        raise SettingsError(f"{value.label} stabilises by itself. Choose a filter.")
    return value


class Stabilized(CameraSettings, Filter):
    """A filter applied to an image whose noise was made the same at every brightness.

    Most filters expect that. Photon noise grows with the signal; the generalised Anscombe
    transform evens it out, and its exact unbiased inverse brings the result back. What the
    transform needs to know of the camera is measured on the image, channel by channel, unless
    it is given.
    """

    title: ClassVar[str] = "Stabilized"
    citation: ClassVar[str] = "Mäkitalo & Foi 2013, doi:10.1109/TIP.2012.2202675"

    name: Literal["stabilized"] = "stabilized"
    denoiser: Annotated[SerializeAsAny[Filter], BeforeValidator(_as_filter)]
    gain: Gain = None
    offset: Offset = 0.0
    read_noise: ReadNoise = 0.0

    @property
    def label(self) -> str:
        return f"stabilized {self.denoiser.label}"

    def fitted(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Filter]:
        camera = {"gain": self.gain, "offset": self.offset, "read_noise": self.read_noise}
        if self.gain is None:
            channel = layout.channel_of(units[0])
            job = calibrate_job(image, layout.axes, channel=channel)
            try:
                found = yield from nested(job, 0.0, 1.0, "measuring the camera's noise")
            except InputError as error:
                raise InputError(f"{error} Or do not even out photon noise first.") from error
            if not found.reliable:
                yield Notice(fraction=1.0, message=found.advice)
            camera = {name: getattr(found, name) for name in camera}
        # The filter is fitted to the raw image only for what does not depend on intensities.
        inner = yield from _of_unit_noise(self.denoiser).fitted(image, layout, units)
        return self.model_copy(update={"denoiser": inner, **camera})

    def findings(self) -> str:
        return f"Camera: {self._camera().in_words()}."

    def denoise_tile(self, tile: FloatArray) -> Job[FloatArray]:
        camera, inner = self._camera(), _of_unit_noise(self.denoiser)
        return camera.invert((yield from inner.denoise_tile(camera.stabilize(tile))))

    def tunable(self) -> tuple[SettingField, ...]:
        return self.denoiser.tunable()

    def value_of(self, name: str) -> Any:
        return self.denoiser.value_of(name)

    def adjusted(self, **changes: Any) -> Filter:
        return self.model_copy(update={"denoiser": self.denoiser.adjusted(**changes)})

    def rehearsal(self) -> Filter:
        return self.model_copy(update={"denoiser": self.denoiser.rehearsal()})

    def forward_model(self, denoised: FloatArray) -> Job[FloatArray]:
        return (yield from self.denoiser.forward_model(denoised))

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return self.denoiser.halo(n_spatial)

    def alignment(self, n_spatial: int) -> tuple[int, ...]:
        return self.denoiser.alignment(n_spatial)

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        return self.denoiser.tile_size(extents)

    def check(self, layout: Layout, shape: tuple[int, ...]) -> None:
        self.denoiser.check(layout, shape)

    def _camera(self) -> CameraModel:
        known = self.given_camera()
        if known is None:
            raise SettingsError("The gain is not known yet. Give it, or fit the filter first.")
        return known


def _of_unit_noise(denoiser: Filter) -> Filter:
    """Tell a filter what it would measure otherwise: after stabilisation, the noise is 1."""
    if getattr(denoiser, "noise_sigma", 1.0) is None:
        return denoiser.model_copy(update={"noise_sigma": 1.0})
    return denoiser
