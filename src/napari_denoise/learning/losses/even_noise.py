"""The network sees a plane of even noise and is told the camera, as the instant denoiser is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Notice, run
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.losses.base import ANY_DRAWS, Loss
from napari_denoise.learning.losses.strategy import Start, Strategy
from napari_denoise.learning.methods.care import PairedMethod
from napari_denoise.learning.models.draws import Draws
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.networks.shipped import shipped_network
from napari_denoise.learning.normalization.base import Normalization
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.normalization.variance_stabilization import (
    clean_plane,
    clean_planes,
    planes_around,
)
from napari_denoise.learning.training.camera_estimation import measure_camera

__all__ = ["FromInstant", "StabilizedRegression"]


class StabilizedRegression(Loss):
    """Mean square error of the middle plane, in intensities and not in stabilised values.

    So the best guess is the mean of all that may be there, and a noisy target does as well as a
    clean one. Weighing by the prediction, and not by the target, leaves that so.

    Parameters
    ----------
    camera : CameraNormalization
    device : torch.device
    """

    def __init__(self, camera: CameraNormalization, device: torch.device) -> None:
        super().__init__(device)
        self.camera = camera

    def loss(self, network: Any, batch: Batch) -> Tensor:
        pixels, target, mask = (
            torch.from_numpy(array.reshape(len(array), -1, *array.shape[-2:])).to(self.device)
            for array in (batch.input, batch.target, batch.mask)
        )
        # Of a volume only the middle plane is predicted: the others are there to be looked at.
        n_planes, middle = pixels.shape[1], pixels.shape[1] // 2
        seen = pixels[:, planes_around(middle, network.architecture.n_planes, n_planes)]
        with mixed_precision(self.device, 2):
            predicted, _ = run(clean_plane(network, self.camera, seen))
        mask = mask[:, middle]
        certainty = mask / self.camera.stabilized_variance(predicted.detach())
        squares = (predicted - target[:, middle]).square() * certainty
        return squares.sum() / mask.sum().clamp(min=1)

    def image_graph(self, network: Any) -> nn.Module | None:
        return _Stabilized(network, self.camera)

    def predict(
        self, network: Any, tile: FloatArray, output: str = "image", draws: Draws = ANY_DRAWS
    ) -> Job[FloatArray]:
        del output
        planes = torch.from_numpy(tile.reshape(-1, *tile.shape[-2:])).to(self.device)
        # Planes of a halo are looked at, and not cleaned.
        wanted = draws.place.planes(len(planes))
        cleaned, _ = yield from clean_planes(network, self.camera, planes, wanted)
        return np.asarray(cleaned.cpu().numpy().reshape(tile.shape))


class _Stabilized(nn.Module):
    """The instant denoiser's network for one camera; volumes plane by plane with neighbours."""

    def __init__(self, network: InstantNetwork, camera: CameraNormalization) -> None:
        super().__init__()
        self.network = network
        self._camera = camera
        self._reach = network.architecture.n_planes // 2

    def forward(self, batch: Tensor) -> Tensor:
        seen = batch if batch.ndim == 4 else self._windows(batch)
        cleaned, _ = run(clean_plane(self.network, self._camera, seen))
        return cleaned.reshape(batch.shape)

    def _windows(self, batch: Tensor) -> Tensor:
        """Each plane with those around it, mirrored at the ends: ``N1ZYX`` to ``(NZ)ZYX``."""
        # As `planes_around` does it, for all planes at once.
        mirrored = F.pad(batch, [0, 0, 0, 0, self._reach, self._reach], mode="reflect")
        windows = mirrored[:, 0].unfold(1, 2 * self._reach + 1, 1)
        return windows.permute(0, 1, 4, 2, 3).flatten(0, 1)


class FromInstant(Strategy[PairedMethod]):
    """The instant denoiser's network, told the camera; a fresh one where it cannot be measured."""

    def initialize(
        self, sampler: PatchSampler, samples: Batch, *, seed: int, psf: FloatArray | None = None
    ) -> Job[Start]:
        del psf
        if self.method.start == "instant":
            try:
                return (yield from self._pretrained(sampler, samples, seed))
            except InputError as error:
                # An image whose camera cannot be measured can still be learned from.
                message = f"{error} So the training starts from scratch."
                yield Notice(fraction=0.0, message=message)
        return self.from_scratch(samples, seed)

    def loss(self, normalization: Normalization, device: torch.device) -> Loss:
        if isinstance(normalization, CameraNormalization):
            return StabilizedRegression(normalization, device)
        return super().loss(normalization, device)

    def _pretrained(self, sampler: PatchSampler, samples: Batch, seed: int) -> Job[Start]:
        if samples.input.shape[1] > 1:
            raise InputError("The instant denoiser sees channels one at a time, not together.")
        camera = yield from measure_camera(sampler, seed)
        level = float(camera.stabilize(torch.from_numpy(samples.known_pixels())).mean())
        network = shipped_network(sampler.images[0].layout.n_spatial)
        return Start(network, camera.model_copy(update={"level": level}))
