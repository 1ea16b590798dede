"""Noise to learn from: one clean patch as many detectors would record it, all of them imperfect.

Everything is drawn anew for each patch: photons, read noise, multiplication, what the optics
or a de-Bayering smears over neighbours, digitisation, flaws of the chip – and the errors that
a calibration from a single image makes, as the network will only ever see calibrated images.
Computed in torch, on whatever device trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.learning.normalization.variance_stabilization import conditions, stabilized

__all__ = ["Exposures", "expose"]

_KERNEL_RADIUS = 8


@dataclass(frozen=True, slots=True)
class Exposures:
    """A batch to learn from, in electrons of the camera that calibration believes in.

    Attributes
    ----------
    planes : Tensor, axes NZYX
        Stabilised, less `level`.
    conditions : Tensor, axes NCYX
        What the network is told of the noise.
    clean : Tensor, axes NYX
        Expected electrons of the middle plane.
    level : Tensor, axes N11
        What was subtracted.
    dark_variance : Tensor, axes N11
        Read noise² + 3/8: the stabilised zero, squared and divided by four.
    """

    planes: Tensor
    conditions: Tensor
    clean: Tensor
    level: Tensor
    dark_variance: Tensor


@dataclass(frozen=True, slots=True)
class _Detector:
    """What was drawn, per patch: excess noise factor, read noise (electrons), lag-1 along Y, X."""

    excess: Tensor
    read_noise: Tensor
    correlation: Tensor


class _Dice:
    """Random numbers per patch, ready to broadcast over ``NZYX``."""

    def __init__(self, n: int, rng: torch.Generator) -> None:
        self._n, self.rng, self.device = n, rng, rng.device

    def uniform(self, low: float, high: float) -> Tensor:
        number = torch.rand(self._n, 1, 1, 1, generator=self.rng, device=self.device)
        return low + (high - low) * number

    def log_uniform(self, low: float, high: float) -> Tensor:
        return self.uniform(log(low), log(high)).exp()

    def normal(self, sigma: float | Tensor) -> Tensor:
        return sigma * torch.randn(self._n, 1, 1, 1, generator=self.rng, device=self.device)

    def chance(self, probability: float) -> Tensor:
        """1 with this probability, else 0."""
        return (self.uniform(0, 1) < probability).float()

    def noise(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self.rng, device=self.device)


def expose(clean: Tensor, rng: torch.Generator) -> Exposures:
    """Record clean patches with detectors drawn at random, and calibrate them imperfectly.

    Parameters
    ----------
    clean : Tensor, axes NZYX
        Expected light, 0 to about 1.
    rng : torch.Generator
        On the device of `clean`.
    """
    dice = _Dice(len(clean), rng)
    electrons = clean * dice.log_uniform(0.7, 500)
    read_noise = dice.chance(0.5) * dice.log_uniform(0.1, 12)
    excess = 1 + dice.chance(0.15) * dice.uniform(0.1, 1)
    noise = _shot_noise(electrons, excess, rng) + read_noise * dice.noise(clean.shape)
    noise, correlation = _smeared(noise, dice)
    detector = _Detector(excess, read_noise, correlation)
    noise = noise + _flaws(electrons, read_noise, dice)
    recorded = _digitised(electrons + noise, detector, dice)
    return _calibrated(recorded, electrons, detector, dice)


def _shot_noise(electrons: Tensor, excess: Tensor, rng: torch.Generator) -> Tensor:
    """Photon noise, as multiplication widens it; mean zero, in electrons."""
    shot = torch.poisson(electrons, generator=rng) - electrons
    # Multiplied counts are nearly normal but for the very smallest; their variance is what counts.
    widening = ((excess - 1) * electrons).sqrt()
    return shot + widening * torch.randn(electrons.shape, generator=rng, device=electrons.device)


def _smeared(noise: Tensor, dice: _Dice) -> tuple[Tensor, Tensor]:
    """Noise that neighbours share in some patches, of the same variance; its lag-1 along Y, X."""
    kernel = _smearing(dice)
    shared = _self_correlation(kernel)
    n, n_planes = noise.shape[:2]
    flat = noise.reshape(1, n * n_planes, *noise.shape[2:])
    flat = F.pad(flat, (_KERNEL_RADIUS,) * 4, mode="reflect")
    weight = kernel.repeat_interleave(n_planes, dim=0)[:, None]
    return F.conv2d(flat, weight, groups=n * n_planes).reshape(noise.shape), shared


def _smearing(dice: _Dice) -> Tensor:
    """How the noise of a pixel spreads over its neighbours, axes NYX, sum of squares 1.

    Mostly to those next to it; in some detectors a little reaches far, and then it is the blotches
    that are left to see.
    """
    is_smeared = dice.chance(0.45)
    sigma_x = dice.uniform(0.3, 1.1)
    is_round = dice.chance(0.7)
    sigma_y = is_round * sigma_x + (1 - is_round) * dice.uniform(0.05, 0.8)
    near = _blurring(*(is_smeared * s + (1 - is_smeared) * 0.05 for s in (sigma_y, sigma_x)))
    far = _blurring(dice.uniform(1.2, 4), dice.uniform(1.2, 4))
    share = (is_smeared * dice.chance(0.5) * dice.uniform(0.01, 0.25))[:, 0]
    kernel = (1 - share).sqrt() * near + share.sqrt() * far
    return kernel / kernel.square().sum(dim=(1, 2), keepdim=True).sqrt()


def _blurring(sigma_y: Tensor, sigma_x: Tensor) -> Tensor:
    """Gaussians, axes NYX, sum of squares 1."""
    place = torch.arange(-_KERNEL_RADIUS, _KERNEL_RADIUS + 1.0, device=sigma_x.device)
    along_y, along_x = (torch.exp(-(place**2) / (2 * s[:, 0, 0] ** 2)) for s in (sigma_y, sigma_x))
    kernel = along_y[:, :, None] * along_x[:, None, :]
    return kernel / kernel.square().sum(dim=(1, 2), keepdim=True).sqrt()


def _self_correlation(kernel: Tensor) -> Tensor:
    """Lag-1 autocorrelation along Y and X of white noise smeared with NYX kernels, axes N2."""
    along_y = (kernel[:, 1:] * kernel[:, :-1]).sum(dim=(1, 2))
    along_x = (kernel[:, :, 1:] * kernel[:, :, :-1]).sum(dim=(1, 2))
    return torch.stack([along_y, along_x], dim=1)


def _flaws(electrons: Tensor, read_noise: Tensor, dice: _Dice) -> Tensor:
    """Stripes, fixed pattern and hot pixels of some detectors, in electrons."""
    n, _, height, width = electrons.shape
    typical = (electrons.mean(dim=(1, 2, 3), keepdim=True) + read_noise**2 + 0.05).sqrt()
    rows = dice.chance(0.04) * dice.uniform(0.1, 0.5) * dice.noise((n, 1, height, 1))
    columns = dice.chance(0.04) * dice.uniform(0.1, 0.5) * dice.noise((n, 1, 1, width))
    pattern = dice.chance(0.08) * dice.uniform(0.05, 0.4) * dice.noise((n, 1, height, width))
    gains = dice.chance(0.08) * dice.uniform(0.0, 0.03) * dice.noise((n, 1, height, width))
    spots = torch.rand(n, 1, height, width, generator=dice.rng, device=dice.device) < 5e-4
    hot = dice.chance(0.05) * spots * dice.uniform(5, 40)
    return typical * (rows + columns + pattern + hot) + gains * electrons


def _digitised(electrons: Tensor, detector: _Detector, dice: _Dice) -> Tensor:
    """Whole numbers within the range of a few detectors' converters, still in electrons."""
    # DN per electron: a step of the converter is at most about the noise of darkness.
    gain = dice.log_uniform(0.7, 30) / detector.excess
    gain = torch.maximum(gain, 0.7 / (detector.read_noise + 1))
    offset = dice.uniform(1, 6) + 3 * detector.read_noise * gain * dice.chance(0.8)
    values = (electrons * gain + offset).round().clamp(min=0)
    is_bounded = dice.chance(0.1)
    ceiling = torch.quantile(values.flatten(1).float(), 0.999, dim=1)[:, None, None, None]
    values = torch.where(is_bounded > 0, torch.minimum(values, ceiling), values)
    is_digital = dice.chance(0.6)
    return torch.where(is_digital > 0, (values - offset) / gain, electrons)


def _calibrated(recorded: Tensor, electrons: Tensor, detector: _Detector, dice: _Dice) -> Exposures:
    """The recording in the electrons of a calibration that errs as one from an image does."""
    read_noise, correlation = detector.read_noise, detector.correlation
    is_correlated = (correlation.amax(dim=1) > 0.1).float()[:, None, None, None]
    # Fine structure passes for noise: on real images gains came out up to a fifth too high.
    error = 0.05 + dice.normal(0.09) + is_correlated * dice.normal(0.08)
    gain = detector.excess * error.exp()
    offset = dice.normal(0.1) + dice.normal(0.1) * read_noise
    believed = read_noise * dice.normal(0.1).exp() * (1 + is_correlated * dice.normal(0.1)) / gain
    dark = (believed.clamp(max=50) ** 2 + 3 / 8)[:, 0]
    values = stabilized((recorded - offset) / gain, dark[:, None])
    values = _mirrored(values, dice)
    middle = values[:, values.shape[1] // 2]
    mean, spread = middle.mean(dim=(1, 2), keepdim=True), middle.std(dim=(1, 2), keepdim=True)
    # At run time it is the whole image's level, and a place may be far from that.
    level = mean + dice.chance(0.7)[:, 0] * dice.uniform(-2, 2)[:, 0] * (1 + spread)
    measured = correlation + 0.04 * dice.noise(tuple(correlation.shape))
    is_dark_known = 1 - dice.chance(0.1)[:, 0]
    return Exposures(
        planes=values - level[:, None],
        conditions=conditions(middle, dark, measured, is_dark_known=is_dark_known),
        clean=((electrons - offset) / gain)[:, electrons.shape[1] // 2],
        level=level,
        dark_variance=dark,
    )


def _mirrored(planes: Tensor, dice: _Dice) -> Tensor:
    """Some of the stacks end with their middle plane, and show the others twice, noise and all."""
    n = planes.shape[1]
    order = [n // 2 + abs(place - n // 2) for place in range(n)]
    is_end = dice.chance(0.15 if n > 1 else 0.0)
    return torch.where(is_end > 0, planes[:, order], planes)
