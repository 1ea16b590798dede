"""Self-tuning: settings that come close to the best ones, without a clean image."""

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage
from skimage.io import imread

from napari_denoise import registry
from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, InputError, SettingsError
from napari_denoise.core.progress import run
from napari_denoise.data.synthetic.scenes import scene
from napari_denoise.filters import (
    BM3D,
    AnisotropicDiffusion,
    Bilateral,
    Box,
    Butterworth,
    Gaussian,
    NonLocalMeans,
    RichardsonLucy,
    TotalVariation,
    Wavelet,
)
from napari_denoise.filters.base import Filter
from napari_denoise.filters.stabilized import Stabilized
from napari_denoise.filters.tuning.search import tune_job
from napari_denoise.metrics import psnr


@pytest.fixture(scope="module")
def clean():
    return scene((192, 192), rng=np.random.default_rng(4)).astype(np.float32) * 200


def photons(clean, n, rng):
    """What a camera of gain 2 and offset 10 makes of at most n photons."""
    return (rng.poisson(clean / clean.max() * n) * 2.0 + 10).astype(np.float32)


def score(clean, noisy, denoiser):
    """PSNR in dB once the brightness is the clean image's."""
    result = run(denoise_job(denoiser, noisy, Layout("YX"))).image.pixels
    return psnr(clean, (result - 10) / 2, data_range=float(clean.max()))


def tuned(denoiser, noisy, layout=None):
    return run(tune_job(denoiser, noisy, layout or Layout("YX")))


@pytest.mark.parametrize("n_photons", [5, 40, 400])
def test_the_blur_comes_close_to_the_best_one(n_photons, clean, rng):
    noisy = photons(clean, n_photons, rng)
    truth = clean / clean.max() * n_photons
    best = max(score(truth, noisy, Gaussian(sigma=s)) for s in np.geomspace(0.4, 6.4, 17))
    assert score(truth, noisy, tuned(Gaussian(), noisy).denoiser) > best - 0.3


def test_more_noise_asks_for_more_blur(clean, rng):
    sigmas = [tuned(Gaussian(), photons(clean, n, rng)).denoiser.sigma for n in (300, 30, 3)]
    assert sigmas == sorted(sigmas)
    assert sigmas[-1] > 1.5 * sigmas[0]


@pytest.mark.parametrize(
    "poor",
    [
        Stabilized(denoiser=NonLocalMeans(strength=3, search_radius=7)),
        Stabilized(denoiser=TotalVariation(weight=0.2)),
        Stabilized(denoiser=Bilateral(sigma=0.6)),
        Stabilized(denoiser=Wavelet(strength=3)),
        Stabilized(denoiser=AnisotropicDiffusion(n_iterations=1)),
        Box(size=11),
        Butterworth(cutoff=0.04),
    ],
    ids=lambda d: d.label,
)
def test_a_filter_with_poor_settings_gets_better_ones(poor, clean, rng):
    noisy = photons(clean, 30, rng)
    truth = clean / clean.max() * 30
    found = tuned(poor, noisy)
    assert score(truth, noisy, found.denoiser) > score(truth, noisy, poor) + 0.5
    assert type(found.denoiser) is type(poor)


def test_noise_that_neighbours_share_is_not_taken_for_structure(clean, rng):
    """With single blind pixels, the noise beside them would tell what they held."""
    noise = ndimage.gaussian_filter(rng.normal(size=clean.shape), 0.9)
    noisy = (clean + 25 * noise / noise.std()).astype(np.float32)
    layout = Layout("YX")

    def error(sigma):
        return np.square(
            run(denoise_job(Gaussian(sigma=sigma), noisy, layout)).image.pixels - clean
        ).mean()

    best = min(error(sigma) for sigma in np.geomspace(0.4, 6.4, 17))
    assert error(tuned(Gaussian(), noisy).denoiser.sigma) < 1.1 * best


def test_the_curve_shows_what_was_tried_and_what_is_best(clean, rng):
    found = tuned(Stabilized(denoiser=Bilateral()), photons(clean, 30, rng))
    assert [curve.name for curve in found.curves] == ["sigma", "range_sigma"]
    for curve in found.curves:
        assert list(curve.values) == sorted(set(curve.values))
        assert curve.chosen == curve.values[int(np.argmin(curve.losses))]
        assert curve.chosen == getattr(found.denoiser.denoiser, curve.name)
    main = found.curves[0]
    assert main.values[0] == 0.5
    assert main.values[-1] == 5
    assert min(main.losses) < 0.7


def test_what_is_not_tuned_stays(clean, rng):
    given = Stabilized(denoiser=NonLocalMeans(patch_size=3), gain=2, offset=10)
    found = tuned(given, photons(clean, 30, rng)).denoiser
    assert found.denoiser.patch_size == 3
    assert (found.gain, found.denoiser.noise_sigma) == (2, None)


def test_one_value_per_axis_keeps_its_proportions(rng):
    volume = ndimage.gaussian_filter(rng.normal(100, 10, (12, 64, 64)), 2) * 5
    noisy = rng.poisson(volume).astype(np.float32)
    found = tuned(Gaussian(sigma=(0.5, 1, 1)), noisy, Layout("ZYX", "ZYX")).denoiser
    z, y, x = found.sigma
    assert y == x == pytest.approx(2 * z, rel=0.01)
    assert y > 1


@pytest.mark.parametrize("axes", ["TCYX", "CZYX"])
def test_any_axes_and_lazy_arrays_are_read_a_few_crops_at_a_time(axes, clean, rng):
    planes = [[photons(clean, 20, rng), photons(clean[::-1], 5, rng)] for _ in range(3)]
    image = np.asarray(planes)
    image = image if axes == "TCYX" else image.swapaxes(0, 1)
    spatial = "YX" if axes == "TCYX" else "ZYX"
    lazy = da.from_array(image, chunks=(1, 1, 192, 192))
    layout = Layout(axes, spatial)
    found = tuned(Gaussian(), lazy, layout)
    assert found.denoiser == tuned(Gaussian(), image, layout).denoiser
    channels = {layout.channel_of(crop.unit) for crop in found.crops}
    assert channels == {0, 1}


@pytest.mark.parametrize("cls", registry.FILTERS, ids=lambda cls: cls.tag())
def test_every_filter_offers_settings_within_its_own_bounds(cls):
    fields = cls().tunable()
    assert fields
    for field in fields:
        for value in field.tuned_over:
            assert cls().adjusted(**{field.name: value}).value_of(field.name) == value


def test_what_is_tried_in_a_quicker_way_comes_back_as_it_was_given(clean, rng):
    given = Stabilized(denoiser=BM3D(strength=4, search_radius=3), gain=2, offset=10)
    part = clean[60:140, 60:140]
    noisy, truth = photons(part, 30, rng), part / part.max() * 30
    found = tuned(given, noisy).denoiser
    assert found.denoiser.stages == "both"
    assert found.denoiser.search_radius == 3
    assert score(truth, noisy, found) > score(truth, noisy, given) + 0.3


def test_windows_stay_odd(clean, rng):
    """An even one moves the image by half a pixel."""
    found = tuned(Box(), photons(clean, 10, rng))
    assert all(value % 2 for value in found.curves[0].values)
    assert found.denoiser.size > 3


class Untunable(Filter):
    """Leaves the image as it is."""

    title = "Nothing"
    kind = "filter"
    name: str = "nothing"

    def denoise_tile(self, tile):
        yield from ()
        return tile


def test_a_method_without_such_settings_says_so(clean):
    with pytest.raises(SettingsError, match="no setting that can be tuned"):
        tuned(Untunable(), clean)


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.full((64, 64), 7.0), InputError, "constant"),
        (np.full((64, 64), np.nan), InputError, "NaN"),
        (np.ones((9, 9)), InputError, "too small"),
        (np.ones((3, 64, 64)), AxesError, "Axes"),
    ],
    ids=["constant", "nan", "small", "axes"],
)
def test_what_cannot_be_tuned_on_is_refused_in_words(image, error, words):
    with pytest.raises(error, match=words):
        tuned(Gaussian(), image)


def test_settings_for_other_axes_are_refused(clean):
    with pytest.raises(SettingsError, match="sigma has 3 values"):
        tuned(Gaussian(sigma=(1, 1, 1)), clean)


def test_it_reports_and_ends_at_once_when_closed(clean, rng):
    job = tune_job(Stabilized(denoiser=NonLocalMeans()), photons(clean, 20, rng), Layout("YX"))
    fractions = [next(job).fraction]
    while fractions[-1] < 0.5:
        fractions.append(next(job).fraction)
    assert fractions == sorted(fractions)
    assert len(fractions) > 20
    job.close()


def test_the_same_image_gives_the_same_settings(clean, rng):
    noisy = photons(clean, 20, rng)
    results = [tuned(Stabilized(denoiser=NonLocalMeans()), noisy) for _ in range(2)]
    assert results[0].denoiser == results[1].denoiser
    assert results[0].curves == results[1].curves


@pytest.mark.parametrize("name", ["BPAE_G", "fish"])
def test_real_images_are_blurred_as_well_as_with_the_clean_one_at_hand(name, real_data):
    noisy, clean = (
        imread(real_data / "fmd_confocal" / part / f"{name}.tif") for part in ("noisy", "clean")
    )
    layout = Layout("YX")

    def quality(sigma):
        result = run(denoise_job(Gaussian(sigma=sigma), noisy, layout)).image.pixels
        return psnr(clean, result, data_range=255)

    best = max(quality(sigma) for sigma in np.geomspace(0.4, 3.2, 13))
    assert quality(tuned(Gaussian(), noisy).denoiser.sigma) > best - 0.1


def test_what_the_user_has_chosen_can_be_kept(clean, rng):
    noisy = photons(clean, 30, rng)
    found = run(tune_job(Bilateral(range_sigma=2.5), noisy, Layout("YX"), keep=["range_sigma"]))
    assert found.denoiser.range_sigma == 2.5
    assert list(found.settings) == ["sigma"]
    with pytest.raises(SettingsError, match="no other setting that can be tuned"):
        run(tune_job(Gaussian(), noisy, Layout("YX"), keep=["sigma"]))


def test_what_undoes_a_blur_is_judged_by_what_the_camera_would_record(clean, rng):
    """Else the less it sharpens, the better it would seem."""
    truth = clean / clean.max() * 2000
    noisy = rng.poisson(ndimage.gaussian_filter(truth, 1.5)).astype(np.float32)

    def error(denoiser):
        return np.square(
            run(denoise_job(denoiser, noisy, Layout("YX"))).image.pixels - truth
        ).mean()

    given = RichardsonLucy(psf_sigma=1.5, n_iterations=30)
    least, most = (error(given.adjusted(tv_weight=weight)) for weight in (0.005, 0.25))
    assert error(tuned(given, noisy).denoiser) < min(least, most)
