"""Calibration from repeats: the field's structure does not matter, darkness gives the rest."""

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.errors import AxesError, InputError
from napari_denoise.core.progress import run
from napari_denoise.noise import calibrate_repeats_job


def measure(frames, axes="TYX", **more):
    return run(calibrate_repeats_job(frames, axes, **more))


def grains(size):
    """A field as full of fine structure as a microscope can draw it; 0 to 1."""
    points = np.random.default_rng(3).random((size, size)) ** 20
    blurred = ndimage.gaussian_filter(points, 1.2)
    return (blurred - blurred.min()) / np.ptp(blurred)


def film(gain=3.0, offset=100.0, read_noise=0.0, *, size=128):
    """Four repeats of such a field, with up to 100 electrons."""
    rng = np.random.default_rng(0)
    counted = gain * rng.poisson(np.broadcast_to(100 * grains(size), (4, size, size)))
    return counted + offset + rng.normal(0, read_noise, counted.shape)


def test_fine_structure_everywhere_does_no_harm():
    found = measure(film())
    assert found.gain == pytest.approx(3, rel=0.05)
    assert found.offset == pytest.approx(100, abs=3)
    assert abs(found.correlation) < 0.05
    assert found.reliable, found.advice


def test_dark_frames_give_offset_and_read_noise():
    frames = film(read_noise=12)
    pattern = np.random.default_rng(2).normal(0, 3, (128, 128))
    dark = 100 + pattern + np.random.default_rng(1).normal(0, 12, (8, 128, 128))
    found = measure(frames, dark=dark)
    assert found.gain == pytest.approx(3, rel=0.05)
    assert found.offset == pytest.approx(100, abs=0.3)
    assert found.read_noise == pytest.approx(12, rel=0.01)
    assert found.read_noise_interval[0] < 12 < found.read_noise_interval[1]
    # Of a single frame, the fixed pattern cannot be told from noise.
    assert measure(frames, dark=dark[0]).read_noise == pytest.approx(np.hypot(12, 3), rel=0.02)


def test_slow_bleaching_does_no_harm():
    rng = np.random.default_rng(0)
    clean = 2000 * grains(128) * (0.9 ** np.arange(5))[:, None, None]
    assert measure(2.0 * rng.poisson(clean)).gain == pytest.approx(2, rel=0.1)


def test_movement_and_correlated_noise_are_doubted():
    clean = 200 * ndimage.gaussian_filter(np.random.default_rng(0).random((128, 128)), 2)
    clean = 40 * (clean - clean.min())
    moving = np.stack([np.roll(clean, 3 * i, axis=1) for i in range(4)])
    found = measure(np.random.default_rng(1).poisson(moving))
    assert not found.reliable
    assert found.correlation > 0.4


def test_dark_frames_without_noise_that_contradict_the_others_are_refused_in_words():
    flat = np.random.default_rng(4).normal(100, 5, (6, 128, 128))
    with pytest.raises(InputError, match="The dark frames have no noise"):
        measure(flat, dark=np.full((6, 128, 128), 150.0))


def test_dark_frames_do_not_hide_correlation():
    rng = np.random.default_rng(0)
    frames = ndimage.uniform_filter1d(film() + rng.normal(0, 30, (4, 128, 128)), 2, axis=2)
    found = measure(frames, dark=rng.normal(100, 1, (20, 128, 128)))
    assert found.correlation_x > 0.4
    assert not found.reliable


def test_axes_and_channels_are_minded_lazily():
    frames = np.stack([film(gain=2), film(gain=5)]).astype(np.float32)
    lazy = da.from_array(frames, chunks=(1, 1, 64, 64))
    assert measure(lazy, "CTYX", channel=1).gain == pytest.approx(5, rel=0.05)
    last = np.moveaxis(frames[0], 0, -1)
    assert measure(last, "YXT").gain == pytest.approx(2, rel=0.05)
    with pytest.raises(InputError, match="2 channels"):
        measure(lazy, "CTYX")


@pytest.mark.parametrize(
    ("frames", "axes", "error", "says"),
    [
        (np.ones((3, 64, 64)), "ZYX", AxesError, "lie along T"),
        (np.ones((1, 64, 64)), "TYX", AxesError, "must be two"),
        (np.ones((3, 64, 64)), "TYX", InputError, "do not differ"),
        (np.full((3, 64, 64), np.nan), "TYX", InputError, "NaN"),
    ],
)
def test_what_are_no_repeats_is_refused(frames, axes, error, says):
    with pytest.raises(error, match=says):
        measure(frames, axes)


def test_progress_rises_to_one():
    seen = []
    run(calibrate_repeats_job(film(size=64), "TYX"), seen.append)
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


@pytest.mark.parametrize(
    ("group", "gain", "offset"), [("Confocal_BPAE_B", 3.48, 3.0), ("TwoPhoton_BPAE_R", 5.71, 5.1)]
)
def test_real_repeats_agree_with_the_fit_to_their_clean_partner(real_data, group, gain, offset):
    frames = np.stack([iio.imread(real_data / "fmd_repeats" / group / f"noisy_{i}.png")
                       for i in range(1, 5)])  # fmt: skip
    found = measure(frames)
    assert found.gain == pytest.approx(gain, rel=0.25)
    assert found.offset == pytest.approx(offset, abs=1)
