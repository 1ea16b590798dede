"""BM3D and BM4D: the blocks they find, their transforms, and how good they are."""

from itertools import product

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError
from napari_denoise.core.progress import run
from napari_denoise.filters import BM3D, BM4D
from napari_denoise.filters.block_matching import find_similar_job
from napari_denoise.filters.collaborative import _block_transform, _haar
from napari_denoise.metrics import psnr


def run_filter(denoiser, image):
    axes = "ZYX"[-image.ndim :]
    return run(denoise_job(denoiser, image, Layout(axes, axes))).image.pixels


@pytest.fixture(scope="module")
def camera():
    """A piece of scikit-image's camera image, and the same with noise of sigma 25."""
    clean = data.camera()[160:288, 160:288].astype(np.float64)
    return clean, clean + np.random.default_rng(0).normal(0, 25, clean.shape)


@pytest.mark.parametrize(("stages", "published_db"), [("both", 30.447), ("first", 29.846)])
def test_bm3d_is_as_good_as_the_published_implementation(stages, published_db, camera):
    clean, noisy = camera
    result = run_filter(BM3D(noise_sigma=25, stages=stages), noisy)
    assert psnr(clean, result, data_range=255) > published_db - 0.1


@pytest.fixture(scope="module")
def cells():
    """A volume of bright bodies and spots, and the same with noise of sigma 25."""
    rng = np.random.default_rng(0)
    bodies = ndimage.gaussian_filter(rng.normal(size=(32, 48, 48)), (1.5, 3, 3))
    spots = ndimage.gaussian_filter(rng.normal(size=bodies.shape), (1, 1.5, 1.5))
    bright = np.where(bodies > 0.5 * bodies.std(), 180.0, 20.0)
    clean = ndimage.gaussian_filter(bright + np.where(spots > 1.8 * spots.std(), 60, 0), 0.6)
    return clean, clean + np.random.default_rng(1).normal(0, 25, clean.shape)


@pytest.mark.parametrize(("stages", "published_db"), [("both", 28.856), ("first", 28.401)])
def test_bm4d_is_as_good_as_the_published_implementation(stages, published_db, cells):
    clean, noisy = cells
    result = run_filter(BM4D(noise_sigma=25, stages=stages), noisy)
    assert psnr(clean, result, data_range=255) > published_db - 0.1


def test_a_volume_is_denoised_better_as_a_whole_than_plane_by_plane(cells):
    clean, noisy = cells
    whole = run_filter(BM4D(noise_sigma=25), noisy)
    planes = run(denoise_job(BM3D(noise_sigma=25), noisy, Layout("ZYX"))).image.pixels
    assert psnr(clean, whole, data_range=255) > psnr(clean, planes, data_range=255) + 1


def distances_by_loop(image, block, reference, radius):
    """Distance from the block at `reference` to each in reach, by where that one begins."""
    n_places = [size - block + 1 for size in image.shape]
    centre = np.unravel_index(reference, image.shape)

    def block_at(corner):
        return image[tuple(slice(c, c + block) for c in corner)].astype(np.float64)

    reach = [
        range(max(c - radius, 0), min(c + radius + 1, n))
        for c, n in zip(centre, n_places, strict=True)
    ]
    return {
        np.ravel_multi_index(corner, image.shape): np.square(
            block_at(corner) - block_at(centre)
        ).sum()
        for corner in product(*reach)
    }


@pytest.mark.parametrize("shape", [(14, 17), (20, 11), (5, 23), (9, 8, 13), (5, 12, 5)])
@pytest.mark.parametrize("radius", [2, 7])
def test_the_most_similar_blocks_are_found(shape, radius, rng):
    image = rng.normal(size=shape).astype(np.float32)
    stacks = run(find_similar_job(image, block=5, step=3, radius=radius, n_similar=4))
    grid = tuple(slice(0, size - 4, 3) for size in shape)
    references = np.arange(image.size).reshape(shape)[grid].ravel()
    np.testing.assert_array_equal(stacks[:, 0], references)
    for stack in stacks:
        assert len(set(stack)) == len(stack)
        distances = distances_by_loop(image, 5, stack[0], radius)
        found = [distances[place] for place in stack]
        np.testing.assert_allclose(found, sorted(distances.values())[: len(stack)], rtol=0.01)


@pytest.mark.parametrize(("shape", "n_members"), [((8, 8), 1), ((8, 9), 2), ((9, 12), 4)])
def test_a_stack_is_no_larger_than_what_is_in_reach(shape, n_members, rng):
    image = rng.normal(size=shape).astype(np.float32)
    job = find_similar_job(image, block=8, step=3, radius=2, n_similar=16)
    assert run(job).shape[1] == n_members


@pytest.mark.parametrize("kind", ["dct", "bior1.5"])
@pytest.mark.parametrize(("block", "n_spatial"), [(8, 2), (4, 3)])
def test_block_transforms_keep_the_noise_level_and_can_be_undone(kind, block, n_spatial):
    transform = _block_transform(kind, block, n_spatial).astype(np.float64)
    assert transform.shape == (block**n_spatial,) * 2
    np.testing.assert_allclose(np.linalg.norm(transform, axis=1), 1, atol=1e-6)
    assert np.linalg.cond(transform) < 20


@pytest.mark.parametrize("size", [1, 2, 8, 16])
def test_the_haar_transform_is_orthonormal(size):
    np.testing.assert_allclose(_haar(size) @ _haar(size).T, np.eye(size), atol=1e-6)


@pytest.mark.parametrize(("kind", "core"), [(BM3D, (60, 60)), (BM4D, (15, 24, 24))])
def test_tiles_leave_no_seam(kind, core, camera, cells):
    _, noisy = camera if kind is BM3D else cells

    class Small(kind):
        def tile_size(self, extents):
            return core

    given = {"noise_sigma": 25, "search_radius": 10 if kind is BM3D else 4}
    difference = run_filter(Small(**given), noisy) - run_filter(kind(**given), noisy)
    assert np.sqrt(np.mean(np.square(difference))) < 0.02 * 25


@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 30), (8, 8), (9, 10), (23, 41), (1, 1, 1), (2, 9, 5), (12, 17, 4)]
)
def test_an_image_of_any_size_comes_back_in_its_shape(shape, rng):
    image = 1000 + rng.normal(size=shape)
    kind = BM3D if len(shape) == 2 else BM4D
    result = run_filter(kind(noise_sigma=1, search_radius=4), image)
    assert result.mean() == pytest.approx(1000, abs=1)
    assert result.std() <= image.std() + 1e-3


@pytest.mark.parametrize("kind", [BM3D, BM4D])
def test_the_unit_of_the_image_does_not_matter(kind, camera, cells):
    noisy = camera[1][:48, :48] if kind is BM3D else cells[1][:12, :20, :20]
    denoiser = kind(search_radius=5)
    result = run_filter(denoiser, noisy)
    np.testing.assert_allclose(run_filter(denoiser, noisy * 8 + 4096), result * 8 + 4096, rtol=1e-3)


def test_a_volume_is_refused_with_what_to_do():
    with pytest.raises(AxesError, match="Choose YX, which takes a stack plane by plane, or BM4D"):
        next(denoise_job(BM3D(), np.ones((9, 9, 9)), Layout("ZYX", "ZYX")))


def test_planes_are_refused_with_what_to_do():
    with pytest.raises(AxesError, match=r"BM4D denoises volumes, but YX was chosen .* or BM3D"):
        next(denoise_job(BM4D(), np.ones((9, 9)), Layout("YX")))


def test_a_film_can_be_denoised_with_time_as_depth(cells):
    clean, noisy = cells
    film = run(denoise_job(BM4D(noise_sigma=25), noisy[:12], Layout("TYX", "TYX"))).image.pixels
    assert np.square(film - clean[:12]).mean() < 0.25 * 25**2


@pytest.mark.parametrize("kind", [BM3D, BM4D])
def test_it_can_be_cancelled_in_either_stage(kind, camera, cells):
    noisy = camera[1][:64, :64] if kind is BM3D else cells[1][:12, :20, :20]
    tile = noisy[np.newaxis].astype(np.float32)
    for fraction in (0.1, 0.7):
        job = kind(search_radius=5).denoise_tile(tile)
        while next(job).fraction < fraction:
            pass
        job.close()
        with pytest.raises(StopIteration):
            next(job)
