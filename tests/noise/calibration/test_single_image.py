"""Calibration: gain, offset and read noise out of a single image, and when not to trust them."""

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.core.progress import run
from napari_denoise.noise import Calibration, add_noise_job, calibrate_job


def measure(image, axes="YX", **more):
    return run(calibrate_job(image, axes, **more))


def staircase(size=256):
    """Sixteen flat squares from dark to bright, in disorder; 0 to 1."""
    levels = np.random.default_rng(5).permutation(np.linspace(0, 1, 16)).reshape(4, 4)
    return np.kron(levels, np.ones((size // 4, size // 4)))


def blobs(size=256):
    """Smooth round spots on a dark ground; 0 to 1."""
    points = np.random.default_rng(6).random((size, size)) > 0.999
    image = ndimage.gaussian_filter(points.astype(float), 6)
    return image / image.max()


def record(electrons, *, gain, offset=0.0, read_noise=0.0, seed=1):
    rng = np.random.default_rng(seed)
    counted = gain * rng.poisson(electrons)
    return counted + offset + rng.normal(0, read_noise, np.shape(electrons))


@pytest.mark.parametrize(
    ("gain", "offset", "read_noise", "electrons"),
    [
        (0.5, 100, 3, 2000),
        (0.5, 0, 0, 200),
        (2, 500, 3, 100),
        (5, 100, 10, 30),
        (5, 0, 10, 200),
        (20, 500, 0, 5),
        (50, 500, 10, 200),
    ],
)
@pytest.mark.parametrize("scene", [staircase, blobs])
def test_a_simulated_camera_is_found_again(scene, gain, offset, read_noise, electrons):
    clean = scene(320) * electrons
    noisy = record(clean, gain=gain, offset=offset, read_noise=read_noise)
    found = measure(noisy)
    assert found.gain == pytest.approx(gain, rel=0.1)
    assert abs(found.offset - offset) < 0.05 * gain * electrons
    assert found.gain_interval[0] < found.gain < found.gain_interval[1]
    variance = found.variance(gain * clean + offset).mean()
    assert variance == pytest.approx((gain**2 * clean + read_noise**2).mean(), rel=0.1)
    assert abs(found.correlation) < 0.1
    assert found.reliable, found.advice


def test_skewness_tells_read_noise_from_light():
    found = measure(record(staircase() * 200, gain=2, offset=100, read_noise=16))
    assert found.offset == pytest.approx(100, abs=12)
    assert found.read_noise == pytest.approx(16, abs=2)
    assert found.read_noise_interval[0] <= found.read_noise <= found.read_noise_interval[1]
    assert found.offset_interval[0] <= found.offset <= found.offset_interval[1]


def test_bright_images_without_a_dark_part_keep_their_light():
    found = measure(record(200 + 1800 * staircase(), gain=2, offset=100))
    assert found.offset == pytest.approx(100, abs=100)


def grains(density, electrons):
    """Spots as small as a microscope can draw them, strewn over the plane."""
    points = np.random.default_rng(3).random((384, 384)) < density
    return electrons * ndimage.gaussian_filter(points.astype(float), 1.5) / 0.07


def test_fine_structure_is_not_taken_for_noise():
    clean = grains(0.005, 5) + 20 * blobs(384)
    found = measure(record(clean, gain=4, offset=50))
    assert found.gain == pytest.approx(4, rel=0.2)


def test_structure_that_leaves_no_flat_place_is_admitted():
    found = measure(record(grains(0.02, 20), gain=4, offset=50))
    assert not found.reliable


def test_whole_stacks_are_measured_and_the_units_of_the_image_kept():
    clean = np.stack([staircase() * level for level in (5, 20, 40)])
    noisy = record(clean, gain=3, offset=20)
    found = measure(noisy, "TYX")
    assert found.gain == pytest.approx(3, rel=0.05)
    scaled = measure(noisy / 1e4, "TYX")
    assert scaled.gain * 1e4 == pytest.approx(found.gain, rel=0.02)
    assert scaled.offset * 1e4 == pytest.approx(found.offset, abs=1)


def test_one_channel_of_several_is_chosen_lazily():
    clean = staircase() * 50
    noisy = np.stack([record(clean, gain=2), record(clean, gain=8)]).astype(np.float32)
    lazy = da.from_array(noisy, chunks=(1, 128, 128))
    assert measure(lazy, "CYX", channel=1).gain == pytest.approx(8, rel=0.1)
    assert measure(noisy[:1], "CYX").gain == pytest.approx(2, rel=0.1)
    with pytest.raises(InputError, match="2 channels, each with a gain of its own"):
        measure(lazy, "CYX")
    with pytest.raises(InputError, match="no channel 2"):
        measure(lazy, "CYX", channel=2)


def test_a_large_stack_is_read_in_part_only():
    read = []

    class Watched:
        shape, dtype = (400, 600, 600), np.dtype(np.uint16)

        def __getitem__(self, index):
            read.append(index)
            return np.random.default_rng(len(read)).poisson(20, (300, 300)).astype(np.uint16)

    measure(Watched(), "TYX")
    assert 40 < len(read) < 160
    planes = [index[0] for index in read]
    assert max(planes) - min(planes) > 350


def test_noise_without_photons_has_no_gain():
    noisy = staircase() * 500 + np.random.default_rng(0).normal(0, 8, (256, 256))
    found = measure(noisy)
    assert found.gain == 0 or found.gain < 0.05
    assert np.sqrt(found.variance(250)) == pytest.approx(8, rel=0.05)
    assert found.stabilize(noisy)[:64, :64].std() == pytest.approx(1, abs=0.1)


def test_correlated_noise_is_flagged_and_its_variance_still_right():
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(0, 1, (256, 256)), 0.9)
    noise *= 12 / noise.std()
    found = measure(100 + 50 * ndimage.gaussian_filter(staircase(), 8) + noise)
    assert found.correlation > 0.4
    assert not found.reliable
    assert "structN2V" in found.advice
    assert found.variance(125) == pytest.approx(144, rel=0.25)


def test_noise_correlated_a_little_along_rows_is_told_with_its_direction():
    noisy = record(staircase() * 100, gain=2)
    found = measure(ndimage.correlate1d(noisy, [0, 0.8, 0.2], axis=1))
    assert found.correlation == found.correlation_x > 0.15 > found.correlation_y
    assert "mask 3 pixels along X" in found.advice
    assert (found.mask_span_y, found.mask_span_x) == (1, 3)


def test_saturated_pixels_are_counted_and_left_out():
    clean = staircase() * 100
    noisy = np.minimum(record(clean, gain=4, offset=10), 255).astype(np.uint8)
    found = measure(noisy)
    assert found.saturated == pytest.approx(np.mean(noisy == 255), abs=0.03)
    assert found.gain == pytest.approx(4, rel=0.1)
    assert not found.reliable
    assert "saturated" in found.advice


def test_noise_cut_off_at_zero_is_doubted():
    noisy = np.maximum(record(blobs() * 20, gain=5, read_noise=10), 0).round().astype(np.uint16)
    found = measure(noisy)
    assert not found.reliable
    assert "cut off" in found.advice


def test_photon_counts_from_zero_on_are_not_called_cut_off():
    found = measure(record(staircase() * 5, gain=4).astype(np.uint16))
    assert found.gain == pytest.approx(4, rel=0.1)
    assert found.offset == pytest.approx(0, abs=0.5)
    assert found.reliable, found.advice


def test_an_evenly_bright_image_tells_no_gain_and_says_so():
    found = measure(record(np.full((256, 256), 100.0), gain=4, offset=10))
    assert not found.reliable
    assert "range of brightness" in found.advice or "evenly bright" in found.advice


def test_a_calibration_is_settings_that_survive_a_file():
    found = measure(record(staircase(128) * 50, gain=4, offset=10))
    assert Calibration.model_validate_json(found.model_dump_json()) == found
    assert len(found.points) > 5


def test_what_is_simulated_from_a_calibration_is_calibrated_as_such():
    clean = staircase(320)
    found = measure(record(clean * 80, gain=4, offset=100, read_noise=9))
    noise = found.noise()
    assert noise.photons == pytest.approx(80, rel=0.2)
    job = add_noise_job(noise, clean, rng=np.random.default_rng(0), dtype=np.uint16)
    again = measure(run(job).image)
    assert again.gain == pytest.approx(found.gain, rel=0.1)
    assert again.offset == pytest.approx(found.offset, abs=12)


def test_noise_without_photons_is_simulated_as_such():
    striped = staircase() * 500 + np.random.default_rng(0).normal(0, 8, (256, 256))
    striped += np.random.default_rng(1).normal(0, 4, (256, 1))
    read, stripes = measure(striped).noise().noises
    assert read.sigma == pytest.approx(8, rel=0.2)
    assert (stripes.sigma, stripes.lines) == (pytest.approx(4, rel=0.25), "rows")


def test_a_calibration_tells_people_its_numbers_with_their_intervals():
    lines = measure(record(staircase(128) * 50, gain=4, offset=10)).summary().splitlines()
    assert lines[0].startswith("gain ")
    assert lines[0].endswith("DN per photo-electron")
    assert "lag-1 correlation" in lines[3]
    assert lines[4] == "reliable"


@pytest.mark.parametrize(
    ("image", "axes", "error", "says"),
    [
        (np.full((64, 64), 7), "YX", InputError, "constant"),
        (np.ones((20, 64)), "YX", InputError, "too small"),
        (np.full((64, 64), np.nan), "YX", InputError, "NaN"),
        (np.ones((0, 64)), "YX", InputError, "empty"),
        (np.ones((64, 64)), "ZYX", AxesError, "3 axes"),
        (np.kron(np.eye(8), np.ones((4, 4))), "YX", InputError, "no flat place"),
    ],
)
def test_what_cannot_be_measured_is_refused(image, axes, error, says):
    with pytest.raises(error, match=says):
        measure(image, axes)


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e9, 1e15])
@pytest.mark.parametrize("shift", [0, -1000])
def test_strange_images_in_strange_units_still_get_numbers(scale, shift):
    rng = np.random.default_rng(0)
    for image in (
        rng.random((40, 40)) ** 50,
        rng.random((64, 64)) > 0.5,
        rng.normal(size=(99, 64)),
        rng.random((99, 99)) ** 50,
    ):
        found = measure((image + shift) * scale)
        assert not found.reliable


def test_small_images_are_measured_as_well_as_they_go():
    found = measure(record(staircase(96) * 100, gain=4, offset=10))
    assert found.gain == pytest.approx(4, rel=0.3)


def test_progress_rises_to_one_and_closing_ends_the_job():
    seen = []
    rng = np.random.default_rng(0)
    correlated = ndimage.gaussian_filter(rng.normal(100, 9, (96, 96)), 1)
    run(calibrate_job(correlated, "YX"), seen.append)
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    job = calibrate_job(correlated, "YX")
    next(job)
    job.close()


PAIRED = {
    "fmd_confocal/noisy/BPAE_B.tif": (3.55, 3.1),
    "fmd_confocal/noisy/BPAE_G.tif": (4.28, 3.0),
    "fmd_confocal/noisy/BPAE_R.tif": (3.73, 2.8),
    "fmd_confocal/noisy/fish.tif": (20.9, 2.9),
    "fmd_confocal/noisy/mice.tif": (4.97, 3.2),
    "fmd_repeats/Confocal_BPAE_B/noisy_1.png": (3.48, 3.0),
    "fmd_repeats/TwoPhoton_BPAE_R/noisy_1.png": (5.71, 5.1),
}


@pytest.mark.parametrize("name", PAIRED)
def test_real_images_agree_with_the_fit_to_their_clean_partners(real_data, name):
    gain, offset = PAIRED[name]
    found = measure(iio.imread(real_data / name))
    assert found.gain == pytest.approx(gain, rel=0.25)
    assert found.offset == pytest.approx(offset, abs=1)
    assert found.reliable, found.advice


def test_real_wide_field_noise_is_flagged_as_correlated(real_data):
    folder = real_data / "fmd_repeats" / "WideField_BPAE_R"
    noisy, clean = (iio.imread(folder / f"{n}.png").astype(float) for n in ("noisy_1", "clean"))
    found = measure(noisy)
    assert found.correlation >= 0.4
    assert not found.reliable
    assert found.variance(clean).mean() == pytest.approx((noisy - clean).var(), rel=0.25)


@pytest.mark.parametrize("name", ["noisy", "calibration"])
def test_a_real_structured_frame_and_its_calibration_frame_agree(real_data, name):
    found = measure(tifffile.imread(real_data / "convallaria" / f"{name}.tif"))
    assert 50 < found.gain < 58
    assert found.offset == pytest.approx(475, abs=10)
