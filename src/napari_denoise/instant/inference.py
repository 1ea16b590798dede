"""The instant denoiser's network at work on planes of one image."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, nested
from napari_denoise.learning.device import (
    empty_cache,
    memory_errors,
    native_dtype,
    resolve_device,
)
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.networks.shipped import load_network
from napari_denoise.learning.networks.slabs import Scratch
from napari_denoise.learning.normalization.camera import Camera
from napari_denoise.learning.normalization.variance_stabilization import clean_plane, planes_around

__all__ = ["Cleaner"]

_BLOCK = 8
_SMOOTHING_BLOCKS = 3.0
"""Standard deviation of the neighbourhood whose mean is kept; it is cut off at twice that."""


class Cleaner:
    """A network on a device; :meth:`release` gives the device's memory back.

    Parameters
    ----------
    weights : Path
    device : str
        "auto", "cpu", "cuda:0", "mps".

    Raises
    ------
    ModelError
        If the weights cannot be read.
    DeviceError
        If the device cannot compute.
    """

    def __init__(self, weights: Path, device: str) -> None:
        self._device = resolve_device(device)
        # In the precision that is fastest: no context to be entered and left between two steps.
        dtype = native_dtype(self._device, 2)
        self._network: InstantNetwork | None = deepcopy(_read(weights)).to(self._device, dtype)
        self._scratch = Scratch()

    def clean(
        self,
        planes: FloatArray,
        camera: Camera,
        wanted: range,
        *,
        give_uncertainty: bool = False,
    ) -> Job[FloatArray]:
        """Clean planes, each with the help of its neighbours if the network looks at them.

        Parameters
        ----------
        planes : float32 array, axes ZYX, in DN
        camera : Camera
        wanted : range
            Which of the planes to clean; the others stay empty.
        give_uncertainty : bool
            Whether the standard deviation of what may be there is asked for instead.

        Returns
        -------
        float32 array, axes ZYX, in DN
        """
        assert self._network is not None  # noqa: S101  # not after release
        n_seen, result = self._network.architecture.n_planes, np.zeros_like(planes)
        with memory_errors(self._device):
            for i, z in enumerate(wanted):
                seen = planes[planes_around(z, n_seen, len(planes))]
                shown = torch.from_numpy(seen).to(self._device)
                job = _clean(self._network, camera, shown, self._scratch)
                cleaned, spread = yield from nested(job, i / len(wanted), (i + 1) / len(wanted))
                result[z] = (spread if give_uncertainty else cleaned).cpu().numpy()
        return result

    def release(self) -> None:
        """Let go of the network and its memory."""
        self._network, self._scratch = None, Scratch()
        empty_cache(self._device)


@lru_cache(maxsize=2)
def _read(path: Path) -> InstantNetwork:
    return load_network(path)[0].eval().requires_grad_(requires_grad=False)


def _clean(
    network: InstantNetwork, camera: Camera, planes: Tensor, scratch: Scratch
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
