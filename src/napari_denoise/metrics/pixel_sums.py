"""PSNR and its relatives, from sums over pixels: the scores of any union of planes follow."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_denoise.core.progress import Job, Progress, run
from napari_denoise.metrics.local_moments import bands
from napari_denoise.metrics.pairs import Plane, check_data_range, check_pair, planes

__all__ = ["PixelSums", "nrmse", "plane_sums_job", "psnr", "si_psnr", "snr", "total"]


@dataclass(frozen=True, slots=True)
class PixelSums:
    """Sums over the pixels of a pair of images; those of more planes are added up.

    Attributes
    ----------
    means : array of 2
        Of the clean image and the other.
    scatter : array of 2 × 2
        Sums of squares and products about the means.
    low, high : float
        Ends of the clean image's intensities.
    similarities : array
        Sums over planes of indices that are averaged over planes.
    """

    n_pixels: int
    n_planes: int
    squared_error: float
    power: float
    means: npt.NDArray[np.float64]
    scatter: npt.NDArray[np.float64]
    low: float
    high: float
    similarities: npt.NDArray[np.float64]

    @classmethod
    def of(cls, clean: Plane, image: Plane) -> PixelSums:
        """Sums over one plane, or a part of one.

        Parameters
        ----------
        clean, image : array, ``YX``, float64

        Returns
        -------
        PixelSums
        """
        means = np.array([clean.mean(), image.mean()])
        # About the means of this part, or small differences would be lost against a large offset.
        first, second = clean - means[0], image - means[1]
        product = np.vdot(first, second)
        scatter = [[np.vdot(first, first), product], [product, np.vdot(second, second)]]
        return cls(
            clean.size,
            1,
            float(np.square(clean - image).sum()),
            float(np.vdot(clean, clean)),
            means,
            np.array(scatter),
            float(clean.min()),
            float(clean.max()),
            np.zeros(0),
        )

    def __add__(self, other: PixelSums) -> PixelSums:
        n_pixels = self.n_pixels + other.n_pixels
        # Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115: what each part scatters
        # about its own mean, and the means about that of both.
        shift = other.means - self.means
        between = np.outer(shift, shift) * self.n_pixels * other.n_pixels / n_pixels
        return PixelSums(
            n_pixels,
            self.n_planes + other.n_planes,
            self.squared_error + other.squared_error,
            self.power + other.power,
            self.means + shift * other.n_pixels / n_pixels,
            self.scatter + other.scatter + between,
            min(self.low, other.low),
            max(self.high, other.high),
            self.similarities + other.similarities,
        )

    def psnr(self, data_range: float) -> float:
        """Peak signal-to-noise ratio in dB."""
        return _decibel(data_range**2 * self.n_pixels, self.squared_error)

    def snr(self) -> float:
        """Energy of the clean image over that of the error, in dB."""
        return _decibel(self.power, self.squared_error)

    def nrmse(self) -> float:
        """Root mean square error over the root mean square of the clean image."""
        # A clean image of zeros: right or not, there is nothing to be relative to.
        if self.power == 0:
            return 0.0 if self.squared_error == 0 else math.inf
        return math.sqrt(self.squared_error / self.power)

    def si_psnr(self) -> float:
        """PSNR after the best offset and factor, in dB."""
        (clean, product), (_, image) = self.scatter
        if clean == 0:
            return math.nan
        # The best offset is gone with the means, the best factor is product / image: what these
        # leave of the clean image's scatter.
        left = clean - (product**2 / image if image > 0 else 0.0)
        left = left if left > 1e-14 * clean else 0.0  # rounding alone leaves this much
        return _decibel((self.high - self.low) ** 2 * self.n_pixels, left)


def _decibel(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def plane_sums_job(
    clean: Plane, image: Plane, similarities: tuple[float, ...] = ()
) -> Job[PixelSums]:
    """Sums over one plane, a band of rows at a time: what is in the cache is summed up fast.

    Parameters
    ----------
    clean, image : array, ``YX``, float64
    similarities : tuple of float
        Indices of the plane, to be averaged over planes.

    Returns
    -------
    PixelSums
    """
    parts = []
    for rows in bands(clean.shape, 0):
        # A dozen passes over the pixels: over a whole plane each would come from memory again.
        parts.append(PixelSums.of(clean[rows], image[rows]))
        yield Progress(fraction=rows.stop / len(clean))
    return replace(total(parts), n_planes=1, similarities=np.array(similarities))


def total(sums: Iterable[PixelSums]) -> PixelSums:
    """The sums over all pixels of several parts, of which there is at least one."""
    first, *others = sums
    return sum(others, start=first)


def psnr(clean: npt.ArrayLike, image: npt.ArrayLike, *, data_range: float) -> float:
    """Peak signal-to-noise ratio in dB, over all pixels.

    Parameters
    ----------
    clean, image : array-like, same shape, any axes and real dtype
    data_range : float
        Difference of the largest and smallest possible intensity, 255 for 8-bit images.

    Returns
    -------
    float
        Infinite for equal images.

    Raises
    ------
    InputError
        If the shapes differ, the range is not positive, or a pixel is not finite.
    """
    check_data_range(data_range)
    # scikit-image's value to the last digit; but it holds both images in memory, whole.
    return _sums(clean, image).psnr(data_range)


def si_psnr(clean: npt.ArrayLike, image: npt.ArrayLike) -> float:
    r"""Scale-invariant PSNR [1]_ in dB, over all pixels: blind to the image's offset and gain.

    The clean image gets zero mean and unit standard deviation, the other zero mean and the
    factor ⟨clean, image⟩ / ⟨image, image⟩; the range is that of the clean image over its
    standard deviation.

    Parameters
    ----------
    clean, image : array-like, same shape, any axes and real dtype

    Returns
    -------
    float
        Infinite for images equal up to offset and gain; NaN if the clean image is constant.

    Raises
    ------
    InputError
        If the shapes differ or a pixel is not finite.

    References
    ----------
    .. [1] Weigert et al. 2018, doi:10.1038/s41592-018-0216-7
    """
    return _sums(clean, image).si_psnr()


def snr(clean: npt.ArrayLike, image: npt.ArrayLike) -> float:
    """Signal-to-noise ratio in dB: energy of the clean image over that of the error.

    An offset counts as signal; subtract it from both images first.

    Parameters
    ----------
    clean, image : array-like, same shape, any axes and real dtype

    Returns
    -------
    float
        Infinite for equal images.

    Raises
    ------
    InputError
        If the shapes differ or a pixel is not finite.
    """
    return _sums(clean, image).snr()


def nrmse(clean: npt.ArrayLike, image: npt.ArrayLike) -> float:
    """Root mean square error, relative to the root mean square of the clean image.

    Parameters
    ----------
    clean, image : array-like, same shape, any axes and real dtype

    Returns
    -------
    float
        0 for equal images; infinite where the clean one is 0 everywhere and the other is not.

    Raises
    ------
    InputError
        If the shapes differ or a pixel is not finite.
    """
    return _sums(clean, image).nrmse()


def _sums(clean: npt.ArrayLike, image: npt.ArrayLike) -> PixelSums:
    clean, image = check_pair(clean, image)
    return total(run(plane_sums_job(*pair)) for _, pair in planes(clean, image))
