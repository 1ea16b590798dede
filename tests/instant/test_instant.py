"""The instant denoiser as users meet it: clean images, intensities kept, nothing invented."""

import subprocess
import sys
from itertools import product

import dask.array as da
import numpy as np
import pytest
from skimage.io import imread

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import DenoiseError, InputError, ModelError, SettingsError
from napari_denoise.core.progress import Notice, run
from napari_denoise.core.settings import make_settings
from napari_denoise.data.synthetic.scenes import KINDS, scene
from napari_denoise.instant import denoiser as instant_denoiser
from napari_denoise.instant import inference
from napari_denoise.instant.denoiser import Instant
from napari_denoise.metrics import psnr
from napari_denoise.noise import CameraNoise, add_noise_job

GAIN, OFFSET, READ_NOISE = 4.0, 100.0, 6.0
KNOWN = Instant(gain=GAIN, offset=OFFSET, read_noise=READ_NOISE, device="cpu")


def recorded(electrons, rng):
    """What a camera makes of expected electrons, in DN; nothing is cut off or rounded."""
    noise = rng.normal(0, READ_NOISE, electrons.shape)
    return (rng.poisson(electrons) * GAIN + OFFSET + noise).astype(np.float32)


def cleaned(image, axes="YX", denoiser=KNOWN, spatial="YX"):
    return run(denoise_job(denoiser, image, Layout(axes, spatial))).image.pixels


def test_it_beats_the_best_blur_on_a_scene_it_has_never_seen(rng):
    from scipy import ndimage  # noqa: PLC0415

    electrons = 40 * scene((256, 256), rng=np.random.default_rng(12345), kind="mitochondria")
    clean, noisy = electrons * GAIN + OFFSET, recorded(electrons, rng)
    span = float(np.ptp(clean))
    blurred = [ndimage.gaussian_filter(noisy, sigma) for sigma in np.arange(0.5, 4, 0.1)]
    best = max(psnr(clean, image, data_range=span) for image in blurred)
    blind = cleaned(noisy, denoiser=Instant(device="cpu"))
    assert psnr(clean, blind, data_range=span) > best + 1
    assert psnr(clean, cleaned(noisy), data_range=span) > best + 1


def test_a_flat_field_stays_flat(rng):
    for level in (0.0, 1.0, 10.0, 300.0):
        electrons = np.full((256, 256), level)
        flat = cleaned(recorded(electrons, rng))
        noise = np.hypot(np.sqrt(level) * GAIN, READ_NOISE)
        assert flat.std() < 0.08 * noise
        assert flat.mean() == pytest.approx(level * GAIN + OFFSET, abs=0.03 * noise)


@pytest.mark.parametrize("level", [0.5, 8.0, 50.0])
def test_spots_are_invented_from_noise_at_no_more_than_the_stated_rates(level, rng):
    """Half the noise in one pixel of 10 000 of a flat field, the whole noise in one of 100 000."""
    noise = np.hypot(np.sqrt(level) * GAIN, READ_NOISE)
    flat = cleaned(recorded(np.full((512, 512), level), rng))
    risen = np.abs(flat - (level * GAIN + OFFSET)) / noise
    assert np.mean(risen > 0.5) <= 1e-4
    assert np.mean(risen > 1) <= 1e-5


def test_a_bright_spot_is_kept(rng):
    electrons = np.full((128, 128), 5.0)
    y, x = np.mgrid[:128, :128]
    electrons += 150 * np.exp(-((y - 64) ** 2 + (x - 64) ** 2) / (2 * 1.3**2))
    spot = cleaned(recorded(electrons, rng))[54:75, 54:75] - (5 * GAIN + OFFSET)
    assert spot.sum() == pytest.approx(150 * 2 * np.pi * 1.3**2 * GAIN, rel=0.15)


def test_the_mean_intensity_is_kept_in_every_decile_of_brightness():
    # A few scenes are too few: of four, a decile may be off by 1.4 % to either side.
    kinds = product((5, 6, 7, 8), ("nuclei", "tissue", "filaments", "membranes"))
    bright, result = [], []
    for seed, kind in kinds:
        rng = np.random.default_rng([seed, KINDS.index(kind)])
        electrons = 10 + 90 * scene((384, 384), rng=rng, kind=kind)
        bright.append(electrons.ravel() * GAIN)
        result.append(cleaned(recorded(electrons, rng)).ravel() - OFFSET)
    bright, result = np.concatenate(bright), np.concatenate(result)
    order = np.argsort(result)  # by what a user sees, which the truth must agree with
    for decile in np.array_split(order, 10):
        assert result[decile].mean() == pytest.approx(bright[decile].mean(), rel=0.005)


def test_shift_and_scale_pass_through(rng):
    electrons = 30 * scene((96, 96), rng=rng)
    noisy = np.rint(recorded(electrons, rng))
    other = Instant(gain=8 * GAIN, offset=8 * OFFSET + 512, read_noise=8 * READ_NOISE, device="cpu")
    expected = 8 * cleaned(noisy) + 512
    np.testing.assert_allclose(cleaned(8 * noisy + 512, denoiser=other), expected, rtol=1e-5)


def test_the_uncertainty_is_the_size_of_the_error_and_errs_on_the_safe_side():
    rng = np.random.default_rng(0)
    for kind in ("nuclei", "filaments", "membranes"):
        electrons = 5 + 60 * scene((256, 256), rng=rng, kind=kind)
        noisy = recorded(electrons, rng)
        error = np.abs(cleaned(noisy) - (electrons * GAIN + OFFSET))
        told = cleaned(noisy, denoiser=KNOWN.model_copy(update={"output": "uncertainty"}))
        assert np.mean(error < 2 * told) > 0.95
        assert 0.45 < np.sqrt(np.mean((error / told) ** 2)) < 1.1
        is_unsure = told > np.median(told)
        assert error[is_unsure].mean() > 1.3 * error[~is_unsure].mean()


def test_more_strength_leaves_less_grain(rng):
    noisy = recorded(20 * scene((128, 128), rng=rng), rng)
    removed = [
        (noisy - cleaned(noisy, denoiser=KNOWN.model_copy(update={"strength": s}))).std()
        for s in (0.5, 1.0, 2.0)
    ]
    assert removed[0] < removed[1] < removed[2]


def test_averaging_over_flips_is_better(rng):
    clean = 20 * scene((192, 256), rng=np.random.default_rng(5), kind="filaments")
    noisy, clean = recorded(clean, rng), clean * GAIN + OFFSET
    averaged, plain = (
        cleaned(noisy, denoiser=KNOWN.model_copy(update={"average_flips": is_averaged}))
        for is_averaged in (True, False)
    )
    assert np.square(averaged - clean).mean() < 0.99 * np.square(plain - clean).mean()


def test_averaged_over_flips_noise_along_a_line_is_the_same_along_the_other(rng):
    noisy = recorded(20 * scene((88, 120), rng=rng), rng)
    along_x = KNOWN.model_copy(update={"correlation_x": 0.3, "average_flips": True})
    along_y = KNOWN.model_copy(update={"correlation_y": 0.3, "average_flips": True})
    turned = cleaned(noisy.T[::-1].copy(), denoiser=along_y)[::-1].T
    np.testing.assert_allclose(turned, cleaned(noisy, denoiser=along_x), atol=0.05 * READ_NOISE)


def test_a_camera_without_photon_noise_is_fine(rng):
    clean = 1000 * scene((128, 128), rng=rng).astype(np.float64)
    noisy = (clean + rng.normal(0, 50, clean.shape)).astype(np.float32)
    result = cleaned(noisy, denoiser=Instant(gain=0, read_noise=50, device="cpu"))
    assert np.square(result - clean).mean() < 0.2 * 50**2
    assert result.mean() == pytest.approx(clean.mean(), abs=2)


@pytest.mark.parametrize(
    ("axes", "shape", "spatial"),
    [
        ("YX", (1, 1), "YX"),
        ("YX", (67, 41), "YX"),
        ("TCYX", (2, 2, 40, 33), "YX"),
        ("ZYX", (1, 33, 40), "ZYX"),
        ("XYZ", (40, 33, 3), "ZYX"),
        ("TYX", (7, 33, 40), "TYX"),
    ],
)
def test_any_axes_and_size_come_back_as_they_were(axes, shape, spatial, rng):
    image = recorded(np.full(shape, 20.0), rng)
    result = cleaned(image, axes, spatial=spatial)
    assert result.shape == shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


@pytest.mark.parametrize(("axes", "shape"), [("YX", (300, 260)), ("ZYX", (9, 200, 190))])
def test_tiles_leave_no_seam(axes, shape, rng, monkeypatch):
    image = recorded(20 + 30 * scene(shape, rng=rng), rng)
    whole = cleaned(image, axes, spatial=axes)
    monkeypatch.setattr(instant_denoiser, "_TILE_SIZE", {2: (64, 80), 3: (2, 96, 64)})
    tiled = cleaned(image, axes, spatial=axes)
    assert np.abs(tiled - whole).max() < 0.05 * READ_NOISE


@pytest.mark.parametrize(("average_flips", "n_times"), [(False, 1), (True, 8)])
def test_planes_of_overlapping_tiles_are_cleaned_in_one_of_them(
    rng, monkeypatch, average_flips, n_times
):
    image = recorded(20 + 30 * scene((11, 32, 40), rng=rng), rng)
    monkeypatch.setattr(instant_denoiser, "_TILE_SIZE", {3: (3, 64, 64)})
    passes, clean = [], inference._clean
    monkeypatch.setattr(inference, "_clean", lambda *args: passes.append(1) or clean(*args))
    cleaned(image, "ZYX", KNOWN.model_copy(update={"average_flips": average_flips}), "ZYX")
    assert len(passes) == 11 * n_times


def test_neighbouring_planes_help(rng):
    electrons = 20 * scene((9, 128, 128), rng=np.random.default_rng(3), z_step=1.0)
    noisy, clean = recorded(electrons, rng), electrons * GAIN + OFFSET
    alone = cleaned(noisy, "ZYX")
    together = cleaned(noisy, "ZYX", spatial="ZYX")
    assert np.square(together - clean).mean() < 0.9 * np.square(alone - clean).mean()


def test_each_channel_gets_its_own_camera(rng):
    electrons = 2 + 60 * scene((160, 160), rng=rng)
    dim, bright = recorded(electrons, rng), 5 * recorded(electrons, rng)
    both = cleaned(np.stack([dim, bright]), "CYX", denoiser=Instant(device="cpu"))
    np.testing.assert_array_equal(both[0], cleaned(dim, denoiser=Instant(device="cpu")))
    np.testing.assert_array_equal(both[1], cleaned(bright, denoiser=Instant(device="cpu")))


def test_where_nothing_can_be_measured_it_says_so_and_blurs():
    image = np.full((64, 64), 7, np.uint8)
    notices = []

    def note(event):
        if isinstance(event, Notice):
            notices.append(event.message)

    result = run(denoise_job(Instant(device="cpu"), image, Layout("YX")), note)
    np.testing.assert_allclose(result.image, 7)
    assert len(notices) == 1
    assert "blur" in notices[0]
    with pytest.raises(InputError):
        cleaned(image, denoiser=Instant(output="uncertainty", device="cpu"))


def test_a_camera_without_any_noise_is_refused():
    with pytest.raises(SettingsError, match="above zero"):
        make_settings(Instant, {"gain": 0})


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(ModelError, match="Install napari-denoise again"):
        cleaned(
            np.ones((32, 32), np.float32),
            denoiser=KNOWN.model_copy(update={"weights": tmp_path / "none.safetensors"}),
        )


def test_nan_is_refused(rng):
    image = recorded(np.full((64, 64), 20.0), rng)
    image[3, 4] = np.nan
    with pytest.raises(DenoiseError, match="NaN"):
        cleaned(image)


def test_a_lazy_stack_is_read_tile_by_tile(rng):
    electrons = np.full((3, 64, 64), 20.0)
    image = recorded(electrons, rng)
    lazy = da.from_array(image, chunks=(1, 64, 64))
    np.testing.assert_array_equal(cleaned(lazy, "TYX"), cleaned(image, "TYX"))


def test_the_same_image_gives_the_same_bytes(rng):
    image = recorded(20 * scene((96, 96), rng=rng), rng)
    np.testing.assert_array_equal(
        cleaned(image, denoiser=Instant(device="cpu")),
        cleaned(image, denoiser=Instant(device="cpu")),
    )


def test_choosing_it_does_not_import_torch():
    code = (
        "import sys; from napari_denoise.instant.denoiser import Instant; Instant(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_dim_camera_image_is_calibrated_and_cleaned(rng):
    clean = scene((256, 256), rng=np.random.default_rng(1), kind="nuclei")
    model_ = CameraNoise(photons=30, gain=3.0, offset=100)
    noisy = run(add_noise_job(model_, clean, rng=rng)).image
    result = cleaned(noisy, denoiser=Instant(device="cpu"))
    expected = clean / clean.max() * 30 * 0.8 * 3 + 100
    assert np.square(result - expected).mean() < 0.1 * np.square(noisy - expected).mean()


def test_real_images_come_out_better_than_the_best_blur(real_data):
    folder = real_data / "fmd_confocal"
    scores = {}
    for name in ("BPAE_G.tif", "mice.tif"):
        noisy, clean = (imread(folder / kind / name) for kind in ("noisy", "clean"))
        result = cleaned(noisy, denoiser=Instant(device="cpu"))
        scores[name] = psnr(clean, np.clip(result, 0, 255), data_range=255)
    assert scores["BPAE_G.tif"] > 33.5  # the best blur: 33.4
    assert scores["mice.tif"] > 40.5  # the best blur: 39.9
