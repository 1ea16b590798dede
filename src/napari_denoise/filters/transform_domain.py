"""Filters that tell noise from structure by its energy: per frequency, scale or place."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log, pi, sin, sqrt
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pywt
from annotated_types import Ge, Le
from scipy import fft, ndimage

from napari_denoise.core.axes import Layout, UnitIndex
from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, Progress
from napari_denoise.core.settings import PerAxis, per_axis, setting
from napari_denoise.filters.base import ChannelFilter, Filter, NoiseRemover
from napari_denoise.filters.neighbourhood import pad, shifted

__all__ = ["Butterworth", "Wavelet", "Wiener"]

_TILE_SIZE = {2: (256, 256), 3: (32, 96, 96)}
"""Small, as all directions of a scale, four in a plane and eight in a volume, are held at once."""

_BAYES_RADIUS = {2: 7, 3: 3}
"""Pixels around a detail in which the energy of structure is measured. A trade-off: independent
noise has an energy of 1 ± 0.09 and ± 0.08 over the 225 and 343 of these windows (chi squared);
wider ones are surer of it, but see less of where structure is."""

_FADED = log(1000)
"""Where an impulse response has fallen to a thousandth, a tile ends."""


# scikit-image's denoise_wavelet takes a sixth of the time in planes, a thirtieth in volumes, and is
# worse: 34.85 dB on the five confocal images, stabilised, 35.86 averaged over 16 shifts by its
# cycle_spin in three times the time of ours, which gives 36.84. pywt.swtn and iswtn give the same
# transform to 6e-5 DN, in 2.0 to 2.6 times the time, all scales at once in one call.
class Wavelet(NoiseRemover):
    """Shrinks the details of each scale that are not larger than noise.

    The transform is undecimated, the mean over all shifts of the usual one, which avoids its
    ringing at edges. BayesShrink measures the energy of structure around each detail;
    VisuShrink removes all that noise alone might have made, and is smoother.
    """

    title: ClassVar[str] = "Wavelet"
    citation: ClassVar[str] = (
        "BayesShrink: Chang, Yu & Vetterli 2000, doi:10.1109/83.862633, made local as in "
        "doi:10.1109/83.862630; VisuShrink: Donoho & Johnstone 1994, doi:10.1093/biomet/81.3.425; "
        "undecimated: Coifman & Donoho 1995, doi:10.1007/978-1-4612-2544-7_9"
    )

    name: Literal["wavelet"] = "wavelet"
    rule: Literal["bayes", "visu"] = setting("bayes", "How the threshold is chosen.")
    levels: int = setting(
        3,
        "Scales that are denoised; each is twice as coarse as the last.",
        ge=1,
        le=5,
        step=1,
        tuned_over=(2, 5),
    )
    wavelet: Literal["auto", "haar", "db2", "sym4"] = setting(
        "auto",
        "From blocky and fast to smooth and slow; auto takes db2 for planes, haar for volumes.",
        advanced=True,
    )
    threshold: float | None = setting(
        None,
        "Details below this are removed by VisuShrink; the universal threshold of an image of "
        "this size if left open.",
        unit="× noise",
        ge=0,
        le=100,
        advanced=True,
    )

    def fitted(self, image: Any, layout: Layout, units: Sequence[UnitIndex]) -> Job[Filter]:
        # Of the whole unit, not of a tile: the threshold must not depend on how it is cut.
        n_pixels = int(np.prod(layout.unit_shape(tuple(image.shape))[1:]))
        threshold = _universal_threshold(n_pixels) if self.threshold is None else self.threshold
        settings = self.model_copy(update={"threshold": threshold})
        return (yield from super(Wavelet, settings).fitted(image, layout, units))

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        # What the coarsest coefficients look at, beside their own pixel, and around them.
        n_taps = len(_filter_bank(self._wavelet_for(n_spatial))[0])
        reach = (n_taps - 1) * ((1 << self.levels) - 1)
        return (reach + _BAYES_RADIUS[n_spatial],) * n_spatial

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        return _TILE_SIZE[len(extents)]

    def _wavelet_for(self, n_spatial: int) -> str:
        return {2: "db2", 3: "haar"}[n_spatial] if self.wavelet == "auto" else self.wavelet

    def _filter_scaled(self, pixels: FloatArray) -> Job[FloatArray]:
        # The transform is periodic: what wraps around must not come further than the padding.
        margins = self.halo(pixels.ndim)
        smooth = yield from self._denoise_scale(pad(pixels, margins), 0)
        return shifted(smooth, margins, (0,) * pixels.ndim)

    def _denoise_scale(self, pixels: FloatArray, level: int) -> Job[FloatArray]:
        """Denoise the details of this and all coarser scales."""
        bank = _filter_bank(self._wavelet_for(pixels.ndim))
        coarse = None
        if level + 1 < self.levels:  # first, while none of this scale's details are held
            coarse = _filter_axes([pixels], bank[:1], level)[0]
            coarse = yield from self._denoise_scale(coarse, level + 1)
        yield Progress(fraction=1 - (level + 0.8) / self.levels)
        bands = _filter_axes([pixels], bank, level)
        # Not the first band: it holds what is coarser, which is denoised on scales of its own.
        for i in range(1, len(bands)):
            yield Progress(fraction=1 - (level + 0.5) / self.levels)
            bands[i] = self._shrink(bands[i])
        if coarse is not None:
            bands[0] = coarse
        for axis in reversed(range(pixels.ndim)):
            yield Progress(fraction=1 - (level + 0.2) / self.levels)
            pairs = zip(bands[::2], bands[1::2], strict=True)
            bands = [_synthesise(low, high, bank, axis, level) for low, high in pairs]
        return bands[0]

    def _shrink(self, details: FloatArray) -> FloatArray:
        """Shrink details in which noise has a standard deviation of 1."""
        if self.rule == "visu":
            # The largest of n noise values is hardly above √(2 ln n): below, all is noise.
            limit: Any = self.threshold
            if limit is None:
                limit = _universal_threshold(details.size)
        else:
            window = 2 * _BAYES_RADIUS[details.ndim] + 1
            # What is left of the energy without that of noise, 1, is structure's; the threshold
            # of BayesShrink is the noise's variance over structure's standard deviation.
            energy = ndimage.uniform_filter(np.square(details), window) - 1
            limit = 1 / np.sqrt(np.maximum(energy, 1e-6))
        shrunk = np.maximum(np.abs(details) - np.asarray(limit, np.float32), 0)
        signed: FloatArray = np.copysign(shrunk, details, dtype=np.float32)
        return signed


def _filter_bank(wavelet: str) -> tuple[FloatArray, FloatArray]:
    """Low-pass and high-pass taps of an orthogonal wavelet, which keep the variance of noise."""
    low, high = pywt.Wavelet(wavelet).filter_bank[:2]
    return np.asarray(low, np.float32), np.asarray(high, np.float32)


def _filter_axes(
    bands: list[FloatArray], bank: Sequence[FloatArray], level: int
) -> list[FloatArray]:
    """Split along each axis; the first of the bands is the coarsest."""
    for axis in range(bands[0].ndim):
        bands = [_analyse(band, taps, axis, level) for band in bands for taps in bank]
    return bands


def _analyse(pixels: FloatArray, taps: FloatArray, axis: int, level: int) -> FloatArray:
    """Filter along an axis without decimation; the image is continued periodically."""
    # Pixels 2ⁿ apart ("à trous"): what decimation would have left side by side.
    total: FloatArray = taps[0] * pixels
    for i, tap in enumerate(taps[1:], 1):
        total += tap * np.roll(pixels, i << level, axis)
    return total


def _synthesise(
    low: FloatArray, high: FloatArray, bank: tuple[FloatArray, FloatArray], axis: int, level: int
) -> FloatArray:
    """Undo :func:`_analyse`: each pixel is in two decimated transforms, of which the mean."""
    total = np.zeros_like(low)
    for band, taps in zip((low, high), bank, strict=True):
        for i, tap in enumerate(taps):
            # Half of it: each pixel is in two of the decimated transforms, even and odd.
            total += (tap / 2) * np.roll(band, -(i << level), axis)
    return total


def _universal_threshold(n_pixels: int) -> float:
    return sqrt(2 * log(max(n_pixels, 2)))


# scipy.signal.wiener gives the same to 2e-4 DN but for the border, beyond which it takes all to be
# 0 (off by up to 30 DN of 255), and takes twice as long.
class Wiener(NoiseRemover):
    """Mean of the window where it holds but noise; the pixel itself where there is structure."""

    title: ClassVar[str] = "Wiener (local)"
    citation: ClassVar[str] = "Lee 1980, doi:10.1109/TPAMI.1980.4766994"

    name: Literal["wiener"] = "wiener"
    size: PerAxis[Annotated[int, Ge(1), Le(101)]] = setting(
        5,
        "Width of the window; one value, or one per axis (Z, Y, X).",
        unit="pixels",
        step=2,
        tuned_over=(3, 15),
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return tuple(int(size) // 2 for size in per_axis(self.size, n_spatial, "size"))

    def _filter_scaled(self, pixels: FloatArray) -> Job[FloatArray]:
        size = tuple(int(width) for width in per_axis(self.size, pixels.ndim, "size"))
        yield Progress(fraction=0.0)
        mean: FloatArray = ndimage.uniform_filter(pixels, size)
        yield Progress(fraction=0.5)
        # The mean was taken off before (see base): squares lose little to rounding.
        energy = ndimage.uniform_filter(np.square(pixels), size) - np.square(mean)
        # Lee's: the local variance less that of noise, 1, over the local variance.
        share_of_structure = np.maximum(energy - 1, 0) / np.maximum(energy, 1)
        smooth: FloatArray = mean + share_of_structure * (pixels - mean)
        return smooth


# scikit-image's takes 0.7 to 0.8 times the time. It has one cut-off for all axes, where Z is often
# sampled otherwise than Y and X, and is off by up to 25 DN of 255 at borders, which it does not
# mirror.
class Butterworth(ChannelFilter):
    """Keeps what is coarser than the cut-off, with a smooth passage and hardly any ringing."""

    title: ClassVar[str] = "Butterworth low-pass"
    citation: ClassVar[str] = "Butterworth 1930, Experimental Wireless 7, 536–541"

    name: Literal["butterworth"] = "butterworth"
    cutoff: PerAxis[Annotated[float, Ge(0.02), Le(0.5)]] = setting(
        0.15,
        "Frequency of which half is kept; one value, or one per axis (Z, Y, X).",
        unit="cycles per pixel",
        step=0.01,
        tuned_over=(0.03, 0.5),
    )
    order: int = setting(2, "Steepness of the passage.", ge=1, le=4, step=1)

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        cutoffs = per_axis(self.cutoff, n_spatial, "cutoff")
        # The slowest of the filter's poles decays by this much per pixel and cut-off frequency.
        damping = 2 * pi * sin(pi / (2 * self.order))
        return tuple(ceil(_FADED / (damping * cutoff)) for cutoff in cutoffs)

    def tile_size(self, extents: tuple[int, ...]) -> tuple[int, ...]:
        sizes = zip(super().tile_size(extents), self.halo(len(extents)), strict=True)
        # A cut-off near zero rings far: then the usual tile, even if most of it is halo.
        return tuple(min(size, max(256, 2 * halo)) for size, halo in sizes)

    def _filter(self, pixels: FloatArray) -> Job[FloatArray]:
        cutoffs = per_axis(self.cutoff, pixels.ndim, "cutoff")
        yield Progress(fraction=0.0)
        spectrum = fft.dctn(pixels)  # its basis is mirrored at the borders, as the image is
        yield Progress(fraction=0.5)
        axes = [
            np.square(np.arange(size, dtype=np.float32) / (2 * size * cutoff))
            for size, cutoff in zip(pixels.shape, cutoffs, strict=True)
        ]
        squares: FloatArray = np.asarray(sum(np.ix_(*axes)), dtype=np.float32)
        smooth: FloatArray = fft.idctn(spectrum / (1 + squares**self.order))
        return smooth
