"""The network gives the image before the microscope blurred it; blurred again it is the image."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Notice, nested
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.losses.base import ANY_DRAWS
from napari_denoise.learning.losses.regression import NormalizedNetwork, Regression
from napari_denoise.learning.losses.strategy import Start, Strategy
from napari_denoise.learning.methods.deconoising import (
    DECONVOLVED,
    BlurredArchitecture,
    DecoNoising,
)
from napari_denoise.learning.models.draws import Draws
from napari_denoise.learning.networks.architecture import UNetArchitecture
from napari_denoise.learning.networks.blurred import BlurredNetwork
from napari_denoise.learning.networks.execution.blur import blur_job
from napari_denoise.learning.normalization.base import Normalization
from napari_denoise.learning.normalization.light import Light
from napari_denoise.learning.normalization.linear import measure_normalization
from napari_denoise.learning.training.background import measure_background
from napari_denoise.learning.training.camera_estimation import measure_camera

__all__ = ["BlurredRegression", "WithBlur"]

_LEAST = 1e-6
"""Against a division by zero, where no pixel of a batch counts."""


class BlurredRegression(Regression):
    """Mean square error of the blurred answer, and what the answer is below zero.

    Where the noise is known, errors count in its units: a bright pixel, which has more of it,
    tells less. As it is the noise of the guess, and not that of the pixel, the best guess is
    still the mean of all that may be there.

    Parameters
    ----------
    light : Light
    positivity : float
        How much the mean of what is below zero counts.
    device : torch.device
    """

    def __init__(self, light: Light, positivity: float, device: torch.device) -> None:
        super().__init__(light.as_linear(), device)
        self.light = light
        self.positivity = positivity

    def loss(self, network: Any, batch: Batch) -> Tensor:
        seen, target = self.normalized(batch.input), self.normalized(batch.target)
        mask = torch.from_numpy(batch.mask).to(self.device)
        with mixed_precision(self.device, seen.ndim - 2):
            sharp: Tensor = network.compute(seen)
        sharp = sharp.float()
        predicted = network.blur(sharp)
        weight = mask * self._certainty(predicted.detach())
        squares = (predicted - target).square() * weight
        # The weights sum to the number of pixels only where noise is even, so by their sum.
        # Of a small region there may be no masked pixel in a whole batch.
        error: Tensor = squares.sum() / weight.sum().clamp(min=_LEAST)
        # Light adds up: there can be none below the background.
        return error + self.positivity * (-sharp).relu().mean()

    def predict(
        self, network: Any, tile: FloatArray, output: str = "image", draws: Draws = ANY_DRAWS
    ) -> Job[FloatArray]:
        del draws
        # Shares of the progress bar: the network takes most of the time.
        result = yield from nested(network.steps(self.normalized(tile[None])), 0.0, 0.9)
        if output != DECONVOLVED:
            result = yield from nested(blur_job(result, network.psf), 0.9, 1.0)
        return self.normalization.undo(result[0].cpu().numpy())

    def image_graph(self, network: Any) -> nn.Module | None:
        return _BlurredAgain(network, self.normalization)

    def _certainty(self, predicted: Tensor) -> Tensor:
        """One over the variance of the noise that pixels of these normalised values have."""
        camera = self.light.camera
        if camera is None:
            return torch.ones_like(predicted)
        shape = (1, -1, *(1,) * (predicted.ndim - 2))
        stds = predicted.new_tensor(self.light.stds).reshape(shape)
        backgrounds = predicted.new_tensor(self.light.backgrounds).reshape(shape)
        return stds.square() / camera.stabilized_variance(predicted * stds + backgrounds)


class _BlurredAgain(NormalizedNetwork):
    """A network that gives the sharp image, and the microscope's blur of it."""

    def clean(self, batch: Tensor) -> Tensor:
        return cast("BlurredNetwork", self.network).blur(super().clean(batch))


class WithBlur(Strategy[DecoNoising]):
    """A network with a PSF behind it, for which the background is zero."""

    def initialize(
        self, sampler: PatchSampler, samples: Batch, *, seed: int, psf: FloatArray | None = None
    ) -> Job[Start]:
        assert psf is not None  # noqa: S101  # the method makes one
        method = self.method
        n_channels, *patch_size = samples.input.shape[1:]
        sharp = method.network(n_channels, tuple(patch_size))
        assert isinstance(sharp, UNetArchitecture)  # noqa: S101  # as in most methods
        architecture = BlurredArchitecture(sharp=sharp, psf_size=psf.shape)
        rng = torch.Generator().manual_seed(seed)
        network = BlurredNetwork(architecture, rng, torch.from_numpy(psf))
        stds = measure_normalization([samples.known_pixels()]).stds
        given = method.background
        backgrounds = measure_background(samples) if given is None else (given,) * len(stds)
        camera = None
        if method.weighting == "noise":
            try:
                camera = yield from measure_camera(sampler, seed)
            except InputError as error:
                yield Notice(fraction=0.0, message=f"{error} So all pixels count alike.")
        return Start(network, Light(backgrounds=backgrounds, stds=stds, camera=camera))

    def loss(self, normalization: Normalization, device: torch.device) -> BlurredRegression:
        assert isinstance(normalization, Light)  # noqa: S101  # see `built_of`
        return BlurredRegression(normalization, self.method.positivity, device)
