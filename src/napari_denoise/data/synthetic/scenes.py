"""Procedural scenes: clean images as a fluorescence microscope would record them.

They are the sample data, and what a network can learn from where nobody has clean images. A
scene is one structure or a mixture of two, seen through optics that blur it, add haze from
out of focus and a background. Its values are expected photons relative to the brightest pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal, get_args

import numpy as np
from scipy import ndimage

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import InputError
from napari_denoise.data.synthetic import structures
from napari_denoise.data.synthetic.fields import Grid, Points, blur, fractal, smooth_field, splat

__all__ = ["KINDS", "Kind", "Optics", "movie", "scene", "varied_scene"]

Kind = Literal["filaments", "membranes", "mitochondria", "nuclei", "puncta", "tissue", "vesicles"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What a scene can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Optics:
    """How a structure becomes an image.

    Attributes
    ----------
    psf_sigma : float
        Standard deviation of the point spread function, in lateral pixels.
    elongation : float
        How many times longer it is along Z.
    haze : float
        Share of the light that comes from out of focus, 0 to 1.
    haze_sigma : float
        How far that light spreads, in lateral pixels.
    background : float
        Light that is everywhere, as a share of the brightest pixel, 0 to 1.
    """

    psf_sigma: float = 1.2
    elongation: float = 2.5
    haze: float = 0.15
    haze_sigma: float = 8.0
    background: float = 0.03

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Optics:
        """Optics as they come, from a sharp confocal to a hazy wide-field microscope."""
        # 0.8 pixels is about the PSF of an objective sampled at the Nyquist rate: sigma 0.225 λ/NA
        # (doi:10.1364/AO.46.001819), pixels of λ/4NA. 2.0 is oversampled.
        # Powers of what is drawn evenly are mostly small: clear images outnumber hazy ones.
        return cls(
            psf_sigma=rng.uniform(0.8, 2.0),
            elongation=rng.uniform(2.0, 3.0),
            haze=rng.uniform(0.0, 0.5) ** 1.5,
            haze_sigma=rng.uniform(5.0, 12.0),
            background=rng.uniform(0.0, 0.3) ** 2,
        )

    def image(self, grid: Grid, structure: FloatArray) -> FloatArray:
        """What is seen of a structure.

        Parameters
        ----------
        grid : Grid
        structure : array of float32, ``(Z)YX``

        Returns
        -------
        array of float32, ``(Z)YX``
            On the structure's scale, without background.
        """
        sharp = blur(grid, structure, self.psf_sigma, self.elongation)
        if self.haze == 0:
            return sharp
        # Light is moved, not added: haze keeps the mean.
        hazy = blur(grid, sharp, self.haze_sigma, self.elongation)
        sharp += np.float32(self.haze) * (hazy - sharp)
        return sharp

    def over_background(self, image: FloatArray) -> FloatArray:
        """The image as a share of its brightest pixel, from the background to 1."""
        peak = np.float32(max(float(image.max()), 1e-6))
        low = np.float32(self.background)
        seen: FloatArray = np.clip(low + (1 - low) * image / peak, 0, 1)
        return seen


def scene(
    shape: tuple[int, ...],
    *,
    rng: np.random.Generator,
    kind: Kind | None = None,
    optics: Optics | None = None,
    z_step: float = 4.0,
) -> FloatArray:
    """Draw a clean image or volume; the same generator state gives the same one.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` or ``(Z, Y, X)``.
    rng : numpy.random.Generator
        What is drawn, where, and how large.
    kind : str, optional
        One of :data:`KINDS`; without it, any of them or a mixture of two.
    optics : Optics, optional
        Drawn at random if not given.
    z_step : float
        Distance between two planes, in lateral pixels.

    Returns
    -------
    array of float32, ``(Z)YX``, 0 to 1
        Expected photons relative to the brightest pixel.

    Raises
    ------
    InputError
        If `shape` is no image or volume, or `kind` is unknown.
    """
    if len(shape) not in {2, 3} or min(shape) < 1:
        raise InputError(f"A scene cannot have shape {shape}. Give (Y, X) or (Z, Y, X).")
    grid = Grid(tuple(shape), z_step)
    optics = optics or Optics.draw(rng)
    return optics.over_background(optics.image(grid, _structure(grid, rng, kind)))


def varied_scene(shape: tuple[int, ...], *, rng: np.random.Generator) -> FloatArray:
    """A scene as instruments differ: magnified, unevenly lit, in haze, of any contrast.

    What a network learns from. Microscopes sample more finely or coarsely than :func:`scene`
    does, and dim structure beside a bright one counts as much as the bright one.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` or ``(Z, Y, X)``.
    rng : numpy.random.Generator

    Returns
    -------
    array of float32, ``(Z)YX``
        Expected light; all but the brightest pixels lie between 0 and 1.
    """
    # How fine scenes are was set by comparing power spectra with the clean images of
    # docs/benchmarks.md: those are finer than scenes as drawn.
    coarser, finer = rng.uniform(0.4, 1.0), np.exp(rng.uniform(0, np.log(3)))
    zoom = float(rng.choice([1.0, coarser, finer], p=[0.2, 0.4, 0.4]))
    lateral = [ceil(n / zoom) + 2 for n in shape[-2:]]
    small = _stack((*shape[:-2], *lateral), rng, zoom)
    image = _magnified(small, zoom, shape) if zoom != 1 else small[..., 1:-1, 1:-1]
    # From here on what samples and instruments do: contrast, labelling, illumination, haze. All but
    # the first are left away in part of the scenes, so that their absence is learned as well.
    image **= np.float32(np.exp(rng.normal(0, 0.3)))
    grid = Grid(tuple(shape[-2:]))
    if rng.random() < 0.3:
        image *= np.exp(_grain(shape, rng))
    if rng.random() < 0.5:
        image *= np.exp(np.float32(rng.uniform(0.1, 0.7)) * smooth_field(grid, rng, 150))
    if rng.random() < 0.5:
        haze = np.exp(np.float32(0.7) * fractal(grid, rng, rng.uniform(40, 200), n_octaves=5))
        image += np.float32(rng.uniform(0.02, 0.7) ** 2) * haze
    # Mostly not the very brightest pixel, so that a single bright spot does not make all else dim.
    brightest = np.percentile(image, rng.choice([98.0, 99.5, 100.0]))
    image /= np.float32(max(float(brightest), 1e-6))
    return np.asarray(image, np.float32)


def _stack(shape: tuple[int, ...], rng: np.random.Generator, zoom: float) -> FloatArray:
    """A scene; a volume may also be a film in which nothing moves but the lamp."""
    # From sharper than a well sampled PSF (large camera pixels) to as blurred as any.
    sharpness = np.exp(rng.uniform(np.log(0.35), np.log(2)))
    optics = replace(Optics.draw(rng), psf_sigma=float(sharpness))
    if len(shape) == 2 or rng.random() < 0.8:
        z_step = max(rng.uniform(0.7, 6.0) / zoom, 0.5)
        return scene(shape, rng=rng, optics=optics, z_step=z_step)
    # The network for volumes is used on films as well, time as depth.
    lamp = np.exp(np.cumsum(rng.normal(0, rng.uniform(0, 0.05), shape[0])))
    still = scene(shape[1:], rng=rng, optics=optics)
    return np.multiply.outer(lamp.astype(np.float32), still)


def _grain(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """How a label is never even: a logarithm of brightness that varies from pixel to pixel."""
    white = rng.standard_normal(shape[-2:], np.float32)
    grain = ndimage.gaussian_filter(white, rng.uniform(0.4, 1.2))
    return np.asarray(grain * np.float32(rng.uniform(0.05, 0.25)) / grain.std(), np.float32)


def _magnified(image: FloatArray, zoom: float, shape: tuple[int, ...]) -> FloatArray:
    """The image, resampled along Y and X and cut to shape; without ringing below zero."""
    n_depth = image.ndim - 2
    # Cubic, as linear interpolation would leave its own texture to be learned.
    large = ndimage.affine_transform(
        image,
        [*(1.0,) * n_depth, 1 / zoom, 1 / zoom],
        offset=[*(0.0,) * n_depth, 0.5, 0.5],
        output_shape=shape,
        order=3,
        mode="nearest",
    )
    positive: FloatArray = np.maximum(large, 0)
    return positive


def movie(
    shape: tuple[int, int, int],
    *,
    rng: np.random.Generator,
    kind: Kind | None = None,
    optics: Optics | None = None,
) -> FloatArray:
    """Draw a clean time-lapse ``TYX``: the structure flows, spots on it wander and blink.

    Parameters
    ----------
    shape : tuple of int
        ``(T, Y, X)``.
    rng, kind, optics
        As for :func:`scene`.

    Returns
    -------
    array of float32, ``TYX``, 0 to 1
        Expected photons relative to the brightest pixel of all frames.

    Raises
    ------
    InputError
        If `shape` is no time-lapse, or `kind` is unknown.
    """
    if len(shape) != 3 or min(shape) < 1:
        raise InputError(f"A time-lapse cannot have shape {shape}. Give (T, Y, X).")
    n_frames, grid = shape[0], Grid(tuple(shape[1:]))
    optics = optics or Optics.draw(rng)
    still = _structure(grid, rng, kind)
    still /= np.float32(max(float(still.max()), 1e-6))
    flow = np.stack([smooth_field(grid, rng, 60) for _ in grid.shape]) * rng.uniform(0.2, 0.8)
    places = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"))
    spots, lit = _wandering(grid, rng, still, n_frames), np.float32(rng.uniform(4, 10))
    frames = np.empty(shape, np.float32)
    for time in range(n_frames):
        # From the first frame each time: warping frame after frame would blur the later ones.
        moved = ndimage.map_coordinates(still, places - time * flow, order=1, mode="reflect")
        moved += lit * splat(grid, *spots(time))
        frames[time] = optics.image(grid, moved)
    return optics.over_background(frames)


def _structure(grid: Grid, rng: np.random.Generator, kind: Kind | None) -> FloatArray:
    if kind is not None and kind not in KINDS:
        raise InputError(f"There is no scene of kind {kind!r}. Choose one of {', '.join(KINDS)}.")
    n_kinds = 1 if kind or rng.random() < 0.6 else 2
    kinds = [kind] if kind else rng.choice(KINDS, n_kinds, replace=False)
    image = np.zeros(grid.shape, np.float32)
    for each, share in zip(kinds, (1.0, rng.uniform(0.2, 0.8)), strict=False):
        part: FloatArray = getattr(structures, str(each))(grid, rng)
        # A high percentile: one bright spot would else decide how much of the mixture is seen.
        image += np.float32(share) * part / np.float32(max(float(np.percentile(part, 99.5)), 1e-6))
    return image


def _wandering(
    grid: Grid, rng: np.random.Generator, still: FloatArray, n_frames: int
) -> Callable[[int], tuple[Points, Points]]:
    """Spots that diffuse or are carried along, and blink: their places and strengths by time.

    They start where there is something for them to sit on.
    """
    start = rng.random((4 + int(np.prod(grid.extent) / 20**2), len(grid.shape))) * grid.extent
    lively = grid.at(blur(grid, still, 5.0), start)
    # A stable sort gives the same order everywhere, and so the same film from the same seed.
    start = start[np.argsort(-lively, kind="stable")[: len(start) // 3 + 1]]
    n_spots = len(start)
    carried = rng.random((n_spots, 1)) < 0.4
    velocity = carried * rng.normal(0, 1.5, start.shape)
    steps = rng.normal(0, 0.7, (n_frames, *start.shape)) + velocity
    places = start + np.cumsum(steps, axis=0)
    toggles = rng.random((n_frames, n_spots)) < 0.12
    # On or off until the next toggle, one frame in eight: blinking without memory.
    is_on = np.logical_xor.accumulate(toggles, axis=0) ^ (rng.random(n_spots) < 0.7)
    strengths = rng.lognormal(0, 0.4, n_spots) * is_on
    return lambda time: (places[time], strengths[time])
