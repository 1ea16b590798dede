"""Tiles: each pixel once, and never a seam."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_denoise.core.tiling import halves, tiles


@st.composite
def geometries(draw):
    n_axes = draw(st.integers(1, 3))

    def sizes(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(n_axes))

    return sizes(1, 40), sizes(1, 50), sizes(0, 9), tuple(2**p for p in sizes(0, 3))


@given(geometries())
def test_tiles_cover_every_pixel_once_and_crop_to_their_core(geometry):
    shape, core, halo, alignment = geometry
    covered = np.zeros(shape, int)
    image = np.arange(covered.size).reshape(shape)
    for tile in tiles(shape, core, halo, alignment):
        covered[tile.target] += 1
        np.testing.assert_array_equal(image[tile.source][tile.crop], image[tile.target])
    assert (covered == 1).all()


@given(geometries())
def test_each_tile_reads_its_halo_and_starts_where_pooling_may(geometry):
    shape, core, halo, alignment = geometry
    for tile in tiles(shape, core, halo, alignment):
        for axis, (source, target) in enumerate(zip(tile.source, tile.target, strict=True)):
            assert source.start % alignment[axis] == 0
            assert source.start == 0 or target.start - source.start >= halo[axis]
            assert source.stop == shape[axis] or source.stop - target.stop >= halo[axis]


def test_cores_are_evened_out():
    (first, second) = tiles((1030,), (1024,), (0,), (1,))
    assert first.target[0].stop == 515
    assert second.target == (slice(515, 1030),)


@settings(deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    core=st.integers(4, 40),
    halo=st.integers(0, 9),
    step=st.sampled_from([1, 2, 4]),
)
def test_the_halves_of_a_tile_read_within_it_and_write_what_it_writes(size, core, halo, step):
    n = len(size)
    grid = (size, (core,) * n, (halo,) * n, (step,) * n)
    for tile in tiles(*grid):
        parts = halves(tile, size, grid[2], grid[3])
        assert parts or all(span.stop - span.start <= step for span in tile.target)
        written = np.zeros(size, int)
        for part in parts:
            written[part.target] += 1
            read = np.zeros(size, bool)
            read[tile.source] = True
            assert read[part.source].all()
            assert all(span.start % step == 0 for span in part.source)
            assert shape_of(part.crop) == shape_of(part.target)
        assert not parts or (written[tile.target] == 1).all()
        assert not parts or written.sum() == written[tile.target].sum()


def shape_of(window):
    return [span.stop - span.start for span in window]
