"""The check of intensities that follows denoising."""

import numpy as np

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoised, denoise_job
from napari_denoise.core.image import Image
from napari_denoise.core.progress import run
from napari_denoise.evaluation import checked_job
from napari_denoise.filters import Gaussian
from napari_denoise.metrics import check_photometry_job


def test_the_verdict_is_that_of_the_photometric_check(noisy):
    job = denoise_job(Gaussian(sigma=1.0), noisy.pixels, Layout("YX"))
    found = run(checked_job(job, noisy))
    assert found.photometry == run(check_photometry_job(noisy.pixels, found.denoised.image.pixels))
    assert found.photometry.is_safe


def test_planes_are_found_in_any_order_of_axes(noisy):
    film = np.stack([noisy.pixels, noisy.pixels * 2], axis=-1)
    result = film.copy()
    result[..., 1] *= 1.1

    def job():
        yield from ()
        return Denoised(Image(result, "YXT"), 3)

    found = run(checked_job(job(), Image(film, "YXT")))
    assert not found.photometry.is_safe
    assert found.photometry.worst_plane == (1,)
    assert found.photometry.n_clipped >= 3


def test_of_several_results_one_is_checked(noisy):
    def job():
        yield from ()
        return Denoised(Image(np.stack([noisy.pixels * 1.1, noisy.pixels]), "SYX"), 0)

    assert not run(checked_job(job(), noisy)).photometry.is_safe


def test_a_result_that_cannot_be_checked_is_not_lost(noisy):
    broken = np.full_like(noisy.pixels, np.nan)

    def job():
        yield from ()
        return Denoised(Image(broken, "YX"), 0)

    found = run(checked_job(job(), noisy))
    assert found.denoised.image.pixels is broken
    assert found.photometry is None
