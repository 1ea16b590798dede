"""Simulated noise: the right statistics, the same seed the same noise, never a wrap-around."""

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_denoise.core.errors import AxesError, FileError, InputError, SettingsError
from napari_denoise.core.progress import run
from napari_denoise.noise import (
    PRESETS,
    Bleaching,
    Composite,
    GaussianNoise,
    PoissonNoise,
    ScmosNoise,
    StripeNoise,
    add_noise_job,
    add_noise_to_plane,
    dose_series_job,
    measure_range,
    preset,
)


def simulate(noise, image, seed=1, **more):
    return run(add_noise_job(noise, image, rng=np.random.default_rng(seed), **more))


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
    run(
        add_noise_job(PoissonNoise(), np.ones((4, 8, 8)), rng=np.random.default_rng(0)), seen.append
    )
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    job = add_noise_job(GaussianNoise(), np.ones((4, 8, 8)), rng=np.random.default_rng(0))
    next(job)
    job.close()
    with pytest.raises(StopIteration):
        next(job)


def test_photons_may_be_counted_per_intensity_unit():
    noisy = simulate(PoissonNoise(photons=0.5, per="DN"), np.full((400, 400), 80.0)).image
    # 40 photons of 2 DN each.
    assert noisy.mean() == pytest.approx(80, rel=0.005)
    assert noisy.var() == pytest.approx(160, rel=0.03)
    with pytest.raises(InputError, match="negative intensities"):
        simulate(PoissonNoise(per="DN"), np.full((2, 2), -1.0))


def test_sigma_may_be_a_fraction_of_the_range_of_the_whole_stack():
    stack = np.stack([np.full((300, 300), -100.0), np.full((300, 300), 300.0)])
    noisy = simulate(GaussianNoise(sigma=0.07, unit="range"), stack).image
    np.testing.assert_allclose(noisy.std(axis=(1, 2)), 28, rtol=0.02)


def test_several_kinds_of_noise_are_added_in_their_order():
    clean = np.full((200, 200), 100.0)
    one_after_the_other = [PoissonNoise(photons=25), GaussianNoise(sigma=15)]
    assert simulate(one_after_the_other, clean).image.std() == pytest.approx(25, rel=0.03)
    with pytest.raises(InputError, match="negative"):
        simulate([GaussianNoise(sigma=90), PoissonNoise()], clean)


def test_planes_are_found_wherever_their_axes_are():
    clean = np.zeros((6, 3, 7))
    noisy = simulate(StripeNoise(sigma=1), clean, axes="YCX").image
    np.testing.assert_allclose(noisy, np.broadcast_to(noisy[..., :1], clean.shape))
    assert len(np.unique(noisy)) == 18


def test_bleaching_fades_the_signal_along_time_only():
    clean = np.full((2, 5, 4, 4), 110.0)
    noisy = simulate(Bleaching(remaining=0.16, background=10), clean, axes="ZTYX").image
    np.testing.assert_allclose(noisy[0, :, 0, 0], 10 + 100 * np.array([1, 0.632, 0.4, 0.253, 0.16]),
                               atol=0.1)  # fmt: skip
    np.testing.assert_array_equal(noisy[0], noisy[1])
    single = simulate(Bleaching(), clean[:, :1], axes="ZTYX").image
    np.testing.assert_array_equal(single, clean[:, :1])


@pytest.mark.parametrize("axes", [None, "SZYX"])
def test_bleaching_without_a_time_axis_is_refused(axes):
    with pytest.raises(AxesError, match="happens along time"):
        simulate(Bleaching(), np.ones((2, 3, 4, 4)), axes=axes)


def test_axes_that_do_not_fit_are_refused():
    with pytest.raises(AxesError, match="name 2 axes"):
        simulate(PoissonNoise(), np.ones((2, 4, 4)), axes="YX")


def test_a_dose_series_has_fewer_photons_at_lower_doses():
    clean = np.full((2, 200, 200), 400.0)
    doses = (1, 0.5, 0.25)
    rng = np.random.default_rng(0)
    series = run(
        dose_series_job(PoissonNoise(photons=100), clean, doses, rng=rng, axes="ZYX")
    ).image
    assert series.shape == (3, 2, 200, 200)
    np.testing.assert_allclose(series.mean(axis=(1, 2, 3)), [400, 200, 100], rtol=0.01)
    snr = series.mean(axis=(1, 2, 3)) / series.std(axis=(1, 2, 3))
    np.testing.assert_allclose(snr, 10 * np.sqrt(doses), rtol=0.03)


@pytest.mark.parametrize("doses", [(), (1, 0), (1, -0.5), (np.inf,)])
def test_doses_that_are_none_are_refused(doses):
    job = dose_series_job(PoissonNoise(), np.ones((4, 4)), doses, rng=np.random.default_rng(0))
    with pytest.raises(SettingsError, match="cannot be used"):
        run(job)


def test_large_planes_are_done_in_bands_with_the_same_pattern_in_every_frame():
    clean = np.ones((2, 1100, 600), np.uint16)
    camera = ScmosNoise(photons=1, offset_spread=50, read_noise_electrons=0.01)
    seen = []
    rng = np.random.default_rng(0)
    noisy = run(add_noise_job(camera, clean, rng=rng, axes="TYX"), seen.append).image.astype(float)
    assert len(seen) == 6
    assert [event.fraction for event in seen] == sorted(event.fraction for event in seen)
    assert np.corrcoef(noisy[0].ravel(), noisy[1].ravel())[0, 1] > 0.99
    assert abs(np.corrcoef(noisy[0, :873].ravel(), noisy[0, 227:].ravel())[0, 1]) < 0.02


def test_a_composite_is_several_in_order_and_survives_a_file():
    clean = np.full((3, 60, 60), 100.0)
    noises = [Bleaching(remaining=0.5), PoissonNoise(photons=25), StripeNoise(sigma=3)]
    composite = Composite.of(noises)
    in_order = simulate(noises, clean, axes="TYX").image
    np.testing.assert_array_equal(simulate(composite, clean, axes="TYX").image, in_order)
    assert in_order[2].mean() == pytest.approx(50, rel=0.05)
    assert composite.label == "Photobleaching + Poisson + Stripes"
    assert Composite.model_validate_json(composite.model_dump_json()) == composite


def test_a_composite_of_one_is_that_one_and_of_composites_is_flat():
    shot, read = PoissonNoise(), GaussianNoise()
    assert Composite.of([shot]) is shot
    nested = Composite.of([Composite.of([shot, read]), read])
    assert nested.noises == (shot, read, read)
    with pytest.raises(SettingsError, match="no noise to add"):
        Composite.of([])


def test_bleaching_within_a_composite_needs_time_as_well():
    with pytest.raises(AxesError, match="happens along time"):
        simulate(Composite.of([PoissonNoise(), Bleaching()]), np.ones((3, 8, 8)), axes="ZYX")


@pytest.mark.parametrize(
    "noise", [PoissonNoise(), ScmosNoise(), [Bleaching(), StripeNoise(), GaussianNoise()]]
)
def test_one_plane_alone_is_as_in_the_whole_image(noise):
    clean = np.random.default_rng(0).random((2, 3, 40, 50)) * 100
    whole = simulate(noise, clean, axes="ZTYX", dtype=np.float32).image
    intensity_range = run(measure_range(clean, "ZTYX"))
    job = add_noise_to_plane(
        noise,
        clean,
        {"Z": 1, "T": 2},
        rng=np.random.default_rng(1),
        axes="ZTYX",
        intensity_range=intensity_range,
    )
    np.testing.assert_array_equal(run(job), whole[1, 2])


@pytest.mark.parametrize("ending", ["npy", "tif"])
def test_maps_of_a_real_camera_are_used_pixel_by_pixel(tmp_path, ending):
    write = {"npy": np.save, "tif": tifffile.imwrite}[ending]
    offset = np.zeros((30, 40), np.float32)
    offset[:, 20:] = 500
    write(tmp_path / f"offset.{ending}", offset)
    write(tmp_path / f"noise.{ending}", np.full((30, 40), 0.01, np.float32))
    camera = ScmosNoise(
        gain_spread=0,
        offset_map=tmp_path / f"offset.{ending}",
        read_noise_map=tmp_path / f"noise.{ending}",
    )
    clean = np.zeros((4, 30, 40))
    clean[0, 0, 0] = 1
    noisy = simulate(camera, clean).image[1:]
    np.testing.assert_array_equal(noisy, np.broadcast_to(offset, noisy.shape))
    assert ScmosNoise.model_validate_json(camera.model_dump_json()) == camera


def test_maps_that_do_not_fit_are_refused_before_anything_is_read(tmp_path):
    class Unread:
        shape, dtype, ndim = (8, 8), np.dtype(np.uint8), 2

        def __getitem__(self, index):
            raise AssertionError

    np.save(tmp_path / "small.npy", np.ones((4, 4)))
    np.save(tmp_path / "negative.npy", np.full((8, 8), -1.0))
    (tmp_path / "words.npy").write_text("no numbers")
    for name, error, says in (
        ("missing.tif", FileError, "no such file"),
        ("words.npy", FileError, "no TIFF or NPY"),
        ("small.npy", InputError, r"shape \(4, 4\), the image's planes have \(8, 8\)"),
        ("negative.npy", InputError, "NaN, infinite or negative"),
    ):
        with pytest.raises(error, match=says):
            simulate(ScmosNoise(gain_map=tmp_path / name), Unread())


@pytest.mark.parametrize("known", PRESETS, ids=lambda known: known.name)
def test_presets_are_found_by_name_and_add_noise(known):
    assert preset(known.name) is known.noise
    clean = np.random.default_rng(0).random((50, 50)) * 200
    noisy = simulate(known.noise, clean).image
    assert 0.1 < np.corrcoef(clean.ravel(), noisy.ravel())[0, 1] < 0.999


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(SettingsError, match=r"Choose from: emccd, scmos, pmt, gaussian_0\.07"):
        preset("ccd")
