"""Simulated noise: the right statistics, the same seed the same noise, never a wrap-around."""

import dask.array as da
import numpy as np
import pytest

from napari_denoise.errors import InputError
from napari_denoise.noise import GaussianNoise, PoissonNoise, add_noise
from napari_denoise.progress import run


def simulate(noise, image, seed=1, **more):
    return run(add_noise(noise, image, rng=np.random.default_rng(seed), **more))


def test_poisson_variance_follows_the_photon_count():
    clean = np.full((400, 400), 1000.0)
    noisy = simulate(PoissonNoise(photons=25), clean).image
    assert noisy.mean() == pytest.approx(1000, rel=0.005)
    # 25 photons of 40 DN each: variance 25 x 40^2.
    assert noisy.var() == pytest.approx(25 * 40**2, rel=0.03)


def test_the_peak_of_the_whole_stack_sets_the_photons_of_every_plane():
    stack = np.stack([np.full((300, 300), 100.0), np.full((300, 300), 1000.0)])
    noisy = simulate(PoissonNoise(photons=100), stack).image
    assert (noisy[0] / 10).var() == pytest.approx(10, rel=0.05)
    assert (noisy[1] / 10).var() == pytest.approx(100, rel=0.05)


def test_gaussian_noise_has_the_sigma_asked_for():
    noisy = simulate(GaussianNoise(sigma=7), np.full((400, 400), 50.0)).image
    assert noisy.std() == pytest.approx(7, rel=0.01)
    assert noisy.mean() == pytest.approx(50, abs=0.1)


def test_integer_images_saturate_and_never_wrap():
    clean = np.array([[0, 128, 255]] * 500, np.uint8)
    result = simulate(GaussianNoise(sigma=20), clean)
    noisy = result.image.astype(int)
    assert result.image.dtype == np.uint8
    assert np.abs(noisy - clean).max() < 128
    assert 400 < result.n_clipped < 600


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64", "bool"])
def test_any_dtype_comes_back_as_it_went_in(dtype):
    clean = np.ones((5, 6), dtype)
    assert simulate(PoissonNoise(photons=3), clean).image.dtype == dtype
    assert simulate(GaussianNoise(sigma=1), clean, dtype="float32").image.dtype == np.float32


@pytest.mark.parametrize("noise", [PoissonNoise(), GaussianNoise()])
def test_the_seed_alone_decides_also_for_lazy_images(noise):
    clean = np.random.default_rng(0).integers(0, 99, (2, 3, 8, 8)).astype(np.uint16)
    first = simulate(noise, clean).image
    np.testing.assert_array_equal(first, simulate(noise, da.from_array(clean, chunks=3)).image)
    assert (first != simulate(noise, clean, seed=2).image).any()


@pytest.mark.parametrize(
    ("noise", "image", "says"),
    [
        (PoissonNoise(), np.array([[-1.0, 5.0]]), "negative intensities"),
        (PoissonNoise(), np.zeros((2, 2)), "zero everywhere"),
        (PoissonNoise(), np.full((2, 2), np.nan), "NaN"),
        (GaussianNoise(), np.zeros((0, 2)), "empty"),
    ],
)
def test_an_image_that_cannot_have_such_noise_is_refused(noise, image, says):
    with pytest.raises(InputError, match=says):
        simulate(noise, image)


def test_progress_rises_to_one_and_cancel_ends_the_job():
    seen = []
    run(add_noise(PoissonNoise(), np.ones((4, 8, 8)), rng=np.random.default_rng(0)), seen.append)
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    job = add_noise(GaussianNoise(), np.ones((4, 8, 8)), rng=np.random.default_rng(0))
    next(job)
    job.close()
    with pytest.raises(StopIteration):
        next(job)
