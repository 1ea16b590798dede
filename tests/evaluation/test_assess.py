"""An assessment: everything that can be told of an image with the companions it has."""

import math
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest

from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import run
from napari_denoise.core.recipe import Recipe
from napari_denoise.evaluation import EACH_PLANE, assess_job, possible_metrics
from napari_denoise.metrics import (
    METRICS,
    SCORES,
    analyse_residual_job,
    check_photometry_job,
    compare_job,
    psnr,
)
from napari_denoise.metrics.checkerboard import CHECKERBOARD
from napari_denoise.metrics.j_invariance import J_INVARIANCE
from napari_denoise.metrics.photometry import PHOTOMETRY
from napari_denoise.metrics.residual import RESIDUAL
from napari_denoise.metrics.resolution import RESOLUTION
from napari_denoise.registry import denoiser_of


def test_with_a_clean_and_the_noisy_image_everything_is_measured(clean, noisy, denoised):
    found = run(assess_job(denoised, clean=clean, noisy=noisy, data_range=200))
    assert not found.missing
    assert found.scores.overall == run(compare_job(clean.pixels, denoised.pixels, data_range=200))
    assert found.photometry == run(check_photometry_job(noisy.pixels, denoised.pixels))
    assert found.found["residual"] == run(analyse_residual_job(noisy.pixels, denoised.pixels))
    assert found.found["checkerboard"] < 1
    assert 0.2 < found.found["resolution"].resolution_um < 1


def test_the_j_invariant_estimate_is_near_the_error_against_the_clean_image(clean, noisy, denoised):
    found = run(assess_job(denoised, noisy=noisy, metrics={J_INVARIANCE})).found["j_invariance"]
    truth = np.mean(np.square(denoised.pixels - clean.pixels))
    assert found.mse == pytest.approx(truth, rel=0.5)
    assert found.loss > found.mse + 100  # by the noise's variance


def test_only_what_the_companions_allow_is_possible(clean, noisy, denoised):
    alone = {CHECKERBOARD}
    with_noisy = alone | {PHOTOMETRY, RESIDUAL, J_INVARIANCE}
    assert set(possible_metrics(denoised)) == alone
    assert set(possible_metrics(denoised, noisy=noisy)) == with_noisy
    assert set(possible_metrics(denoised, clean=clean)) == alone | {SCORES, RESOLUTION}
    assert set(possible_metrics(denoised, clean=clean, noisy=noisy)) == set(METRICS)


def test_the_resolution_of_one_image_is_told_of_raw_ones_only(noisy, denoised):
    assert run(assess_job(noisy)).found["resolution"].limit_um == pytest.approx(0.4, rel=0.05)
    assert "resolution" not in run(assess_job(denoised)).found
    assert "resolution" not in run(assess_job(replace(noisy, units=("pixel", "pixel")))).found


def test_an_image_is_no_residual_of_itself(clean, noisy):
    found = run(assess_job(noisy, clean=clean, noisy=noisy, data_range=200))
    assert "residual" not in found.found
    assert found.photometry is None
    assert found.scores is not None


def test_the_data_range_may_be_that_of_the_clean_image(clean, noisy):
    found = run(assess_job(noisy, clean=clean, metrics={SCORES})).scores.overall
    assert found.data_range == pytest.approx(float(np.ptp(clean.pixels)))


@pytest.fixture
def stacks(rng):
    """A clean stack, its frames and channels at the end, and a worse one in another order."""
    clean = rng.uniform(0, 100, (2, 3, 24, 30)).astype(np.float32)
    noisy = clean + rng.normal(0, [[[5]], [[10]], [[20]]], clean.shape).astype(np.float32)
    turned = np.moveaxis(noisy, (0, 1), (-1, -2))
    return Image(clean, "TCYX", name="clean"), Image(turned, "YXCT", name="noisy")


def test_axes_in_any_order_have_scores_per_frame_channel_and_plane(stacks):
    clean, noisy = stacks
    found = run(assess_job(noisy, clean=clean, data_range=100))
    by_channel = dict(found.parts("C"))
    assert list(by_channel) == ["C 0", "C 1", "C 2"]
    expected = psnr(clean.pixels[:, 1], np.moveaxis(noisy.pixels[:, :, 1], -1, 0), data_range=100)
    assert by_channel["C 1"].psnr == pytest.approx(expected)
    assert by_channel["C 0"].psnr > by_channel["C 1"].psnr > by_channel["C 2"].psnr
    assert [name for name, _ in found.parts(EACH_PLANE)][:4] == [
        "T 0, C 0",
        "T 0, C 1",
        "T 0, C 2",
        "T 1, C 0",
    ]
    table = list(found.rows("T"))
    assert [name for name, _ in table] == ["T 0", "T 1"]
    assert table[0][1]["psnr_db"] == pytest.approx(dict(found.parts("T"))["T 0"].psnr)
    assert [name for name, _ in found.rows("Z")] == [""]


def test_an_axis_of_one_position_is_no_other_shape(stacks):
    clean = stacks[0]
    single = Image(clean.pixels[:, :, np.newaxis], "TCZYX", name="single")
    assert run(assess_job(single, clean=clean, data_range=1)).scores.overall.psnr == math.inf


def test_lazy_images_give_the_same(stacks):
    lazy = [replace(image, pixels=da.from_array(image.pixels, chunks=7)) for image in stacks]
    for images in (stacks, lazy):
        found = run(assess_job(images[1], clean=images[0], noisy=images[0], data_range=100))
        assert found.scores.overall.psnr == pytest.approx(17.5, abs=2)
        assert found.found["residual"].std == pytest.approx(13.2, abs=0.5)


def test_another_shape_is_refused_in_words(clean, noisy):
    with pytest.raises(InputError, match=r"noisy has shape \(100, 192\), clean \(192, 192\)"):
        run(assess_job(replace(noisy, pixels=noisy.pixels[:100]), clean=clean, data_range=1))


def test_another_pixel_size_is_refused_but_an_unknown_one_is_not(clean, noisy):
    finer = replace(noisy, scale=(0.1, 0.05))
    with pytest.raises(InputError, match=r"0.05 µm along X, one of clean 0.1 µm"):
        run(assess_job(finer, clean=clean, data_range=1))
    in_nanometers = replace(noisy, scale=(100, 100), units=("nm", "nm"))
    uncalibrated = replace(noisy, units=("pixel", "pixel"))
    for image in (in_nanometers, uncalibrated):
        assert run(assess_job(image, clean=clean, data_range=1, metrics={SCORES})).scores


def test_what_a_small_plane_is_too_small_for_is_said_and_the_rest_measured(noisy):
    tiny = replace(noisy, pixels=noisy.pixels[:9, :9])
    found = run(assess_job(tiny))
    assert "at least 16 × 16" in found.missing["resolution"]
    assert math.isnan(found.found["checkerboard"])


@pytest.mark.parametrize("value", [np.nan, 7.0])
def test_one_pixel_is_measured_or_refused_in_words(value):
    pixel, clean = Image(np.full((1, 1), value), "YX"), Image(np.full((1, 1), 2.0), "YX")
    job = assess_job(pixel, clean=clean, noisy=clean, data_range=10)
    if math.isnan(value):
        with pytest.raises(InputError, match="NaN"):
            run(job)
    else:
        assert run(job).scores.overall.psnr == pytest.approx(20 * math.log10(2))


def test_a_constant_reference_gives_no_range_of_its_own(noisy, clean):
    flat = replace(clean, pixels=np.ones_like(clean.pixels))
    with pytest.raises(InputError, match="Give a value of your own"):
        run(assess_job(noisy, clean=flat))


def test_progress_only_goes_forwards_and_comes_often(clean, noisy, denoised):
    job = assess_job(denoised, clean=clean, noisy=noisy, data_range=200)
    fractions = [event.fraction for event in job]
    assert fractions == sorted(fractions)
    assert len(fractions) > 30


def test_a_denoiser_is_had_again_from_a_recipe_or_not_at_all(denoised, tmp_path):
    assert denoiser_of(denoised.recipe).sigma == 1.0
    stored = Recipe.model_validate_json(denoised.recipe.model_dump_json())
    inner = {"name": "stabilized", "denoiser": stored.settings}
    assert denoiser_of(stored.model_copy(update={"settings": inner})).label == "stabilized Gaussian"
    for settings in (
        {"name": "unknown"},
        {"name": "gaussian", "sigma": "wide"},
        {"name": "model", "path": str(tmp_path / "gone.safetensors")},
    ):
        assert denoiser_of(stored.model_copy(update={"settings": settings})) is None
    assert denoiser_of(stored.model_copy(update={"operation": "simulate"})) is None
    assert denoiser_of(None) is None
