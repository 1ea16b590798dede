"""Cells spread out on a cover slip: where they are, which way they lie, how bright each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_denoise.core.dtype import FloatArray
from napari_denoise.data.synthetic.fields import Grid, Points, fractal, scatter, smooth_field

__all__ = [
    "Cells",
    "amount",
    "crowding",
    "cytoplasm",
    "edge",
    "ellipse",
    "flat_directions",
    "lognormal",
    "spread_cells",
    "tilted",
]

# Where the ranges in this module end is a matter of looks. What training needs is that everything
# is drawn anew within them, so that no shape or size can be memorised.

NUCLEUS = 0.33
"""Where a cell's nucleus ends, as a share of the way from its centre to its border."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Cells that fill part of a grid.

    Attributes
    ----------
    radius : float
        Of a typical cell, in lateral pixels.
    directions : Points
        Unit vector along each cell.
    distance : FloatArray
        From the centre of the cell a pixel lies in: 0 there, 1 at the cell's border.
    owner : FloatArray
        Number of that cell.
    """

    radius: float
    directions: Points
    distance: FloatArray
    owner: FloatArray

    @property
    def depth(self) -> FloatArray:
        """How far inside a cell a pixel lies, in lateral pixels; negative outside."""
        return (1 - self.distance) * np.float32(self.radius)

    @property
    def nuclei(self) -> FloatArray:
        """1 inside the nuclei, 0 outside."""
        return edge((NUCLEUS - self.distance) * self.radius, 1.5)

    def headings(self, grid: Grid, places: Points) -> Points:
        """The direction of the cell that each place lies in."""
        return self.directions[grid.at(self.owner, places).astype(np.intp)]

    def strengths(self, rng: np.random.Generator) -> FloatArray:
        """A brightness per cell, for each pixel: cells take up dye as they please."""
        strengths = lognormal(rng, len(self.directions), 0.3).astype(np.float32)
        return strengths[self.owner.astype(np.intp)]


def spread_cells(grid: Grid, rng: np.random.Generator, radius: float) -> Cells:
    """Lay out cells with uneven borders and gaps between.

    Parameters
    ----------
    grid : Grid
    rng : numpy.random.Generator
    radius : float
        Of a typical cell, in lateral pixels.

    Returns
    -------
    Cells
        At least one.
    """
    centres = scatter(grid, rng, rng.uniform(1.7, 2.4) * radius, margin=radius / 2)
    # Some places stay empty: few fields of view are confluent.
    centres = centres[: max(1, int(len(centres) * rng.uniform(0.7, 1)))]
    directions = flat_directions(rng, centres)
    distance = np.full(grid.shape, np.inf, np.float32)
    owner = np.zeros(grid.shape, np.float32)
    wobble = 1 + np.float32(0.13) * fractal(grid, rng, radius / 2)
    for number, (centre, along) in enumerate(zip(centres, directions, strict=True)):
        size = radius * rng.uniform(0.7, 1.2)
        # As far as a cell of ratio 2 with a wobbling border reaches. Without windows the time would
        # grow with area times cells.
        window = grid.window(centre, 2.6 * size)
        cell = ellipse(grid, window, centre, along, size=size, ratio=rng.uniform(1.2, 2))
        cell *= wobble[window]
        # Where two cells would overlap, each pixel is the nearer one's: borders meet.
        nearer = cell < distance[window]
        distance[window][nearer] = cell[nearer]
        owner[window][nearer] = number
    # Finite far outside, as depth and edge multiply it.
    return Cells(radius, directions, np.minimum(distance, np.float32(99)), owner)


def crowding(grid: Grid, rng: np.random.Generator, cells: Cells) -> FloatArray:
    """How likely organelles are.

    Parameters
    ----------
    grid : Grid
    rng : numpy.random.Generator
    cells : Cells

    Returns
    -------
    array of float32, ``(Z)YX``
        0 outside cells and in nuclei, up to 1 in some parts.
    """
    # Less than zero on average in the exponent, so that most of a cell is sparse.
    uneven = np.exp(smooth_field(grid, rng, cells.radius / 3) - np.float32(1.5))
    likely: FloatArray = edge(cells.depth, 3.0) * (1 - cells.nuclei) * uneven
    return np.minimum(likely, 1)


def cytoplasm(grid: Grid, rng: np.random.Generator, cells: Cells) -> FloatArray:
    """The diffuse stain: thicker and so brighter towards the nucleus, which may be spared.

    Parameters
    ----------
    grid : Grid
    rng : numpy.random.Generator
    cells : Cells

    Returns
    -------
    array of float32, ``(Z)YX``
        Up to 0.03 to 0.25 of what structures drawn with intensity 1 have.
    """
    # A spherical cap seen from above, in units of its height.
    thickness = np.sqrt(np.clip(np.float32(1.05) - cells.distance, 0, 1))
    grain = np.maximum(1 + np.float32(0.15) * fractal(grid, rng, 12), 0)
    spared = 1 + amount(rng, -0.8, 0.5) * cells.nuclei
    stain: FloatArray = thickness * edge(cells.depth, 2.0) * grain * spared
    return stain * amount(rng, 0.03, 0.25)


def ellipse(
    grid: Grid,
    window: tuple[slice, ...],
    centre: Points,
    along: Points,
    *,
    size: float,
    ratio: float,
) -> FloatArray:
    """Distance from an ellipsoid's centre: 1 on its surface.

    Parameters
    ----------
    grid : Grid
    window : tuple of slice
        The samples that are asked for.
    centre : array of shape (axes,)
        In lateral pixels.
    along : array of shape (axes,)
        Unit vector along its longest axis.
    size : float
        Half its width, in lateral pixels.
    ratio : float
        Its length over its width.

    Returns
    -------
    array of float32, ``(Z)YX``
        Of the window's shape.
    """
    rest = [
        place - np.float32(c) for place, c in zip(grid.coordinates(window), centre, strict=True)
    ]
    projection = sum(r * np.float32(a) for r, a in zip(rest, along, strict=True))
    # |r|² less what the longer axis takes off the part along it: no coordinates have to be turned.
    square: Any = sum(r * r for r in rest) + projection**2 * np.float32(1 / ratio**2 - 1)
    return np.asarray(np.sqrt(np.maximum(square, 0)) / np.float32(size), np.float32)


def edge(depth: npt.NDArray[Any], softness: float) -> FloatArray:
    """A soft step from 0 to 1 where `depth` passes through zero.

    Parameters
    ----------
    depth : array
        Positive inside.
    softness : float
        In the units of `depth`: the step is 0.76 high within one of it to either side.

    Returns
    -------
    array of float32
    """
    return np.asarray(0.5 + 0.5 * np.tanh(depth / softness), np.float32)


def flat_directions(rng: np.random.Generator, places: Points) -> Points:
    """A random unit vector per place, in the plane of the cover slip.

    Parameters
    ----------
    rng : numpy.random.Generator
    places : Points
        Only their number and axes count.

    Returns
    -------
    Points
    """
    angle = rng.uniform(0, np.pi, len(places))
    directions = np.zeros_like(places)
    directions[:, -2], directions[:, -1] = np.sin(angle), np.cos(angle)
    return directions


def tilted(rng: np.random.Generator, directions: Points, spread: npt.ArrayLike) -> Points:
    """Unit vectors around others.

    Parameters
    ----------
    rng : numpy.random.Generator
    directions : Points
        Unit vectors.
    spread : float or array of shape (n,)
        Of all or of each, in about radians.

    Returns
    -------
    Points
    """
    # Cells on glass are flat, and so is what runs in them.
    flat = np.array([0.3, 1.0, 1.0])[-directions.shape[1] :]
    amount = np.broadcast_to(np.asarray(spread, float), len(directions))[:, np.newaxis]
    result: Points = directions + amount * flat * rng.standard_normal(directions.shape)
    result /= np.linalg.norm(result, axis=1, keepdims=True)
    return result


def amount(rng: np.random.Generator, low: float, high: float) -> np.float32:
    """A random number that does not turn float32 images into double precision."""
    return np.float32(rng.uniform(low, high))


def lognormal(rng: np.random.Generator, n: int, spread: float) -> Points:
    """Brightnesses around 1, none so bright that it would set the range alone."""
    # Brightness of labelled structures is skewed: most are dim, a few are not.
    return np.minimum(rng.lognormal(0, spread, n), 4.0)
