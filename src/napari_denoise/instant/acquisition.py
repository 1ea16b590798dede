"""Simulated acquisition: clean patches as many detectors, all of them imperfect, record them.

Everything is drawn anew for each patch: photons, read noise, multiplication, noise that
neighbours share (de-Bayering, binning), digitisation, flaws of the chip – and the errors that
a calibration from a single image makes, as the network will only ever see calibrated images.
Computed in torch, on whatever device trains.

Ranges without another reason beside them are wide on purpose: a network interpolates between
cameras that it was shown and fails on one outside, and what is shown too rarely costs little.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.learning.normalization.variance_stabilization import conditions
from napari_denoise.noise.anscombe import DARK_COUNTS, anscombe

__all__ = ["Acquisition", "simulate"]

_KERNEL_RADIUS = 8
"""Pixels: twice the widest sigma drawn below, as wide-field frames of the FMD data set share
noise over four to eight pixels (docs/benchmarks.md)."""


@dataclass(frozen=True, slots=True)
class Acquisition:
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
        Read noise² + 3/8, electrons²: the stabilised zero, squared and divided by four.
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


class _PatchRng:
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


def simulate(clean: Tensor, rng: torch.Generator) -> Acquisition:
    """Record clean patches with detectors drawn at random, and calibrate them imperfectly.

    Parameters
    ----------
    clean : Tensor, axes NZYX
        Expected light, 0 to about 1.
    rng : torch.Generator
        On the device of `clean`.

    Returns
    -------
    Acquisition
        Of as many patches; the same state of `rng` gives the same.
    """
    draw = _PatchRng(len(clean), rng)
    # Electrons at the brightest pixel: from counting photons to where noise is 1/√500, under 5 %.
    electrons = clean * draw.log_uniform(0.7, 500)
    # Half the detectors have none to speak of, as EMCCDs and photomultipliers.
    read_noise = draw.chance(0.5) * draw.log_uniform(0.1, 12)
    # An ideal electron multiplier doubles the variance: an excess factor of 2 is the theory's limit
    # (Robbins & Hadwen 2003, doi:10.1109/TED.2003.813462).
    excess = 1 + draw.chance(0.15) * draw.uniform(0.1, 1)
    noise = _shot_noise(electrons, excess, rng) + read_noise * draw.noise(clean.shape)
    noise, correlation = _correlated(noise, draw)
    detector = _Detector(excess, read_noise, correlation)
    noise = noise + _artifacts(electrons, read_noise, draw)
    recorded = _digitized(electrons + noise, detector, draw)
    return _calibrated(recorded, electrons, detector, draw)


def _shot_noise(electrons: Tensor, excess: Tensor, rng: torch.Generator) -> Tensor:
    """Photon noise, as multiplication widens it; mean zero, in electrons."""
    shot = torch.poisson(electrons, generator=rng) - electrons
    # Multiplied counts are nearly normal but for the very smallest; their variance is what counts.
    widening = ((excess - 1) * electrons).sqrt()
    return shot + widening * torch.randn(electrons.shape, generator=rng, device=electrons.device)


def _correlated(noise: Tensor, draw: _PatchRng) -> tuple[Tensor, Tensor]:
    """Noise that neighbours share in some patches, of the same variance; its lag-1 along Y, X."""
    kernel = _correlation_kernel(draw)
    n, n_planes = noise.shape[:2]
    flat = noise.reshape(1, n * n_planes, *noise.shape[2:])
    flat = F.pad(flat, (_KERNEL_RADIUS,) * 4, mode="reflect")
    # A kernel of its own per patch: a group per plane convolves all patches in one call.
    weight = kernel.repeat_interleave(n_planes, dim=0)[:, None]
    noise = F.conv2d(flat, weight, groups=n * n_planes).reshape(noise.shape)
    return noise, _lag_one(kernel)


def _correlation_kernel(draw: _PatchRng) -> Tensor:
    """How the noise of a pixel spreads over its neighbours, axes NYX, sum of squares 1.

    Mostly to those next to it; in some detectors a little reaches far, and then it is the blotches
    that are left to see.
    """
    is_correlated = draw.chance(0.45)
    sigma_x = draw.uniform(0.3, 1.1)
    is_round = draw.chance(0.7)
    sigma_y = is_round * sigma_x + (1 - is_round) * draw.uniform(0.05, 0.8)
    # A Gaussian of 0.05 pixels is a single pixel: one path for patches with and without.
    widths = (is_correlated * s + (1 - is_correlated) * 0.05 for s in (sigma_y, sigma_x))
    near = _gaussian_kernel(*widths)
    # Up to a quarter of the power reaches far: 10 to 22 times the power of white noise below 0.04
    # cycles per pixel, as in wide-field frames of FMD (docs/benchmarks.md); it was 7 before.
    far = _gaussian_kernel(draw.uniform(1.2, 4), draw.uniform(1.2, 4))
    share = (is_correlated * draw.chance(0.5) * draw.uniform(0.01, 0.25))[:, 0]
    kernel = (1 - share).sqrt() * near + share.sqrt() * far
    return kernel / kernel.square().sum(dim=(1, 2), keepdim=True).sqrt()


def _gaussian_kernel(sigma_y: Tensor, sigma_x: Tensor) -> Tensor:
    """Gaussians, axes NYX, sum of squares 1."""
    place = torch.arange(-_KERNEL_RADIUS, _KERNEL_RADIUS + 1.0, device=sigma_x.device)
    along_y, along_x = (torch.exp(-(place**2) / (2 * s[:, 0, 0] ** 2)) for s in (sigma_y, sigma_x))
    kernel = along_y[:, :, None] * along_x[:, None, :]
    return kernel / kernel.square().sum(dim=(1, 2), keepdim=True).sqrt()


def _lag_one(kernel: Tensor) -> Tensor:
    """Lag-1 autocorrelation along Y and X of white noise filtered with NYX kernels, axes N2."""
    along_y = (kernel[:, 1:] * kernel[:, :-1]).sum(dim=(1, 2))
    along_x = (kernel[:, :, 1:] * kernel[:, :, :-1]).sum(dim=(1, 2))
    return torch.stack([along_y, along_x], dim=1)


def _artifacts(electrons: Tensor, read_noise: Tensor, draw: _PatchRng) -> Tensor:
    """Stripes, fixed pattern and hot pixels of some detectors, in electrons."""
    n, _, height, width = electrons.shape
    # In units of the patch's typical noise, and faint. Trade-off: stronger stripes would be cleaned
    # too, but so would straight structure that looks like them.
    typical = (electrons.mean(dim=(1, 2, 3), keepdim=True) + read_noise**2 + 0.05).sqrt()
    rows = draw.chance(0.04) * draw.uniform(0.1, 0.5) * draw.noise((n, 1, height, 1))
    columns = draw.chance(0.04) * draw.uniform(0.1, 0.5) * draw.noise((n, 1, 1, width))
    pattern = draw.chance(0.08) * draw.uniform(0.05, 0.4) * draw.noise((n, 1, height, width))
    gains = draw.chance(0.08) * draw.uniform(0.0, 0.03) * draw.noise((n, 1, height, width))
    # About eight hot pixels in a patch of 128 × 128.
    spots = torch.rand(n, 1, height, width, generator=draw.rng, device=draw.device) < 5e-4
    hot = draw.chance(0.05) * spots * draw.uniform(5, 40)
    return typical * (rows + columns + pattern + hot) + gains * electrons


def _digitized(electrons: Tensor, detector: _Detector, draw: _PatchRng) -> Tensor:
    """Whole numbers within the range of a few detectors' converters, still in electrons."""
    # DN per electron: a step of the converter is at most about the noise of darkness.
    gain = draw.log_uniform(0.7, 30) / detector.excess
    gain = torch.maximum(gain, 0.7 / (detector.read_noise + 1))
    offset = draw.uniform(1, 6) + 3 * detector.read_noise * gain * draw.chance(0.8)
    values = (electrons * gain + offset).round().clamp(min=0)
    is_bounded = draw.chance(0.1)
    # Saturation takes the brightest pixel in a thousand, so most of the structure stays.
    ceiling = torch.quantile(values.flatten(1).float(), 0.999, dim=1)[:, None, None, None]
    values = torch.where(is_bounded > 0, torch.minimum(values, ceiling), values)
    is_digital = draw.chance(0.6)
    return torch.where(is_digital > 0, (values - offset) / gain, electrons)


def _calibrated(
    recorded: Tensor, electrons: Tensor, detector: _Detector, draw: _PatchRng
) -> Acquisition:
    """The recording in the electrons of a calibration that errs as one from an image does."""
    read_noise, correlation = detector.read_noise, detector.correlation
    is_correlated = (correlation.amax(dim=1) > 0.1).float()[:, None, None, None]
    # Fine structure passes for noise: on real images gains came out up to a fifth too high.
    error = 0.05 + draw.normal(0.09) + is_correlated * draw.normal(0.08)
    gain = detector.excess * error.exp()
    # In single images an offset cannot be told from a little light everywhere.
    offset = draw.normal(0.1) + draw.normal(0.1) * read_noise
    believed = read_noise * draw.normal(0.1).exp() * (1 + is_correlated * draw.normal(0.1)) / gain
    dark = (believed.clamp(max=50) ** 2 + DARK_COUNTS)[:, 0]
    values = anscombe((recorded - offset) / gain, dark[:, None])
    values = _mirrored(values, draw)
    middle = values[:, values.shape[1] // 2]
    mean, spread = middle.mean(dim=(1, 2), keepdim=True), middle.std(dim=(1, 2), keepdim=True)
    # At run time it is the whole image's level, and a place may be far from that.
    level = mean + draw.chance(0.7)[:, 0] * draw.uniform(-2, 2)[:, 0] * (1 + spread)
    measured = correlation + 0.04 * draw.noise(tuple(correlation.shape))
    is_dark_known = 1 - draw.chance(0.1)[:, 0]
    return Acquisition(
        planes=values - level[:, None],
        conditions=conditions(middle, dark, measured, is_dark_known=is_dark_known),
        clean=((electrons - offset) / gain)[:, electrons.shape[1] // 2],
        level=level,
        dark_variance=dark,
    )


def _mirrored(planes: Tensor, draw: _PatchRng) -> Tensor:
    """Some of the stacks end with their middle plane, and show the others twice, noise and all.

    So at run time the first and last planes of a volume, whose neighbours are mirrored, are
    nothing new to the network.
    """
    n = planes.shape[1]
    order = [n // 2 + abs(place - n // 2) for place in range(n)]
    is_end = draw.chance(0.15 if n > 1 else 0.0)
    return torch.where(is_end > 0, planes[:, order], planes)
