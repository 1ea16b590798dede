"""Differences, and what cannot be compared."""

import dask.array as da
import numpy as np
import pytest

from napari_denoise.core.errors import InputError
from napari_denoise.core.progress import run
from napari_denoise.metrics import difference_job


def test_a_difference_of_unsigned_integers_does_not_wrap_around():
    noisy, denoised = np.full((2, 4, 5), 3, np.uint8), np.full((2, 4, 5), 10, np.uint8)
    residual = run(difference_job(noisy, denoised))
    assert residual.image.dtype == np.float32
    assert np.all(residual.image == -7)


def test_the_limit_puts_zero_in_the_middle_of_the_contrast(rng):
    first, second = rng.normal(size=(2, 3, 20, 30))
    result = run(difference_job(da.from_array(first), da.from_array(second)))
    assert result.limit == pytest.approx(np.abs(first - second).max())
    np.testing.assert_allclose(result.image, first - second, rtol=1e-6)


@pytest.mark.parametrize(
    ("image", "subtracted", "says"),
    [
        (np.zeros((3, 4)), np.zeros((4, 3)), r"shape \(3, 4\), the subtracted one \(4, 3\)"),
        (np.zeros(3), np.zeros(3), "at least two axes"),
        (np.zeros((3, 3)), np.full((3, 3), np.inf), "infinite"),
        (np.zeros((3, 3)), np.zeros((3, 3), complex), "The subtracted one has dtype complex"),
    ],
)
def test_what_cannot_be_subtracted_is_refused_in_words(image, subtracted, says):
    with pytest.raises(InputError, match=says):
        run(difference_job(image, subtracted))
