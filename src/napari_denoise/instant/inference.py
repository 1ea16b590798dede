"""The instant denoiser's network at work on planes of one image."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.denoiser import Session
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.tiling import Place
from napari_denoise.learning.device import (
    empty_cache,
    memory_errors,
    native_dtype,
    resolve_device,
)
from napari_denoise.learning.models.orientations import Orientation, averaged_job
from napari_denoise.learning.networks.execution.slabs import Scratch
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.networks.shipped import FILES, load_network
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.normalization.variance_stabilization import clean_plane, planes_around

__all__ = ["InstantSession"]

_BLOCK = 8
_SMOOTHING_BLOCKS = 3.0
"""Standard deviation of the neighbourhood whose mean is kept; it is cut off at twice that."""


class InstantSession(Session):
    """The instant denoiser at work: its network on a device, from the first tile on.

    Parameters
    ----------
    camera : CameraNormalization
        The noise that is removed.
    weights : Path, optional
        Of the network; those that come along if None.
    device : str
        "auto", "cpu", "cuda:0", "mps".
    gives_uncertainty : bool
        Whether the standard deviation of what may be there is wanted, not the image.
    averages_flips : bool
        Whether the mean of all orientations is given.
    alignment : int
        Pixels along Y and X that the network's deepest level makes one of.

    Raises
    ------
    DeviceError
        If the device cannot compute.
    """

    def __init__(
        self,
        camera: CameraNormalization,
        *,
        weights: Path | None,
        device: str,
        gives_uncertainty: bool,
        averages_flips: bool,
        alignment: int,
    ) -> None:
        self._camera, self._weights, self._alignment = camera, weights, alignment
        self._gives_uncertainty, self._averages_flips = gives_uncertainty, averages_flips
        self._device = resolve_device(device)
        self._network: InstantNetwork | None = None
        self._scratch = Scratch()

    def denoise_tile(self, tile: FloatArray, place: Place) -> Job[FloatArray]:
        camera, wanted = self._camera, place.planes(prod(tile.shape[1:-2]))
        if not self._averages_flips:
            return (yield from self._clean(tile, camera, wanted))

        def predict(
            turned: FloatArray, way: Orientation, _shape: tuple[int, ...]
        ) -> Job[FloatArray]:
            return self._clean(turned, _turned(camera, way), wanted)

        alignment = (*(1,) * (tile.ndim - 3), self._alignment, self._alignment)
        return (yield from averaged_job(predict, tile, alignment, may_be_turned=True))

    def close(self) -> None:
        self._network, self._scratch = None, Scratch()
        empty_cache(self._device)

    def _clean(
        self, tile: FloatArray, camera: CameraNormalization, wanted: range
    ) -> Job[FloatArray]:
        """The tile, channel by channel, in the planes that are wanted; the others stay empty."""
        network, result = self._network_for(tile.shape[1:]), np.empty_like(tile)
        for channel, pixels in enumerate(tile):
            planes = pixels.reshape(-1, *pixels.shape[-2:])
            job = self._clean_planes(network, planes, camera, wanted)
            cleaned = yield from nested(job, channel / len(tile), (channel + 1) / len(tile))
            result[channel] = cleaned.reshape(pixels.shape)
        return result

    def _clean_planes(
        self,
        network: InstantNetwork,
        planes: FloatArray,
        camera: CameraNormalization,
        wanted: range,
    ) -> Job[FloatArray]:
        """ZYX planes in DN, each with the help of its neighbours if the network looks at them."""
        n_seen, result = network.architecture.n_planes, np.zeros_like(planes)
        with memory_errors(self._device):
            for i, z in enumerate(wanted):
                seen = planes[planes_around(z, n_seen, len(planes))]
                shown = torch.from_numpy(seen).to(self._device)
                job = _clean(network, camera, shown, self._scratch)
                cleaned, spread = yield from nested(job, i / len(wanted), (i + 1) / len(wanted))
                result[z] = (spread if self._gives_uncertainty else cleaned).cpu().numpy()
        return result

    def _network_for(self, shape: tuple[int, ...]) -> InstantNetwork:
        """The network for tiles of this spatial shape, on the device."""
        if self._network is None:
            is_volume = len(shape) == 3 and shape[0] > 1
            weights = self._weights or FILES[3 if is_volume else 2]
            # In the precision that is fastest: no context to be entered and left between steps.
            dtype = native_dtype(self._device, 2)
            self._network = deepcopy(_read(weights)).to(self._device, dtype)
        return self._network


def _turned(camera: CameraNormalization, way: Orientation) -> CameraNormalization:
    """The camera of an image that is turned in this way: what was along Y may lie along X."""
    along_y, along_x = camera.correlation
    turned = (along_x, along_y) if way.is_transposed else (along_y, along_x)
    return camera.model_copy(update={"correlation": turned})


@lru_cache(maxsize=2)
def _read(path: Path) -> InstantNetwork:
    return load_network(path)[0].eval().requires_grad_(requires_grad=False)


def _clean(
    network: InstantNetwork, camera: CameraNormalization, planes: Tensor, scratch: Scratch
) -> Job[tuple[Tensor, Tensor]]:
    """The middle one of ZYX planes without noise, and its standard deviation, in DN."""
    (cleaned,), (spread,) = yield from clean_plane(network, camera, planes[None], scratch)
    return cleaned + _local_mean(planes[len(planes) // 2] - cleaned), spread


def _local_mean(removed: Tensor) -> Tensor:
    """Mean of YX pixels over a neighbourhood of some 50 pixels.

    Noise has none to speak of. What was taken away and has one was light, and is given back: so
    the brightness of every region is kept, whatever image the network is given.
    """
    blocks = F.avg_pool2d(removed[None, None], _BLOCK, ceil_mode=True, count_include_pad=False)
    radius = int(2 * _SMOOTHING_BLOCKS)
    place = torch.arange(-radius, radius + 1.0, device=removed.device)
    kernel = torch.exp(-(place**2) / (2 * _SMOOTHING_BLOCKS**2))
    kernel /= kernel.sum()
    blocks = F.pad(blocks, (radius,) * 4, mode="replicate")
    blocks = F.conv2d(F.conv2d(blocks, kernel[None, None, :, None]), kernel[None, None, None])
    smooth = F.interpolate(blocks, scale_factor=_BLOCK, mode="bilinear", align_corners=False)
    return smooth[0, 0, : removed.shape[0], : removed.shape[1]]
