"""The instant denoiser: measure the camera on the image, then clean it, with nothing to train.

Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.denoiser import Denoiser, Session
from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import Job, Notice, Progress, nested
from napari_denoise.core.settings import setting
from napari_denoise.filters import Gaussian
from napari_denoise.filters.tuning.search import tune_job
from napari_denoise.learning.networks.architecture import N_PLANES
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.noise.calibration.mean_variance import CORRELATED
from napari_denoise.noise.calibration.single_image import calibrate_job
from napari_denoise.noise.camera import CameraSettings, Gain, Offset, ReadNoise

__all__ = ["Instant"]

_HALO = 96
"""What the network sees, and the better part of what the local mean is taken over."""

_ALIGNMENT = 8
"""The network halves an image three times; tiles have to begin where it would in the whole."""

_TILE_SIZE = {2: (1024, 1024), 3: (8, 1024, 1024)}
_MEASURED = ("gain", "offset", "read_noise", "correlation_y", "correlation_x")
_N_LEVEL_UNITS = 8
"""Planes that the image's mean level is measured on."""


class Instant(CameraSettings, Denoiser):
    """A network trained on synthetic scenes: no training, no settings, done in a second.

    The camera's gain, offset and read noise are measured on the image. With them the noise is
    evened out, cleaned by a network that has never seen a real image, and brought back to the
    image's intensities. Time or depth as a third spatial axis lets it use neighbouring planes.
    """

    title: ClassVar[str] = "Instant"
    kind: ClassVar[Literal["filter", "instant", "model"]] = "instant"

    name: Literal["instant"] = "instant"
    strength: float = setting(
        1.0,
        "Multiple of the measured noise that is removed: more is smoother, less keeps grain.",
        gt=0,
        le=4,
        step=0.05,
        slider=(0.5, 2.0),
    )
    output: Literal["image", "uncertainty"] = setting(
        "image",
        "The cleaned image, or how far off it may be: the standard deviation of what may be there, "
        "in the image's intensity units.",
        advanced=True,
    )
    average_flips: bool = setting(
        False,  # noqa: FBT003  # the default, as in all settings
        "Average the results of the image flipped and turned in every way: a little better, and "
        "takes eight times as long.",
        advanced=True,
    )
    gain: Gain = None
    offset: Offset = 0.0
    read_noise: ReadNoise = 0.0
    correlation_y: float = setting(
        0.0,
        "Lag-1 autocorrelation of the noise along Y; measured if the gain is.",
        ge=-1,
        le=1,
        step=0.05,
        advanced=True,
    )
    correlation_x: float = setting(
        0.0,
        "Lag-1 autocorrelation of the noise along X; measured if the gain is.",
        ge=-1,
        le=1,
        step=0.05,
        advanced=True,
    )
    level: float | None = setting(
        None, "The image's mean after stabilisation; measured if left open.", hidden=True
    )
    weights: Path | None = setting(
        None, "Weights of your own training, in place of those that come along.", hidden=True
    )
    device: str = setting("auto", "Where to compute: auto, cpu, cuda:0, mps.", hidden=True)

    @property
    def label(self) -> str:
        return "Instant uncertainty" if self.output == "uncertainty" else self.title

    @property
    def gives_image(self) -> bool:
        return self.output == "image"

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return (*(N_PLANES[3] // 2,) * (n_spatial - 2), _HALO, _HALO)

    def alignment(self, n_spatial: int) -> tuple[int, ...]:
        return (*(1,) * (n_spatial - 2), _ALIGNMENT, _ALIGNMENT)

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        return _TILE_SIZE[len(extents)]

    def fitted(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Denoiser]:
        try:
            ready = yield from self._calibrated(image, layout, units)
        except InputError as error:
            if self.output == "uncertainty":
                raise
            return (yield from _blur(image, layout, why=str(error)))
        if ready.level is not None:
            return ready
        level = yield from _mean_level(ready.camera(), image, layout, units)
        return ready.model_copy(update={"level": level})

    def camera(self) -> CameraNormalization:
        """The noise that is removed.

        Raises
        ------
        SettingsError
            If it is not known: neither given nor measured yet.
        """
        known = self.given_camera()
        if known is None:
            raise SettingsError("The camera is not known yet. Give a gain, or fit the denoiser.")
        return CameraNormalization(
            gain=known.gain * self.strength**2,
            offset=known.offset,
            read_noise=known.read_noise * self.strength,
            correlation=(self.correlation_y, self.correlation_x),
            level=self.level or 0.0,
        )

    def findings(self) -> str:
        camera = self.camera()
        return f"Camera: {camera.in_words()}; correlation {max(camera.correlation):.2f}."

    def prepare(self) -> Session:
        # Imported here: this module is imported before anyone needs torch.
        from napari_denoise.instant.inference import InstantSession  # noqa: PLC0415

        return InstantSession(
            self.camera(),
            weights=self.weights,
            device=self.device,
            gives_uncertainty=self.output == "uncertainty",
            averages_flips=self.average_flips,
            alignment=_ALIGNMENT,
        )

    def _calibrated(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Instant]:
        """With a camera: the given one, or what is measured."""
        if self.gain is not None:
            return self
        job = calibrate_job(image, layout.axes, channel=layout.channel_of(units[0]))
        found = yield from nested(job, 0.0, 1.0, "measuring the camera's noise")
        if not found.reliable and found.correlation <= CORRELATED:
            # Shared noise is no doubt to be told: the network knows how to deal with it.
            yield Notice(fraction=1.0, message=found.advice)
        return self.model_copy(update={name: getattr(found, name) for name in _MEASURED})


def _blur(image: Any, layout: Layout, *, why: str) -> Job[Denoiser]:
    """A blur that tunes itself, for an image whose camera cannot be measured."""
    try:
        tuned = yield from tune_job(Gaussian(), image, layout)
        blur = tuned.denoiser
    except InputError:  # nothing to tune it on
        blur = Gaussian()
    words = f"{why} A Gaussian blur of sigma {blur.value_of('sigma'):g} was used in its place."
    yield Notice(fraction=0.0, message=words)
    return blur


def _mean_level(
    camera: CameraNormalization, image: Any, layout: Layout, units: Sequence[UnitIndex]
) -> Job[float]:
    """The image's mean after stabilisation, from a few planes."""
    import torch  # noqa: PLC0415

    means = []
    for unit in units[:: -(-len(units) // _N_LEVEL_UNITS)]:
        yield Progress(fraction=0.0, message="measuring intensities")
        depth = layout.unit_shape(tuple(image.shape))[1:-2]
        window = tuple(slice(n // 2, n // 2 + 1) for n in depth)
        window = (*window, slice(None), slice(None))
        pixels = torch.from_numpy(layout.read(image, unit, window))
        means.append(float(camera.stabilize(pixels).mean()))
    return float(np.mean(means))
