"""Richardson–Lucy: the light that, blurred by the microscope, best explains the photons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Le

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.settings import PerAxis, per_axis, setting
from napari_denoise.filters.base import ChannelFilter
from napari_denoise.filters.blur import TRUNCATE, blur_job
from napari_denoise.filters.gradients import divergence, gradient, length

__all__ = ["RichardsonLucy"]

_SURROUNDINGS = {2: 8.0, 3: 4.0}
"""Standard deviation in pixels of the kernel over which the mean intensity is kept. Wider keeps it
of larger neighbourhoods only and needs a wider halo; narrower brings back the noise of the few
pixels it averages. It averages about as many pixels as there are in a box of
28² or 14³."""

_DARKEST = 1e-6
"""Of the mean light: less is no light, but may be divided by."""

_NO_LIGHT = 1e-30
"""The same, where the whole image is dark."""


class RichardsonLucy(ChannelFilter):
    """Removes the blur of the microscope, with total variation against the noise.

    Made for photon noise, and so not to be stabilised first. Intensities count as light above
    `background`; those below, negative ones among them, count as no light. What that and total
    variation do to the mean intensity of a neighbourhood is undone in the end.
    """

    title: ClassVar[str] = "Richardson–Lucy with TV"
    citation: ClassVar[str] = (
        "Richardson 1972, doi:10.1364/JOSA.62.000055; Lucy 1974, doi:10.1086/111605; "
        "with total variation: Dey et al. 2006, doi:10.1002/jemt.20294"
    )

    tile_sizes: ClassVar[Mapping[int, tuple[int, ...]]] = {2: (256, 256), 3: (32, 128, 128)}

    name: Literal["richardson_lucy"] = "richardson_lucy"
    psf_sigma: PerAxis[Annotated[float, Gt(0), Le(20)]] = setting(
        1.0,
        "Standard deviation of the blur to be removed; one value, or one per axis (Z, Y, X).",
        unit="pixels",
        step=0.1,
    )
    n_iterations: int = setting(
        10,
        "Steps; more sharpen more, and bring noise back.",
        unit="iterations",
        step=1,
        ge=1,
        le=500,
    )
    tv_weight: float = setting(
        0.03,
        "How much total variation counts against closeness to the photons; more smooths more.",
        step=0.01,
        ge=0,
        le=0.25,
        tuned_over=(0.005, 0.25),
    )
    background: float = setting(
        0.0, "Intensity without light: the camera's offset.", unit="DN", ge=-1e9, le=1e9
    )

    def halo(self, n_spatial: int) -> tuple[int, ...]:
        # One kernel's reach for each of the two blurs of a step; what further steps bring from
        # beyond is little, as each of them changes the estimate less.
        reach = TRUNCATE * _SURROUNDINGS[n_spatial]
        sigmas = per_axis(self.psf_sigma, n_spatial, "psf_sigma")
        return tuple(ceil(max(reach, 2 * TRUNCATE * sigma)) for sigma in sigmas)

    def forward_model(self, denoised: FloatArray) -> Job[FloatArray]:
        sigmas = per_axis(self.psf_sigma, denoised.ndim - 1, "psf_sigma")
        return (yield from blur_job(denoised, (0.0, *sigmas)))

    def _filter(self, pixels: FloatArray) -> Job[FloatArray]:
        sigmas = per_axis(self.psf_sigma, pixels.ndim, "psf_sigma")
        signal = pixels - np.float32(self.background)
        # Photons are not negative, and the method divides by what it expects of them.
        light = np.maximum(signal, 0)
        darkest = np.float32(max(_DARKEST * light.mean(), _NO_LIGHT))
        # The first guess is the image, blurred so that little of its noise is in it, and without
        # a zero, which no factor would ever change.
        estimate = darkest + (yield from nested(blur_job(light, sigmas), 0.0, 0.0))
        for i in range(self.n_iterations):
            part = i / (self.n_iterations + 1), (i + 1) / (self.n_iterations + 1)
            job = self._sharpen(estimate, light, darkest, sigmas)
            estimate = yield from nested(job, *part)
        # What the estimate, recorded again, lacks of the image: on the average over surroundings
        # it must be nothing, or intensities could not be measured on the result.
        blurred = yield from nested(blur_job(estimate, sigmas), part[1], part[1])
        lost = blur_job(signal - blurred, (_SURROUNDINGS[pixels.ndim],) * pixels.ndim)
        # Added, not multiplied: where there is no light, there is nothing to multiply.
        estimate += yield from nested(lost, part[1], 1.0)
        return estimate + np.float32(self.background)

    def _sharpen(
        self, estimate: FloatArray, light: FloatArray, darkest: np.float32, sigmas: Sequence[float]
    ) -> Job[FloatArray]:
        """One step of Richardson and Lucy, divided by what total variation asks for."""
        blurred = yield from nested(blur_job(estimate, sigmas), 0.0, 0.4)
        # More than 1 where more photons came than expected.
        ratio = np.divide(light, np.maximum(blurred, darkest), dtype=np.float32)
        # The kernel is symmetric: to correlate with it is to convolve.
        step = yield from nested(blur_job(ratio, sigmas), 0.4, 0.8)
        if self.tv_weight > 0:
            slopes = gradient(estimate)
            weight = np.float32(self.tv_weight)
            # Along slight slopes, a step of the usual size would lead beyond where they are
            # flat, and the next one back: these are diffused instead, as fast as is stable.
            slight = 2 * estimate.ndim * weight * estimate
            slopes /= length(slopes) + slight + darkest
            step /= 1 - weight * divergence(slopes)
        return estimate * step
