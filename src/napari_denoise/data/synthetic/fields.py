"""What scenes are drawn on and with: a grid in lateral pixels, random fields, splatted points."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_denoise.core.dtype import FloatArray

__all__ = ["Grid", "Points", "blur", "fractal", "scatter", "smooth_field", "splat"]

Points = npt.NDArray[np.float64]
"""Places ``(n, axes)`` on a grid, in lateral pixels."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where an image is sampled.

    Attributes
    ----------
    shape : tuple of int
        ``(Z)YX``.
    z_step : float
        Distance between two planes, in lateral pixels.
    """

    shape: tuple[int, ...]
    z_step: float = 1.0

    @property
    def steps(self) -> tuple[float, ...]:
        """Distance between two samples along each axis, in lateral pixels."""
        return (self.z_step, 1.0, 1.0)[-len(self.shape) :]

    @property
    def extent(self) -> Points:
        """Size of the field of view, in lateral pixels."""
        return np.multiply(self.shape, self.steps)

    def coordinates(self, window: tuple[slice, ...] | None = None) -> list[FloatArray]:
        """Place of the samples along each axis, in lateral pixels, ready to broadcast."""
        window = window or tuple(slice(0, n) for n in self.shape)
        places = [
            np.arange(span.start, span.stop, dtype=np.float32) * step
            for span, step in zip(window, self.steps, strict=True)
        ]
        return list(np.ix_(*places))

    def window(self, centre: Points, reach: float) -> tuple[slice, ...]:
        """The samples within `reach` of a place; empty where that is off the grid."""
        spans = []
        for place, n, step in zip(centre, self.shape, self.steps, strict=True):
            low, high = ((place + side * reach) / step for side in (-1, 1))
            start = min(max(int(np.floor(low)), 0), n)
            spans.append(slice(start, max(min(ceil(high) + 1, n), start)))
        return tuple(spans)

    def at(self, image: FloatArray, points: Points) -> FloatArray:
        """The image at the sample next to each point; zero for points off the grid."""
        # The nearest sample, not interpolated: it also reads the numbers of cells.
        index = np.rint(points / self.steps).astype(np.intp)
        inside = np.all((index >= 0) & (index < self.shape), axis=1)
        values = np.zeros(len(points), np.float32)
        values[inside] = image[tuple(index[inside].T)]
        return values


def smooth_field(grid: Grid, rng: np.random.Generator, size: float) -> FloatArray:
    """A random field without structure finer than `size` lateral pixels; mean 0, variance 1.

    Parameters
    ----------
    grid : Grid
    rng : numpy.random.Generator
    size : float
        Distance of the spline's knots, in lateral pixels.

    Returns
    -------
    array of float32, ``(Z)YX``
    """
    # White noise on the knots, interpolated axis by axis: as smooth as noise blurred by a Gaussian,
    # in a time that does not grow with `size`.
    bases = [_spline_basis(n, step / size) for n, step in zip(grid.shape, grid.steps, strict=True)]
    field = rng.standard_normal([basis.shape[1] for basis in bases], dtype=np.float32)
    for axis, basis in enumerate(bases):
        field = np.moveaxis(np.tensordot(basis, field, (1, axis)), 0, axis)
    return np.ascontiguousarray(field, np.float32)


def _spline_basis(n_samples: int, knots_per_sample: float) -> FloatArray:
    """Cubic B-splines at each sample, scaled so that white noise keeps its variance."""
    place = np.arange(n_samples) * knots_per_sample
    knot = np.floor(place).astype(np.intp)
    t = place - knot
    # The four pieces of the uniform cubic B-spline, times six: the next line rescales them anyway.
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1
    )
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    basis = np.zeros((n_samples, knot[-1] + 4), np.float32)
    for column in range(4):
        basis[np.arange(n_samples), knot + column] = weights[:, column]
    return basis


def fractal(
    grid: Grid, rng: np.random.Generator, size: float, *, roughness: float = 0.5, n_octaves: int = 4
) -> FloatArray:
    """Random structure on all scales from `size` lateral pixels downwards; mean 0, variance 1.

    Parameters
    ----------
    grid : Grid
    rng : numpy.random.Generator
    size : float
        Of the coarsest structure, in lateral pixels.
    n_octaves : int
        How often the size is halved; octaves finer than a pixel are left away.
    roughness : float
        Amplitude of each octave relative to the one twice as coarse.

    Returns
    -------
    array of float32, ``(Z)YX``
    """
    # Finer than a pixel, a field is white noise: a network would learn to keep noise.
    sizes = [size / 2**octave for octave in range(n_octaves)]
    amplitudes = [roughness**octave for octave in range(n_octaves)]
    kept = [(s, a) for s, a in zip(sizes, amplitudes, strict=True) if s >= 1.0]
    field = np.zeros(grid.shape, np.float32)
    for octave, amplitude in kept:
        field += np.float32(amplitude) * smooth_field(grid, rng, octave)
    # Octaves are independent, so their variances add.
    return field / np.float32(np.sqrt(sum(a * a for _, a in kept)))


def blur(grid: Grid, image: FloatArray, sigma: float, axial: float = 1.0) -> FloatArray:
    """Blur an image as a microscope does.

    A PSF is near enough to a Gaussian for what is finer than it to be lost (Zhang, Zerubia &
    Olivo-Marin 2007, doi:10.1364/AO.46.001819). What lies outside of that is left to the haze.

    Parameters
    ----------
    grid : Grid
    image : array of float32, ``(Z)YX``
    sigma : float
        Standard deviation, in lateral pixels.
    axial : float
        How many times as wide it is along Z.

    Returns
    -------
    array of float32, ``(Z)YX``
    """
    sigmas = np.full(len(grid.shape), sigma) / grid.steps
    if len(sigmas) == 3:
        sigmas[0] *= axial
    result: FloatArray = ndimage.gaussian_filter(image, sigmas, mode="reflect", truncate=3.0)
    return result


def splat(grid: Grid, points: Points, weights: npt.ArrayLike = 1.0) -> FloatArray:
    """Add points to an empty image, each shared linearly between the samples around it.

    Parameters
    ----------
    grid : Grid
    points : Points
        Those off the grid give no light.
    weights : array-like of shape (n,)
        Light of each point.

    Returns
    -------
    array of float32, ``(Z)YX``
    """
    place = points / grid.steps
    corner = np.floor(place).astype(np.intp)
    rest = place - corner
    strength = np.broadcast_to(np.asarray(weights, np.float64), len(points))
    # Double precision, as thousands of faint points may fall on one sample.
    image = np.zeros(int(np.prod(grid.shape)))
    for offset in product((0, 1), repeat=len(grid.shape)):
        index = corner + offset
        share = strength * np.prod(np.where(offset, rest, 1 - rest), axis=1)
        inside = np.all((index >= 0) & (index < grid.shape), axis=1)
        flat = np.ravel_multi_index(tuple(index[inside].T), grid.shape)
        # bincount adds points that fall on the same sample, which `image[flat] +=` would not.
        image += np.bincount(flat, share[inside], len(image))
    return image.reshape(grid.shape).astype(np.float32)


def scatter(
    grid: Grid, rng: np.random.Generator, distance: float, *, margin: float = 0.0
) -> Points:
    """Places all over the grid, at random but hardly ever closer than `distance`.

    Parameters
    ----------
    grid : Grid
    rng : numpy.random.Generator
    distance : float
        In lateral pixels.
    margin : float
        How far off the grid places may lie, in lateral pixels: objects are cut by the border.

    Returns
    -------
    Points
        In random order.
    """
    # A jittered lattice: as even as drawing places and refusing those too close, in one pass.
    low, high = -np.full(len(grid.shape), margin), grid.extent + margin
    # A volume thinner than an object has one layer of them, somewhere in its depth.
    flat = grid.extent < distance
    low, high = np.where(flat, 0.0, low), np.where(flat, grid.extent, high)
    counts = np.where(flat, 1, np.ceil((high - low) / distance)).astype(int)
    cells = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1)
    jittered = cells.reshape(-1, len(counts)) + rng.uniform(
        0.1, 0.9, (cells[..., 0].size, len(counts))
    )
    places: Points = low + jittered * (high - low) / counts
    # Whoever takes the first few of them takes a random few.
    return rng.permutation(places)
