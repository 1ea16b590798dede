"""The network says what may be there, from the neighbours alone; the pixel's own value then counts.

Mean and width, or many samples: the prior. With the detector's noise it becomes the posterior, of
which the mean is the image, and the standard deviation its uncertainty. After Krull et al. 2020,
doi:10.3389/fcomp.2020.00005, and for mean and width Laine et al. 2019, arXiv:1901.10277.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, nested
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.masking import masked_in_turn
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.device import mixed_precision
from napari_denoise.learning.losses.base import ANY_DRAWS, Loss
from napari_denoise.learning.losses.likelihood import make_likelihood
from napari_denoise.learning.losses.strategy import Start, Strategy
from napari_denoise.learning.methods import PN2V, UNCERTAINTY, ProbabilisticMethod
from napari_denoise.learning.models.draws import Draws
from napari_denoise.learning.normalization.base import Normalization
from napari_denoise.learning.normalization.noise_model import NoiseModelNormalization
from napari_denoise.learning.training.noise_model_estimation import measure_noise_models

__all__ = ["CountRegression", "GaussianPrior", "SampledPrior", "WithDetector", "WithPrior"]

# Steps of a quarter of a standard deviation; beyond 3.5 of them lies 0.05 % of a Gaussian. A
# histogram of the noise has steps itself, so a rule of higher order would gain nothing.
_NODES = 29
_REACH = 3.5
"""Where a Gaussian prior is looked at when the noise is none: points, and standard deviations."""


@dataclass(frozen=True, slots=True)
class _Estimate:
    """What is known of some pixels, in DN; all of the same shape.

    Attributes
    ----------
    mean, deviation : Tensor
        Of the posterior.
    prior : Tensor
        Mean of the prior.
    """

    mean: Tensor
    deviation: Tensor
    prior: Tensor

    def named(self, output: str) -> Tensor:
        """One of the method's outputs."""
        return {UNCERTAINTY: self.deviation, "prior": self.prior}.get(output, self.mean)


class _Posterior(Loss):
    """What both kinds of prior have in common.

    Parameters
    ----------
    detector : NoiseModelNormalization
    device : torch.device
    """

    def __init__(self, detector: NoiseModelNormalization, device: torch.device) -> None:
        super().__init__(device)
        self.detector = detector
        noise = detector.noise or (None,) * len(detector.cameras)
        self.likelihoods = [
            make_likelihood(camera, distribution, device)
            for camera, distribution in zip(detector.cameras, noise, strict=True)
        ]

    def loss(self, network: Any, batch: Batch) -> Tensor:
        pixels, target, mask = (
            torch.from_numpy(array).to(self.device)
            for array in (batch.input, batch.target, batch.mask)
        )
        seen = self._seen(pixels)
        with mixed_precision(self.device, pixels.ndim - 2):
            answer: Tensor = network.compute(seen)
        losses = self._losses(self._by_channel(answer.float()), target)
        # Sums over all pixels: picking out the masked ones would not be deterministic on GPUs.
        return (losses * mask).sum() / mask.sum().clamp(min=1)

    def predict(
        self, network: Any, tile: FloatArray, output: str = "image", draws: Draws = ANY_DRAWS
    ) -> Job[FloatArray]:
        del draws
        # Eight passes, as a pixel that is predicted must not be seen.
        result = np.empty_like(tile)
        phases = masked_in_turn(tile)
        for i, (masked, is_masked) in enumerate(phases):
            job = network.steps(self._seen(torch.from_numpy(masked[None]).to(self.device)))
            answer = yield from nested(job, i / len(phases), (i + 1) / len(phases))
            places = torch.from_numpy(is_masked).to(self.device)
            for channel, maps in enumerate(self._by_channel(answer)[0]):
                values = torch.from_numpy(tile[channel][is_masked]).to(self.device)
                estimate = self._estimate(maps[:, places], values, channel)
                result[channel][is_masked] = estimate.named(output).cpu().numpy()
        return result

    def _losses(self, answer: Tensor, target: Tensor) -> Tensor:
        """Of each pixel, ``NC(Z)YX``; `answer` has the answers as third axis."""
        raise NotImplementedError

    def _estimate(self, answer: Tensor, values: Tensor, channel: int) -> _Estimate:
        """What answers (first axis) mean for pixels of these recorded values."""
        raise NotImplementedError

    def _by_channel(self, answer: Tensor) -> Tensor:
        """Answers ``NCA(Z)YX``."""
        n_channels = len(self.detector.cameras)
        return answer.reshape(len(answer), n_channels, -1, *answer.shape[2:])

    def _seen(self, batch: Tensor) -> Tensor:
        """Patches ``NC(Z)YX`` in DN as the network sees them."""
        detector, channels = self.detector, []
        for i, camera in enumerate(detector.cameras):
            even = camera.stabilize(batch[:, i])
            channels.append((even - detector.means[i]) / detector.stds[i])
        return torch.stack(channels, dim=1)

    def _signals(self, answer: Tensor, channel: int) -> Tensor:
        """Answers of a channel in DN."""
        detector, camera = self.detector, self.detector.cameras[channel]
        # The network answers in normalised, stabilised values; a pixel's likelihood is in DN.
        values = answer * detector.stds[channel] + detector.means[channel]
        return camera.unstabilize(values)


class GaussianPrior(_Posterior):
    """The network answers with a mean and a standard deviation."""

    def _losses(self, answer: Tensor, target: Tensor) -> Tensor:
        losses = []
        for channel, likelihood in enumerate(self.likelihoods):
            mean, width = self._mean_and_width(answer[:, channel].unbind(1), channel)
            # Of the prediction, without a gradient: predicting more noise must not lower the loss.
            # Of the recorded pixel it would pull the mean to darker values.
            variance = likelihood.variance(mean.detach())
            squares = (mean - target[:, channel]).square() / variance
            # The mean is learned by squares alone, which keeps intensities; how sure it is, by
            # how likely the recorded value is then.
            spread = 1 + width.square() / variance
            losses.append(squares + squares.detach() / spread + spread.log())
        return torch.stack(losses, dim=1)

    def _estimate(self, answer: Tensor, values: Tensor, channel: int) -> _Estimate:
        mean, width = self._mean_and_width(answer.unbind(0), channel)
        likelihood = self.likelihoods[channel]
        if self.detector.noise:
            nodes = torch.linspace(-_REACH, _REACH, _NODES, device=mean.device)[:, None]
            # The density is no Gaussian, so the posterior has no formula: it is summed up.
            signals = mean + width * nodes
            logs = likelihood.log_density(values, signals) - nodes.square() / 2
            return _weighed(signals, logs, prior=mean)
        variance, noise = width.square(), likelihood.variance(mean)
        share = variance / (variance + noise)
        return _Estimate(mean + share * (values - mean), (share * noise).sqrt(), mean)

    def _mean_and_width(self, answer: tuple[Tensor, ...], channel: int) -> tuple[Tensor, Tensor]:
        mean = self._signals(answer[0], channel)
        noise = self.likelihoods[channel].variance(mean.detach())
        # In units of the noise: at first the width is near that of the noise, whatever the camera.
        return mean, F.softplus(answer[1]) * noise.sqrt()


class SampledPrior(_Posterior):
    """The network answers with samples, each as likely as any other."""

    def _losses(self, answer: Tensor, target: Tensor) -> Tensor:
        losses = []
        for channel, likelihood in enumerate(self.likelihoods):
            signals = self._signals(answer[:, channel].movedim(1, 0), channel)
            logs = likelihood.log_density(target[:, channel], signals)
            # In units of the noise, so that it means the same for every camera.
            scale = (2 * pi * likelihood.variance(signals.detach().mean(dim=0))).log() / 2
            losses.append(log(len(signals)) - torch.logsumexp(logs, dim=0) - scale)
        return torch.stack(losses, dim=1)

    def _estimate(self, answer: Tensor, values: Tensor, channel: int) -> _Estimate:
        signals = self._signals(answer, channel)
        logs = self.likelihoods[channel].log_density(values, signals)
        return _weighed(signals, logs, prior=signals.mean(dim=0))


def _weighed(signals: Tensor, logs: Tensor, *, prior: Tensor) -> _Estimate:
    """Mean and standard deviation of signals (first axis) by the logarithms of their weights."""
    # Of logarithms, as densities of far values are zero in float32.
    weights = torch.softmax(logs, dim=0)
    mean = (weights * signals).sum(dim=0)
    variance = (weights * (signals - mean).square()).sum(dim=0)
    return _Estimate(mean, variance.sqrt(), prior)


class CountRegression(_Posterior):
    """The network answers with the image itself, of which it may see every pixel."""

    def predict(
        self, network: Any, tile: FloatArray, output: str = "image", draws: Draws = ANY_DRAWS
    ) -> Job[FloatArray]:
        del output, draws
        batch = torch.from_numpy(tile[None]).to(self.device)
        answer = self._by_channel((yield from network.steps(self._seen(batch))))[0, :, 0]
        signals = [self._signals(maps, channel) for channel, maps in enumerate(answer)]
        return np.asarray(torch.stack(signals).cpu().numpy())

    def _losses(self, answer: Tensor, target: Tensor) -> Tensor:
        losses = []
        for channel, likelihood in enumerate(self.likelihoods):
            mean = self._signals(answer[:, channel, 0], channel)
            squares = (mean - target[:, channel]).square()
            losses.append(squares / likelihood.variance(mean.detach()))
        return torch.stack(losses, dim=1)


P_co = TypeVar("P_co", bound=ProbabilisticMethod, covariant=True)


class WithDetector(Strategy[P_co]):
    """A network that may see every pixel, and the noise to weigh errors by."""

    def initialize(
        self, sampler: PatchSampler, samples: Batch, *, seed: int, psf: FloatArray | None = None
    ) -> Job[Start]:
        del psf
        detector = yield from measure_noise_models(self.method, sampler, samples, seed)
        network = self.architecture(samples).make_network(torch.Generator().manual_seed(seed))
        return Start(network, detector)

    def loss(self, normalization: Normalization, device: torch.device) -> Loss:
        assert isinstance(normalization, NoiseModelNormalization)  # noqa: S101  # see `built_of`
        return CountRegression(normalization, device)


class WithPrior(WithDetector[PN2V]):
    """A network that says what may be there, and the noise to weigh it by."""

    def loss(self, normalization: Normalization, device: torch.device) -> Loss:
        assert isinstance(normalization, NoiseModelNormalization)  # noqa: S101  # see `built_of`
        prior = {"gaussian": GaussianPrior, "samples": SampledPrior}[self.method.prior]
        return prior(normalization, device)
