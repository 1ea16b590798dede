"""What is fluorescent in a scene: each kind of structure as a drawing, before any optics.

All take a grid and a random generator and return float32 intensities ``(Z)YX`` of at least zero,
on a scale of their own. Sizes are drawn anew for each scene, so that a set of scenes spans
magnifications.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_denoise.core.dtype import FloatArray
from napari_denoise.data.synthetic.cells import (
    Cells,
    amount,
    crowding,
    cytoplasm,
    edge,
    ellipse,
    flat_directions,
    lognormal,
    spread_cells,
    tilted,
)
from napari_denoise.data.synthetic.fields import (
    Grid,
    Points,
    blur,
    fractal,
    scatter,
    smooth_field,
    splat,
)

__all__ = ["filaments", "membranes", "mitochondria", "nuclei", "puncta", "tissue", "vesicles"]


def nuclei(grid: Grid, rng: np.random.Generator) -> FloatArray:
    """Stained nuclei with chromatin and nucleoli, some of them out of focus."""
    radius = rng.uniform(9, 26)
    centres = scatter(grid, rng, rng.uniform(2.5, 5) * radius, margin=radius)
    return _draw_nuclei(grid, rng, centres, radius)


def _draw_nuclei(
    grid: Grid, rng: np.random.Generator, centres: Points, radius: float
) -> FloatArray:
    texture = _chromatin(grid, rng, radius)
    wobble = 1 + np.float32(0.06) * smooth_field(grid, rng, radius)
    sharp, soft = np.zeros((2, *grid.shape), np.float32)
    # In a plane of a tissue up to a third of the nuclei lie above or below it.
    n_out_of_focus = int(len(centres) * rng.uniform(0, 0.35))
    strengths = lognormal(rng, len(centres), 0.35)
    directions = flat_directions(rng, centres)
    for number, (centre, along) in enumerate(zip(centres, directions, strict=True)):
        size = radius * rng.uniform(0.75, 1.15)
        window = grid.window(centre, 2 * size)
        outline = ellipse(grid, window, centre, along, size=size, ratio=rng.uniform(1, 1.6))
        body = edge((1 - outline * wobble[window]) * size, 1.0) * texture[window]
        for hole in centre + rng.uniform(-0.5, 0.5, (rng.integers(1, 4), len(centre))) * size:
            width = size * rng.uniform(0.12, 0.25)
            nucleolus = ellipse(grid, window, hole, along, size=width, ratio=1)
            body *= 1 - np.float32(0.5) * np.exp(-(nucleolus**2))
        image = soft if number < n_out_of_focus else sharp
        # The brighter one where nuclei overlap, or their sum would outshine everything.
        image[window] = np.maximum(image[window], np.float32(strengths[number]) * body)
    sharp += np.float32(0.6) * blur(grid, soft, radius / 5)
    return np.asarray(sharp)


def _chromatin(grid: Grid, rng: np.random.Generator, radius: float) -> FloatArray:
    contrast = amount(rng, 0.1, 0.35)
    texture = np.float32(0.75) + contrast * fractal(grid, rng, radius / 2, roughness=0.9)
    # Heterochromatin: only the crests of a field, so a few dense clumps.
    dense = np.maximum(smooth_field(grid, rng, max(radius / 4, 1)) - 1, 0)
    return np.maximum(texture + amount(rng, 0, 0.7) * dense, np.float32(0.1))


def filaments(grid: Grid, rng: np.random.Generator) -> FloatArray:
    """Actin in spread cells: stress fibres along each cell, a bright rim, a fine mesh."""
    cells = spread_cells(grid, rng, rng.uniform(60, 150))
    start = _spread_out(grid, rng, rng.uniform(7, 13) if len(grid.shape) == 2 else 14)
    start = start[grid.at(cells.distance, start) < 1]
    # Stress fibres run along the cell; one in seven runs anywhere.
    spread = np.where(rng.random(len(start)) < 0.15, 1.0, rng.uniform(0.06, 0.25))
    heading = tilted(rng, cells.headings(grid, start), spread)
    n_steps = int(cells.radius * rng.uniform(0.3, 0.9))
    paths = _walk(rng, start, heading, n_steps, rng.uniform(0.001, 0.006))
    fibres = _draw_paths(grid, rng, paths, lognormal(rng, len(start), 0.9), cells)
    # Cortical actin: brightest a few pixels inside the border.
    rim = np.exp(-((cells.depth / amount(rng, 2, 4) - 1) ** 2))
    rim *= np.maximum(1 + smooth_field(grid, rng, 30), 0)
    mesh = np.maximum(0.25 + np.float32(0.12) * fractal(grid, rng, 16, roughness=0.8), 0)
    mesh *= edge(cells.depth, 2.0)
    image: FloatArray = fibres + amount(rng, 0.3, 1.5) * rim + amount(rng, 0.5, 2) * mesh
    return image * cells.strengths(rng)


def mitochondria(grid: Grid, rng: np.random.Generator) -> FloatArray:
    """Curved tubes, long or broken up, that crowd around a dim nucleus."""
    cells = spread_cells(grid, rng, rng.uniform(50, 120))
    start = _spread_out(grid, rng, rng.uniform(7, 11))
    distance = grid.at(cells.distance, start)
    # Outside the nucleus, and the sparser the farther from it.
    start = start[(distance > 0.36) & (rng.random(len(start)) < 1.3 - 1.3 * distance)]
    heading = tilted(rng, cells.headings(grid, start), rng.uniform(0.4, 2))
    paths = _walk(rng, start, heading, int(rng.uniform(6, 60)), rng.uniform(0.02, 0.07))
    lines = _draw_paths(grid, rng, paths, lognormal(rng, len(start), 0.3), cells)
    thick = blur(grid, lines, rng.uniform(0.8, 1.7))
    lit = thick[thick > 1e-3]
    # Where tubes cross they are hardly brighter than a single one.
    tubes = 1 - np.exp(-thick / np.float32(2 * lit.mean() if lit.size else 1))
    image: FloatArray = tubes * (1 - cells.nuclei) + np.float32(0.6) * cytoplasm(grid, rng, cells)
    return image * cells.strengths(rng)


def _walk(
    rng: np.random.Generator, start: Points, heading: Points, n_steps: int, wiggle: float
) -> Points:
    """Paths ``(steps, n, axes)`` of one lateral pixel per step that bend smoothly."""
    paths = np.empty((n_steps, *start.shape))
    flat = np.array([0.4, 1.0, 1.0])[-start.shape[1] :]
    place, turn = start.copy(), np.zeros_like(start)
    for step in range(n_steps):
        paths[step] = place
        # The turn is smoothed, not the heading: curves without kinks, as stiff polymers have them.
        turn = 0.9 * turn + wiggle * flat * rng.standard_normal(start.shape)
        heading = heading + turn
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        place = place + heading
    return paths


def _draw_paths(
    grid: Grid, rng: np.random.Generator, paths: Points, strength: Points, cells: Cells
) -> FloatArray:
    """Splat paths where they lie in the cell they began in, brighter and fainter on the way."""
    n_steps, n_paths, n_axes = paths.shape
    points = paths.reshape(-1, n_axes)
    # Filaments leave the plane at their ends rather than stop.
    taper = np.sqrt(np.sin(np.pi * (np.arange(n_steps) + 0.5) / n_steps))
    weights = np.outer(taper, strength).ravel()
    weights *= grid.at(edge(cells.depth - 0.03 * cells.radius, 2.0), points)
    weights *= grid.at(np.exp(np.float32(0.4) * smooth_field(grid, rng, 15)), points)
    # A path that has run into the next cell is not drawn there.
    owner = grid.at(cells.owner, points).reshape(n_steps, n_paths)
    return splat(grid, points, weights * (owner == grid.at(cells.owner, paths[0])).ravel())


def membranes(grid: Grid, rng: np.random.Generator) -> FloatArray:
    """A tissue of cells of which mostly the walls shine, with gaps such as vessels."""
    distance = rng.uniform(14, 45)
    seeds = scatter(grid, rng, distance, margin=2 * distance)
    gap, owner = _gap_to_second_nearest(grid, rng, seeds, distance)
    wall = np.exp(-((gap / amount(rng, 1.6, 4.4)) ** 2))
    wall *= np.exp(np.float32(0.5) * fractal(grid, rng, 3 * distance))
    inside = np.float32(0.08) * lognormal(rng, len(seeds), 0.5).astype(np.float32)[owner]
    opening = smooth_field(grid, rng, 4 * distance) + amount(rng, 0.5, 2)
    image: FloatArray = (wall + inside) * edge(opening, 0.15) + np.float32(0.02)
    return image


def _gap_to_second_nearest(
    grid: Grid, rng: np.random.Generator, seeds: Points, distance: float
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """How much farther the second nearest seed is in bent space, and which is nearest.

    In a volume, only every second row and column is worked out.
    """
    bend = np.float32(0.15 * distance)
    stride = 1 if len(grid.shape) == 2 else 2
    some = (..., slice(None, None, stride), slice(None, None, stride))
    # Voronoi cells of bent space have curved walls.
    places = [place + bend * fractal(grid, rng, distance) for place in grid.coordinates()]
    points = np.stack([place[some] for place in places], axis=-1)
    distances, nearest = cKDTree(seeds).query(points, k=2, workers=-1)
    # A small field of view may hold a single cell: then no wall is near.
    gap = np.minimum(distances[..., 1] - distances[..., 0], 2 * distance).astype(np.float32)
    owner = nearest[..., 0]
    if stride > 1:
        how = {"matrix": [1, 1 / stride, 1 / stride], "output_shape": grid.shape, "mode": "nearest"}
        gap = ndimage.affine_transform(gap, order=1, **how)
        owner = ndimage.affine_transform(owner, order=0, **how)
    return gap, owner


def puncta(grid: Grid, rng: np.random.Generator) -> FloatArray:
    """Spots at and above the resolution that crowd in places, in a faint cytoplasm."""
    cells = spread_cells(grid, rng, rng.uniform(40, 120))
    crowd = crowding(grid, rng, cells)
    image = cytoplasm(grid, rng, cells)
    # Three sizes; the larger ones are raised by what their blur lowers them, and a little more.
    for sigma, spacing in ((0.0, rng.uniform(5, 12)), (1.2, rng.uniform(9, 25)), (2.4, 40)):
        places = _spread_out(grid, rng, spacing)
        places = places[rng.random(len(places)) < grid.at(crowd, places)]
        spots = splat(grid, places, lognormal(rng, len(places), 0.7))
        image += np.float32(3 * (1 + 2 * sigma**2)) * blur(grid, spots, sigma)
    return image * cells.strengths(rng)


def vesicles(grid: Grid, rng: np.random.Generator) -> FloatArray:
    """Small shells, hollow where they are large enough, in a faint cytoplasm."""
    cells = spread_cells(grid, rng, rng.uniform(50, 130))
    largest, n_axes = rng.uniform(4, 11), len(grid.shape)
    centres = scatter(grid, rng, rng.uniform(1.4, 2.5) * largest)
    centres = centres[rng.random(len(centres)) < grid.at(crowding(grid, rng, cells), centres)]
    radii = largest * rng.uniform(0.2, 1, len(centres)) ** 2 + 0.5
    n_points = 8 + int(40 * largest)
    # Normal deviates, normalised, lie evenly on a sphere of any dimension (Muller 1959,
    # doi:10.1145/377939.377946).
    around = rng.standard_normal((n_points, len(centres), n_axes))
    around /= np.linalg.norm(around, axis=2, keepdims=True)
    shells = (centres + radii[:, np.newaxis] * around).reshape(-1, n_axes)
    # Light in proportion to the membrane's area, shared among the points.
    strength = lognormal(rng, len(centres), 0.5) * radii ** (n_axes - 1) / n_points
    image = np.float32(8) * splat(grid, shells, np.tile(strength, n_points))
    return (image + cytoplasm(grid, rng, cells)) * cells.strengths(rng)


def tissue(grid: Grid, rng: np.random.Generator) -> FloatArray:
    """Small nuclei and fibres in a haze with structure on all scales."""
    radius = rng.uniform(6, 14)
    centres = scatter(grid, rng, rng.uniform(3, 6) * radius, margin=radius)
    image = _draw_nuclei(grid, rng, centres, radius)
    start = _spread_out(grid, rng, 30)
    heading = tilted(rng, np.repeat(flat_directions(rng, start[:1]), len(start), 0), 0.3)
    paths = _walk(rng, start, heading, 120, 0.006)
    strength = np.tile(lognormal(rng, len(start), 0.7), len(paths))
    fibres = splat(grid, paths.reshape(-1, start.shape[1]), strength)
    haze = np.exp(np.float32(0.9) * fractal(grid, rng, 120, roughness=0.6, n_octaves=6))
    image += amount(rng, 0.05, 0.3) * fibres
    image += amount(rng, 0.05, 0.15) * haze
    return image


def _spread_out(grid: Grid, rng: np.random.Generator, spacing: float) -> Points:
    """Places spread evenly, on average one per `spacing` in each direction."""
    n = max(8, int(np.prod(np.maximum(grid.extent / spacing, 1.0))))
    places: Points = rng.random((n, len(grid.shape))) * grid.extent
    return places
