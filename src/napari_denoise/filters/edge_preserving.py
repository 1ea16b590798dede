"""Filters that smooth within structures and stop at their edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le
from scipy import fft

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.progress import Job, Progress
from napari_denoise.core.settings import PerAxis, per_axis, setting
from napari_denoise.filters.base import NoiseAwareFilter
from napari_denoise.filters.gradients import divergence, gradient, length
from napari_denoise.filters.neighbourhood import Offset, weighted_mean_job

__all__ = ["AnisotropicDiffusion", "Bilateral", "NonLocalMeans", "TotalVariation"]

_REACH = 2.5
"""The bilateral filter's window ends at this many sigma, where the weight is 4 %. Its time goes
with the window's area, so it is cut sooner than a Gaussian is."""

_TV_HALO = {2: 32, 3: 16}
"""Pixels beyond which total variation carries less than 1 % of the noise to the next tile, with the
weight that is set at first."""

_NO_WEIGHT = -80.0
"""The logarithm of a weight that is as good as none, 2e-35, but no subnormal number: processors
take many times as long for these."""


class _InCache(NoiseAwareFilter):
    """A filter that goes over each tile many times, and so wants tiles that fit in the cache."""

    tile_sizes: ClassVar[Mapping[int, tuple[int, ...]]] = {2: (256, 256), 3: (32, 128, 128)}


# scikit-image's bilateral filter takes planes only, and 4.6 to 6.8 times as long.
class Bilateral(_InCache):
    """Mean of those neighbours that are close in space and similar in intensity."""

    title: ClassVar[str] = "Bilateral"
    citation: ClassVar[str] = "Tomasi & Manduchi 1998, doi:10.1109/ICCV.1998.710815"

    name: Literal["bilateral"] = "bilateral"
    sigma: PerAxis[Annotated[float, Ge(0), Le(20)]] = setting(
        1.2,
        "Standard deviation of the kernel in space; one value, or one per axis (Z, Y, X).",
        unit="pixels",
        step=0.1,
        tuned_over=(0.5, 5),
    )
    range_sigma: float = setting(
        4.0,
        "Standard deviation of the kernel in intensity: larger differences count as edges.",
        unit="× noise",
        step=0.1,
        gt=0,
        le=100,
        tuned_over=(1.4, 16),
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return tuple(ceil(_REACH * s) for s in per_axis(self.sigma, n_spatial, "sigma"))

    def _filter_scaled(self, pixels: FloatArray) -> Job[FloatArray]:
        sigma = per_axis(self.sigma, pixels.ndim, "sigma")
        steepness = np.float32(-0.5 / self.range_sigma**2)

        def weigh(squares: FloatArray, offset: Offset) -> FloatArray:
            distance = sum((step / s) ** 2 for step, s in zip(offset, sigma, strict=True) if step)
            squares *= steepness
            squares -= np.float32(0.5 * distance)
            # One exponential for both kernels, in the memory of the squares.
            return np.exp(squares, out=squares)

        return (yield from weighted_mean_job(pixels, self.halo(pixels.ndim), weigh))


# scikit-image's takes 3 to 5 times as long, 3 s for a tile in one call, which cannot be cancelled.
class NonLocalMeans(_InCache):
    """Mean of those neighbours whose surroundings look alike: keeps texture that repeats."""

    title: ClassVar[str] = "Non-local means"
    citation: ClassVar[str] = (
        "Buades, Coll & Morel 2005, doi:10.1109/CVPR.2005.38; 2011, doi:10.5201/ipol.2011.bcm_nlm"
    )

    name: Literal["nlm"] = "nlm"
    strength: float = setting(
        0.8,
        "How unlike patches may be, beyond what noise explains, and still be averaged.",
        unit="× noise",
        step=0.05,
        gt=0,
        le=100,
        tuned_over=(0.3, 3.4),
    )
    patch_size: PerAxis[Annotated[int, Ge(1), Le(21)]] = setting(
        7,
        "Width of the patches that are compared, an odd number; one value, or one per axis.",
        unit="pixels",
        step=2,
    )
    search_radius: PerAxis[Annotated[int, Ge(0), Le(50)]] = setting(
        3,
        "How far away patches are looked for; one value, or one per axis (Z, Y, X).",
        unit="pixels",
        step=1,
        tuned_over=(2, 7),
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        radius = per_axis(self.search_radius, n_spatial, "search_radius")
        sizes = zip(radius, self._patch(n_spatial), strict=True)
        return tuple(int(r) + size // 2 for r, size in sizes)

    def _patch(self, n_spatial: int) -> tuple[int, ...]:
        patch = tuple(int(p) for p in per_axis(self.patch_size, n_spatial, "patch_size"))
        if any(size % 2 == 0 for size in patch):
            raise SettingsError(
                f"patch_size is {self.patch_size}, but a patch needs a pixel in its middle. "
                f"Choose an odd number."
            )
        return patch

    def _filter_scaled(self, pixels: FloatArray) -> Job[FloatArray]:
        radius = per_axis(self.search_radius, pixels.ndim, "search_radius")
        patch = self._patch(pixels.ndim)
        # Two noisy views of the same thing differ by twice the noise's variance per pixel: that
        # much is no difference, as in Buades et al. 2011.
        expected = np.float32(2 * np.prod(patch))
        steepness = np.float32(-1 / (self.strength**2 * np.prod(patch)))

        def weigh(squares: FloatArray, offset: Offset) -> FloatArray:
            del offset
            squares -= expected
            squares *= steepness
            # Clipping at both ends is several times faster than at one, and spares subnormals.
            return np.exp(np.clip(squares, _NO_WEIGHT, 0, out=squares), out=squares)

        reach = [int(r) for r in radius]
        return (yield from weighted_mean_job(pixels, reach, weigh, patch=patch))


# scikit-image's denoise_tv_chambolle gives the same to 5e-4 DN, with one iteration more, in 1.1 to
# 1.3 times the time, but in one call, which for a tile of a volume takes more than half a second.
# Its denoise_tv_bregman takes planes only, and is not at its limit after as many steps.
class TotalVariation(_InCache):
    """The image with the least total variation that is still close to the noisy one.

    Flat areas with sharp edges come out best; gradients turn into steps.
    """

    title: ClassVar[str] = "Total variation"
    citation: ClassVar[str] = (
        "Rudin, Osher & Fatemi 1992, doi:10.1016/0167-2789(92)90242-F; "
        "Chambolle 2004, doi:10.1023/B:JMIV.0000011325.36760.1e; "
        "Goldstein & Osher 2009, doi:10.1137/080725891"
    )

    name: Literal["tv"] = "tv"
    weight: float = setting(
        0.8,
        "How much smoothness counts against closeness to the noisy image.",
        unit="× noise",
        step=0.1,
        gt=0,
        le=100,
        tuned_over=(0.2, 6.4),
    )
    solver: Literal["chambolle", "split_bregman"] = setting(
        "chambolle", "How it is computed; both approach the same image.", advanced=True
    )
    n_iterations: int = setting(
        60, "Steps of the solver.", unit="iterations", step=10, ge=1, le=10_000, advanced=True
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        # A step of Chambolle's carries no farther than one pixel.
        return (min(_TV_HALO[n_spatial], self.n_iterations),) * n_spatial

    def _filter_scaled(self, pixels: FloatArray) -> Job[FloatArray]:
        solve = _chambolle if self.solver == "chambolle" else _split_bregman
        steps = solve(pixels, np.float32(self.weight))
        for i in range(self.n_iterations):
            yield Progress(fraction=i / self.n_iterations)
            smooth = next(steps)
        return smooth


# scikit-image has none.
class AnisotropicDiffusion(_InCache):
    """Lets intensities flow to their neighbours, except across edges (Perona–Malik)."""

    title: ClassVar[str] = "Anisotropic diffusion"
    citation: ClassVar[str] = "Perona & Malik 1990, doi:10.1109/34.56205"

    name: Literal["anisotropic_diffusion"] = "anisotropic_diffusion"
    n_iterations: int = setting(
        4,
        "Steps of the diffusion; more smooth wider.",
        unit="iterations",
        step=1,
        ge=1,
        le=1000,
        tuned_over=(1, 64),
    )
    contrast: float = setting(
        2.5,
        "Differences between neighbours beyond this are edges, and are kept.",
        unit="× noise",
        step=0.1,
        gt=0,
        le=100,
        tuned_over=(1.4, 16),
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        return (self.n_iterations,) * n_spatial

    def _filter_scaled(self, pixels: FloatArray) -> Job[FloatArray]:
        # The largest step for which the explicit scheme is stable.
        step = np.float32(1 / (2 * pixels.ndim))
        for i in range(self.n_iterations):
            yield Progress(fraction=i / self.n_iterations)
            slopes = gradient(pixels)
            # The first of the paper's two conductances, which favours edges of high contrast.
            slopes *= np.exp(-np.square(slopes / np.float32(self.contrast)))
            pixels = pixels + step * divergence(slopes)
        return pixels


def _chambolle(noisy: FloatArray, weight: np.float32) -> Iterator[FloatArray]:
    """Chambolle's projection of the dual variable; yields ever better images."""
    # The paper proves half of it, and finds that this converges as well; scikit-image takes it too.
    step = np.float32(1 / (2 * noisy.ndim))
    dual = np.zeros((noisy.ndim, *noisy.shape), np.float32)
    smooth = noisy
    while True:
        ascent = gradient(smooth)
        ascent *= step / weight
        # Keeps the dual variable no longer than 1 without a look at whether it is (Chambolle).
        dual += ascent
        dual /= 1 + length(ascent)
        smooth = noisy + weight * divergence(dual)
        yield smooth


def _split_bregman(noisy: FloatArray, weight: np.float32) -> Iterator[FloatArray]:
    """Split Bregman, its linear step solved exactly in the cosine basis."""
    # Twice the weight of closeness, which is 1 / weight: the authors' advice. It changes how fast
    # the solver gets there, not where.
    coupling = 2 / weight
    spectrum = 1 / (1 + weight * coupling * _laplacian_spectrum(noisy.shape))
    split = np.zeros((noisy.ndim, *noisy.shape), np.float32)
    error = np.zeros_like(split)
    while True:
        right = noisy - weight * coupling * divergence(split - error)
        smooth: FloatArray = fft.idctn(fft.dctn(right) * spectrum)
        yield smooth
        slopes = gradient(smooth) + error
        # Shrinks whole vectors, not their components: the variation is the same in all directions.
        lengths = length(slopes)
        split = slopes * (np.maximum(lengths - 1 / coupling, 0) / np.maximum(lengths, 1e-12))
        error = slopes - split


def _laplacian_spectrum(shape: tuple[int, ...]) -> FloatArray:
    """Eigenvalues of minus the Laplacian with mirrored borders, in the order of the DCT."""
    parts = [2 - 2 * np.cos(np.pi * np.arange(size) / size) for size in shape]
    return np.asarray(sum(np.ix_(*parts)), dtype=np.float32)
