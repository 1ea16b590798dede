"""Patterns two pixels wide show, and nothing else does."""

import math

import dask.array as da
import numpy as np
import pytest
from scipy import ndimage

from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import run
from napari_denoise.metrics import checkerboard_score_job


def test_white_noise_has_no_checkerboard_and_smooth_images_even_less(clean, rng):
    noise = rng.normal(size=(256, 256))
    assert run(checkerboard_score_job(noise)) == pytest.approx(1, abs=0.4)
    assert run(checkerboard_score_job(clean)) < 0.5
    assert run(checkerboard_score_job(clean.astype(np.float32))) < 1.5
    assert 2 < run(checkerboard_score_job(ndimage.uniform_filter(noise, 3))) < 4


@pytest.mark.parametrize("pattern", ["rows", "columns", "checkerboard"])
def test_a_pattern_of_two_pixels_shows_far_below_the_noise(pattern, rng):
    y, x = np.mgrid[:256, :256]
    sign = (-1.0) ** {"rows": y, "columns": x, "checkerboard": x + y}[pattern]
    image = rng.normal(size=(256, 256)) + 0.15 * sign
    assert run(checkerboard_score_job(da.from_array(image))) > 2


def test_checkerboards_of_special_images():
    assert run(checkerboard_score_job(np.ones((40, 40)))) == 0
    assert math.isnan(run(checkerboard_score_job(np.ones((31, 400)))))
    y, x = np.mgrid[:64, :64]
    assert run(checkerboard_score_job((-1.0) ** (x + y))) > 1e6
    with pytest.raises(InputError, match="NaN"):
        run(checkerboard_score_job(np.full((40, 40), np.nan)))


def test_the_checkerboard_reports_for_every_row_of_tiles():
    assert len(list(checkerboard_score_job(np.zeros((2, 64, 64))))) == 6
