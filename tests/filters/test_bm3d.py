"""BM3D: the blocks it finds, its transforms, and how good it is."""

import numpy as np
import pytest
from skimage import data

from napari_denoise.axes import Layout
from napari_denoise.denoiser import denoise
from napari_denoise.errors import AxesError
from napari_denoise.filters import BM3D
from napari_denoise.filters.block_matching import find_similar
from napari_denoise.filters.bm3d import _block_transform, _haar
from napari_denoise.metrics import psnr
from napari_denoise.progress import run


def run_filter(denoiser, image):
    return run(denoise(denoiser, image, Layout("YX"))).image


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


def distances_by_loop(image, block, reference, radius):
    n_rows, n_columns = (size - block + 1 for size in image.shape)
    row, column = divmod(reference, n_columns)

    def block_at(y, x):
        return image[y : y + block, x : x + block].astype(np.float64)

    return {
        y * n_columns + x: np.square(block_at(y, x) - block_at(row, column)).sum()
        for y in range(max(row - radius, 0), min(row + radius + 1, n_rows))
        for x in range(max(column - radius, 0), min(column + radius + 1, n_columns))
    }


@pytest.mark.parametrize("shape", [(14, 17), (20, 11), (5, 23)])
@pytest.mark.parametrize("radius", [2, 7])
def test_the_most_similar_blocks_are_found(shape, radius, rng):
    image = rng.normal(size=shape).astype(np.float32)
    job = find_similar(image, block=5, step=3, radius=radius, n_similar=4)
    stacks = run(job)
    n_rows, n_columns = shape[0] - 4, shape[1] - 4
    references = np.arange(n_rows * n_columns).reshape(n_rows, n_columns)[::3, ::3].ravel()
    np.testing.assert_array_equal(stacks[0], references)
    for stack in stacks.T:
        assert len(set(stack)) == len(stack)
        distances = distances_by_loop(image, 5, stack[0], radius)
        found = [distances[place] for place in stack]
        np.testing.assert_allclose(found, sorted(distances.values())[: len(stack)], rtol=0.01)


@pytest.mark.parametrize(("shape", "n_members"), [((8, 8), 1), ((8, 9), 2), ((9, 12), 4)])
def test_a_stack_is_no_larger_than_what_is_in_reach(shape, n_members, rng):
    image = rng.normal(size=shape).astype(np.float32)
    job = find_similar(image, block=8, step=3, radius=2, n_similar=16)
    assert len(run(job)) == n_members


@pytest.mark.parametrize("kind", ["dct", "bior1.5"])
def test_block_transforms_keep_the_noise_level_and_can_be_undone(kind):
    transform = _block_transform(kind).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(transform, axis=1), 1, atol=1e-6)
    assert np.linalg.cond(transform) < 20


@pytest.mark.parametrize("size", [1, 2, 8, 16])
def test_the_haar_transform_is_orthonormal(size):
    np.testing.assert_allclose(_haar(size) @ _haar(size).T, np.eye(size), atol=1e-6)


def test_tiles_leave_no_seam(camera):
    _, noisy = camera

    class Small(BM3D):
        def tile_size(self, n_spatial):
            return (60, 60)

    given = {"noise_sigma": 25, "search_radius": 10}
    difference = run_filter(Small(**given), noisy) - run_filter(BM3D(**given), noisy)
    assert np.sqrt(np.mean(np.square(difference))) < 0.02 * 25


@pytest.mark.parametrize("shape", [(1, 1), (3, 30), (8, 8), (9, 10), (23, 41)])
def test_an_image_of_any_size_comes_back_in_its_shape(shape, rng):
    image = 1000 + rng.normal(size=shape)
    result = run_filter(BM3D(noise_sigma=1, search_radius=4), image)
    assert result.mean() == pytest.approx(1000, abs=1)
    assert result.std() <= image.std() + 1e-3


def test_the_unit_of_the_image_does_not_matter(camera):
    noisy = camera[1][:48, :48]
    bm3d = BM3D(search_radius=5)
    result = run_filter(bm3d, noisy)
    np.testing.assert_allclose(run_filter(bm3d, noisy * 8 + 4096), result * 8 + 4096, rtol=1e-3)


def test_a_volume_is_refused_with_what_to_do():
    with pytest.raises(AxesError, match="Choose YX, which takes a stack plane by plane"):
        next(denoise(BM3D(), np.ones((9, 9, 9)), Layout("ZYX", "ZYX")))


def test_bm3d_can_be_cancelled_in_either_stage(camera):
    tile = camera[1][np.newaxis, :64, :64].astype(np.float32)
    for fraction in (0.1, 0.7):
        job = BM3D(search_radius=5).denoise_tile(tile)
        while next(job).fraction < fraction:
            pass
        job.close()
