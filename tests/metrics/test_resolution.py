"""Fourier correlation: resolution in µm from two exposures, and from one."""

import math

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.errors import InputError, SettingsError
from napari_denoise.core.progress import run
from napari_denoise.metrics import fourier_correlation_job, split_fourier_correlation_job


def _scene(shape, sigma, rng):
    """Random points seen through a Gaussian point-spread function; its mean is one."""
    points = rng.poisson(0.01, shape).astype(float)
    blurred = ndimage.gaussian_filter(points, sigma, mode="wrap")
    return blurred / blurred.mean()


@pytest.fixture
def exposures(rng):
    photons = 50 * _scene((256, 256), 2.5, rng)
    return rng.poisson(photons), rng.poisson(photons)


def test_correlation_is_the_textbook_sum_over_rings(rng):
    first, second = rng.normal(size=(2, 64, 64)) + _scene((64, 64), 2, rng)
    result = run(fourier_correlation_job(first, second, pixel_size_um=1))
    window = np.outer(np.hanning(66)[1:-1], np.hanning(66)[1:-1])
    one, other = (np.fft.fft2((image - image.mean()) * window) for image in (first, second))
    ring = np.rint(64 * np.hypot(*np.meshgrid(*[np.fft.fftfreq(64)] * 2, indexing="ij")))
    expected = [
        np.sum(one * other.conj(), where=ring == r).real
        / math.sqrt(
            np.sum(abs(one) ** 2, where=ring == r) * np.sum(abs(other) ** 2, where=ring == r)
        )
        for r in range(1, 33)
    ]
    smooth = np.convolve(expected, np.full(5, 0.2), "valid")
    np.testing.assert_allclose(result.correlation[2:-2], smooth, atol=1e-9)
    np.testing.assert_allclose(result.frequency_per_um, np.arange(1, 33) / 64)


def test_resolution_is_where_theory_puts_it(exposures):
    # Signal over noise is 50 photons times the spectrum of points, exp(-(2 pi f sigma)²), whose
    # weight at low frequencies is the variance per mean of the points: 1 / 0.01.
    result = run(fourier_correlation_job(*exposures, pixel_size_um=0.1))
    ratio = (1 / 7) / (1 - 1 / 7)
    frequency = math.sqrt(math.log(50 * 100 / ratio)) / (2 * math.pi * 2.5)
    assert result.resolution_um == pytest.approx(0.1 / frequency, rel=0.06)
    assert result.limit_um == pytest.approx(0.2, rel=0.02)


def test_one_image_gives_the_resolution_of_two(exposures):
    two = run(fourier_correlation_job(*exposures, pixel_size_um=0.1))
    for image in exposures:
        one = run(split_fourier_correlation_job(image, pixel_size_um=0.1))
        assert one.resolution_um == pytest.approx(two.resolution_um, rel=0.1)
        assert one.limit_um == pytest.approx(0.4, rel=0.03)


def test_the_halves_of_a_noiseless_image_agree_although_they_are_shifted(rng):
    smooth = _scene((128, 128), 3, rng)
    result = run(split_fourier_correlation_job(smooth, pixel_size_um=1))
    below_cutoff = np.array(result.frequency_per_um) < 0.15
    assert min(np.array(result.correlation)[below_cutoff]) > 0.99


def test_pixel_size_scales_the_result(exposures):
    micrometres = run(fourier_correlation_job(*exposures, pixel_size_um=0.1))
    millimetres = run(fourier_correlation_job(*exposures, pixel_size_um=(100, 100)))
    assert millimetres.resolution_um == pytest.approx(1000 * micrometres.resolution_um)
    assert millimetres.correlation == pytest.approx(micrometres.correlation)


def test_fewer_photons_give_a_coarser_resolution(rng):
    scene = _scene((256, 256), 2.0, rng)
    resolutions = [
        run(
            fourier_correlation_job(
                rng.poisson(photons * scene), rng.poisson(photons * scene), pixel_size_um=1
            )
        ).resolution_um
        for photons in (200, 10, 1)
    ]
    assert resolutions == sorted(resolutions)


def test_volumes_of_anisotropic_voxels_have_shells(rng):
    photons = 20 * _scene((24, 128, 128), (1, 2.5, 2.5), rng)
    first, second = rng.poisson(photons), rng.poisson(photons)
    sizes = (0.25, 0.1, 0.1)
    two = run(fourier_correlation_job(first, second, pixel_size_um=sizes))
    one = run(split_fourier_correlation_job(first[:, :127], pixel_size_um=sizes))
    assert 0.4 < two.resolution_um < 0.9
    assert one.resolution_um == pytest.approx(two.resolution_um, rel=0.1)


def test_many_planes_are_correlated_ring_by_ring_and_read_one_at_a_time(exposures):
    first, second = (image.reshape(4, 64, 256) for image in exposures)
    lazy = [da.from_array(image, chunks=(1, 64, 256)) for image in (first, second)]
    together = run(fourier_correlation_job(*lazy, pixel_size_um=0.1, n_spatial=2))
    each = [
        run(fourier_correlation_job(a, b, pixel_size_um=0.1)).resolution_um
        for a, b in zip(first, second, strict=True)
    ]
    assert min(each) <= together.resolution_um <= max(each)
    alone = run(split_fourier_correlation_job(lazy[0], pixel_size_um=0.1, n_spatial=2))
    assert alone.resolution_um == pytest.approx(together.resolution_um, rel=0.15)
    repeated = run(
        fourier_correlation_job([first[0]] * 3, [second[0]] * 3, pixel_size_um=0.1, n_spatial=2)
    )
    assert repeated.resolution_um == pytest.approx(each[0])


def test_equal_images_are_finer_than_can_be_told(rng):
    image = rng.normal(size=(64, 64))
    assert math.isnan(run(fourier_correlation_job(image, image, pixel_size_um=1)).resolution_um)


def test_opposite_or_constant_images_resolve_nothing(rng):
    image = rng.normal(size=(64, 80))
    assert run(fourier_correlation_job(image, -image, pixel_size_um=1)).resolution_um == math.inf
    odd = image[:, :77]
    assert run(fourier_correlation_job(odd, -odd, pixel_size_um=1)).resolution_um == math.inf
    flat = np.ones((64, 64))
    assert run(split_fourier_correlation_job(flat, pixel_size_um=1)).resolution_um == math.inf


@pytest.mark.parametrize(
    ("shape", "size", "error", "says"),
    [
        ((8, 200), 1, InputError, "8 × 200 pixels; at least 16 × 16"),
        ((2, 2, 32, 32), 1, InputError, "4 axes. Choose one plane"),
        ((32, 32), 0, SettingsError, "A pixel size of 0 µm"),
        ((32, 32), (1, 1, 1), SettingsError, "for 2 axes"),
        ((32, 32), math.nan, SettingsError, "nan"),
    ],
)
def test_what_has_no_resolution_is_refused_in_words(shape, size, error, says):
    with pytest.raises(error, match=says):
        run(split_fourier_correlation_job(np.zeros(shape), pixel_size_um=size))
    with pytest.raises(error, match=says):
        run(fourier_correlation_job(np.zeros(shape), np.zeros(shape), pixel_size_um=size))


def test_real_repeats_resolve_what_a_confocal_microscope_does(real_data):
    folder = real_data / "fmd_repeats" / "Confocal_BPAE_B"
    first, second, third, fourth = (iio.imread(folder / f"noisy_{i}.png") for i in (1, 2, 3, 4))
    pairs = [(first, second), (third, fourth)]
    found = [run(fourier_correlation_job(*pair, pixel_size_um=1)).resolution_um for pair in pairs]
    assert all(2.5 < resolution < 4 for resolution in found)  # in pixels
