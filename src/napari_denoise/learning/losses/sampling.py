"""The network draws images that may be behind the noisy one; their mean is the best guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import Job, Notice, nested
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.losses.base import ANY_DRAWS, Loss
from napari_denoise.learning.losses.photon_likelihood import PhotonLikelihood
from napari_denoise.learning.losses.strategy import Start, Strategy
from napari_denoise.learning.methods import SAMPLE, SAMPLES, UNCERTAINTY
from napari_denoise.learning.methods.divnoising import DivNoising, LadderArchitecture
from napari_denoise.learning.models.draws import Draws
from napari_denoise.learning.networks.architecture import choose_pooling
from napari_denoise.learning.networks.ladder_vae import LadderVAE
from napari_denoise.learning.normalization.base import Normalization
from napari_denoise.learning.normalization.camera import CameraNormalization
from napari_denoise.learning.training.camera_estimation import measure_camera
from napari_denoise.noise.calibration.mean_variance import CORRELATED

__all__ = ["Sampling", "WithLadder"]

_FREE_NATS = 0.02
"""What each level may tell per pixel at no cost: without it, some never begin to tell anything."""


_LEAST_CONTRAST = 0.1
"""In units of the noise: an image with less is taken to have that much."""


class Sampling(Loss):
    """How likely the noisy image is, and how much the latents tell of it.

    The evidence lower bound, per pixel and in nats, with the camera's likelihood.

    Parameters
    ----------
    camera : CameraNormalization
    kl_weight : float
    device : torch.device
    """

    def __init__(self, camera: CameraNormalization, kl_weight: float, device: torch.device) -> None:
        super().__init__(device)
        self.camera = camera
        self.likelihood = PhotonLikelihood(camera)
        self.kl_weight = kl_weight

    def loss(self, network: Any, batch: Batch) -> Tensor:
        pixels, mask = (
            torch.from_numpy(array).to(self.device) for array in (batch.input, batch.mask)
        )
        # The level and the shape say which numbers; the network does not know where they are from.
        # Drawn on the CPU: the same numbers on every device.
        generator = torch.Generator().manual_seed(batch.seed)

        def noise(_level: int, shape: tuple[int, ...]) -> Tensor:
            return torch.randn(shape, generator=generator).to(self.device)

        with mixed_precision(self.device, pixels.ndim - 2):
            image, divergence = network.compute(self._seen(pixels), noise)
        nll = self.likelihood.nll(image + self.camera.level, pixels) * mask
        # Per pixel, as the likelihood is: else the balance would depend on the patch size.
        kl = divergence.mean(dim=1) / pixels[0].numel()
        kl = kl.clamp(min=_FREE_NATS).sum()
        result: Tensor = nll.sum() / mask.sum() + self.kl_weight * kl
        return result

    def predict(
        self, network: Any, tile: FloatArray, output: str = "image", draws: Draws = ANY_DRAWS
    ) -> Job[FloatArray]:
        # One pass down serves all samples: only the way up draws.
        n = 1 if output in {SAMPLE, SAMPLES} else draws.n_samples
        mean, squares = np.zeros(tile.shape), np.zeros(tile.shape)
        encoding = network.encode_job(self._seen(self._batch(tile)))
        features = yield from nested(encoding, 0.0, 1 / (1 + n))
        for i in range(n):
            job = network.decode_job(features, self._noise(network, draws, i), tile.shape[1:])
            image, _ = yield from nested(job, (1 + i) / (1 + n), (2 + i) / (1 + n))
            pixels = self.likelihood.intensities(image + self.camera.level)
            # Double precision: spreads are small beside offsets of cameras.
            drawn = pixels[0].double().cpu().numpy()
            # Welford 1962, doi:10.1080/00401706.1962.10490022
            shift = drawn - mean
            mean += shift / (i + 1)
            squares += shift * (drawn - mean)
        result = np.sqrt(squares / max(n - 1, 1)) if output == UNCERTAINTY else mean
        return result.astype(np.float32)

    def _batch(self, tile: FloatArray) -> Tensor:
        return torch.from_numpy(tile[None]).to(self.device)

    def _seen(self, pixels: Tensor) -> Tensor:
        """What the network sees of pixels in DN."""
        # Even noise, as its strength is what latents are weighed against at every brightness.
        return self.camera.stabilize(pixels) - self.camera.level

    def _noise(
        self, network: LadderVAE, draws: Draws, sample: int
    ) -> Callable[[int, tuple[int, ...]], Tensor]:
        factors = network.architecture.factors()

        def noise(level: int, shape: tuple[int, ...]) -> Tensor:
            drawn = draws.noise(sample, level, factors[level], shape[1:])
            return torch.from_numpy(drawn[None]).to(self.device)

        return noise


class WithLadder(Strategy[DivNoising]):
    """A fresh ladder, and the camera whose noise it is to see through."""

    def initialize(
        self, sampler: PatchSampler, samples: Batch, *, seed: int, psf: FloatArray | None = None
    ) -> Job[Start]:
        del psf
        method = self.method
        camera = yield from self._camera(sampler, seed)
        # What the network sees has a mean of zero and is divided by this contrast.
        values = camera.stabilize(torch.from_numpy(samples.known_pixels()))
        patch_size = samples.input.shape[2:]
        architecture = LadderArchitecture(
            n_features=method.features_for(len(patch_size)),
            n_latents=method.n_latents,
            pooling=choose_pooling(patch_size, method.depth),
            contrast=max(float(values.std()), _LEAST_CONTRAST),
        )
        network = LadderVAE(architecture, torch.Generator().manual_seed(seed))
        return Start(network, camera.model_copy(update={"level": float(values.mean())}))

    def loss(self, normalization: Normalization, device: torch.device) -> Sampling:
        assert isinstance(normalization, CameraNormalization)  # noqa: S101  # see `built_of`
        return Sampling(normalization, self.method.kl_weight, device)

    def _camera(self, sampler: PatchSampler, seed: int) -> Job[CameraNormalization]:
        """The camera that was given, or what is measured.

        Raises
        ------
        InputError
            If it cannot be measured.
        """
        method = self.method
        given = method.given_camera()
        if given is not None:
            return CameraNormalization(**dict(given))
        try:
            camera = yield from measure_camera(sampler, seed)
        except InputError as error:
            raise InputError(
                f"{error} Or give the camera's gain, offset and read_noise."
            ) from error
        # The likelihood takes pixels to be independent.
        if max(camera.correlation) > CORRELATED:
            message = (
                f"Neighbouring pixels share noise (correlation {max(camera.correlation):.2f}), "
                f"which {method.title} cannot tell from signal: it will be in the result."
            )
            yield Notice(fraction=0.0, message=message)
        return camera
