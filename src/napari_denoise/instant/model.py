"""The instant denoiser: measure the camera on the image, then clean it, with nothing to train.

Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import PrivateAttr

from napari_denoise.axes import Layout, UnitIndex
from napari_denoise.denoiser import Denoiser
from napari_denoise.errors import InputError, SettingsError
from napari_denoise.filters import Gaussian
from napari_denoise.intensities import FloatArray
from napari_denoise.learning.architecture import N_PLANES
from napari_denoise.learning.camera import Camera
from napari_denoise.noise.calibrate import calibrate
from napari_denoise.progress import Job, Notice, Progress, nested
from napari_denoise.settings import setting

if TYPE_CHECKING:
    import torch

    from napari_denoise.learning.instant_network import InstantNetwork

__all__ = ["Camera", "Instant"]

_HALO = 96
"""What the network sees, and the better part of what the local mean is taken over."""

_ALIGNMENT = 8
_TILE_SIZE = {2: (768, 768), 3: (16, 512, 512)}
_MEASURED = ("gain", "offset", "read_noise", "correlation_y", "correlation_x")
_N_LEVEL_UNITS = 8
"""Planes that the image's mean level is measured on."""


class Instant(Denoiser):
    """A network trained on made-up scenes: no training, no settings, done in a second.

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
    gain: float | None = setting(
        None,
        "Intensity per photo-electron; the whole camera is measured on the image if left open.",
        unit="DN",
        ge=0,
        le=1e9,
        advanced=True,
    )
    offset: float = setting(
        0.0,
        "Intensity without light; measured if the gain is.",
        unit="DN",
        ge=-1e9,
        le=1e9,
        advanced=True,
    )
    read_noise: float = setting(
        0.0,
        "Noise without light; measured if the gain is.",
        unit="DN",
        ge=0,
        le=1e9,
        advanced=True,
    )
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

    _network: Any = PrivateAttr(None)

    @property
    def label(self) -> str:
        return "Instant uncertainty" if self.output == "uncertainty" else self.title

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return (*(N_PLANES[3] // 2,) * (n_spatial - 2), _HALO, _HALO)

    def alignment(self, n_spatial: int) -> tuple[int, ...]:
        return (*(1,) * (n_spatial - 2), _ALIGNMENT, _ALIGNMENT)

    def tile_size(self, n_spatial: int) -> tuple[int, ...]:
        return _TILE_SIZE[n_spatial]

    def fitted(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Denoiser]:
        try:
            ready = yield from self._calibrated(image, layout, units)
        except InputError as error:
            if self.output == "uncertainty":
                raise
            message = f"{error} A Gaussian blur was used in its place."
            yield Notice(fraction=0.0, message=message)
            return Gaussian()
        if ready.level is not None:
            return ready
        level = yield from _mean_level(ready.camera(), image, layout, units)
        return ready.model_copy(update={"level": level})

    def camera(self) -> Camera:
        """The noise that is removed.

        Raises
        ------
        SettingsError
            If it is not known: neither given nor measured yet, or given as none at all.
        """
        if self.gain is None:
            raise SettingsError("The camera is not known yet. Give a gain, or fit the denoiser.")
        if not self.gain + self.read_noise:
            raise SettingsError("A camera needs a gain or a read noise above zero. Give one.")
        return Camera(
            gain=self.gain * self.strength**2,
            offset=self.offset,
            read_noise=self.read_noise * self.strength,
            correlation=(self.correlation_y, self.correlation_x),
            level=self.level or 0.0,
        )

    def denoise_tile(self, tile: FloatArray) -> Job[FloatArray]:
        result = np.empty_like(tile)
        for channel, pixels in enumerate(tile):
            part = channel / len(tile), (channel + 1) / len(tile)
            planes = pixels if pixels.ndim == 3 else pixels[np.newaxis]
            cleaned = yield from nested(self._clean(planes), *part)
            result[channel] = cleaned.reshape(pixels.shape)
        return result

    def release(self) -> None:
        if self._network is None:
            return
        from napari_denoise.learning.device import empty_cache  # noqa: PLC0415

        device = self._network[1]
        self._network = None
        empty_cache(device)

    def _calibrated(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Instant]:
        """With a camera: the given one, or what is measured."""
        if self.gain is not None:
            return self
        job = calibrate(image, layout.axes, channel=layout.channel_of(units[0]))
        found = yield from nested(job, 0.0, 1.0, "measuring the camera's noise")
        return self.model_copy(update={name: getattr(found, name) for name in _MEASURED})

    def _clean(self, planes: FloatArray) -> Job[FloatArray]:
        """Clean ZYX planes, each with the help of its neighbours if there are any."""
        # Imported here: this module is imported before anyone needs torch.
        import torch  # noqa: PLC0415

        from napari_denoise.learning.device import memory_errors  # noqa: PLC0415
        from napari_denoise.learning.stabilization import planes_around  # noqa: PLC0415

        camera = self.camera()
        network, device = self._place(3 if len(planes) > 1 else 2)
        n_seen = network.architecture.n_planes
        result = np.empty_like(planes)
        with memory_errors(device):
            for z in range(len(planes)):
                seen = planes[planes_around(z, n_seen, len(planes))]
                job = _apply(network, camera, torch.from_numpy(seen).to(device))
                part = z / len(planes), (z + 1) / len(planes)
                cleaned, spread = yield from nested(job, *part)
                chosen = spread if self.output == "uncertainty" else cleaned
                result[z] = chosen.cpu().numpy()
        return result

    def _place(self, n_spatial: int) -> tuple[InstantNetwork, torch.device]:
        """The network on its device, until :meth:`release`."""
        from napari_denoise.learning.device import native_dtype, resolve_device  # noqa: PLC0415
        from napari_denoise.learning.pretrained import FILES  # noqa: PLC0415

        if self._network is None:
            device = resolve_device(self.device)
            network = deepcopy(_read_network(self.weights or FILES[n_spatial]))
            self._network = network.to(device, native_dtype(device, 2)), device
        placed: tuple[InstantNetwork, torch.device] = self._network
        return placed


@lru_cache(maxsize=2)
def _read_network(path: Path) -> InstantNetwork:
    from napari_denoise.learning.pretrained import load_network  # noqa: PLC0415

    return load_network(path)[0].eval().requires_grad_(requires_grad=False)


def _apply(
    network: InstantNetwork, camera: Camera, planes: torch.Tensor
) -> Job[tuple[torch.Tensor, torch.Tensor]]:
    """The middle one of ZYX planes without noise, and its standard deviation, in DN."""
    from napari_denoise.learning.stabilization import clean_plane  # noqa: PLC0415

    cleaned, spread = yield from clean_plane(network, camera, planes[None])
    return cleaned[0] + _local_mean(planes[len(planes) // 2] - cleaned[0]), spread[0]


def _local_mean(removed: torch.Tensor) -> torch.Tensor:
    """Mean of YX pixels over a neighbourhood of some 50 pixels.

    Noise has none to speak of. What was taken away and has one was light, and is given back: so
    the brightness of every region is kept, whatever image the network is given.
    """
    import torch  # noqa: PLC0415
    from torch.nn import functional as F  # noqa: N812, PLC0415

    step, radius, sigma = _ALIGNMENT, 6, 3.0
    blocks = F.avg_pool2d(removed[None, None], step, ceil_mode=True, count_include_pad=False)
    place = torch.arange(-radius, radius + 1.0, device=removed.device)
    kernel = torch.exp(-(place**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    blocks = F.pad(blocks, (radius,) * 4, mode="replicate")
    blocks = F.conv2d(F.conv2d(blocks, kernel[None, None, :, None]), kernel[None, None, None])
    smooth = F.interpolate(blocks, scale_factor=step, mode="bilinear", align_corners=False)
    return smooth[0, 0, : removed.shape[0], : removed.shape[1]]


def _mean_level(
    camera: Camera, image: Any, layout: Layout, units: Sequence[UnitIndex]
) -> Job[float]:
    """The image's mean after stabilisation, from a few planes."""
    import torch  # noqa: PLC0415

    from napari_denoise.learning.stabilization import stabilized_pixels  # noqa: PLC0415

    means = []
    for unit in units[:: -(-len(units) // _N_LEVEL_UNITS)]:
        yield Progress(fraction=0.0, message="measuring intensities")
        depth = layout.unit_shape(tuple(image.shape))[1:-2]
        window = tuple(slice(n // 2, n // 2 + 1) for n in depth)
        window = (*window, slice(None), slice(None))
        pixels = torch.from_numpy(layout.read(image, unit, window))
        means.append(float(stabilized_pixels(camera, pixels).mean()))
    return float(np.mean(means))
