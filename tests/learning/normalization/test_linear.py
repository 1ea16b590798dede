"""One linear map per model, measured without losing digits."""

import numpy as np
import pytest

from napari_denoise.core.errors import InputError
from napari_denoise.learning.normalization.linear import LinearNormalization, measure_normalization


def test_statistics_equal_those_of_all_samples_together(rng):
    samples = [rng.normal(1e6, 3, size=(2, n, 5)).astype(np.float32) for n in (4, 9, 30)]
    together = np.concatenate([s.reshape(2, -1) for s in samples], axis=1).astype(np.float64)
    measured = measure_normalization(samples)
    np.testing.assert_allclose(measured.means, together.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(measured.stds, together.std(axis=1), rtol=1e-9)


def test_undo_brings_the_pixels_back(rng):
    normalization = LinearNormalization(means=(10.0, 2000.0), stds=(3.0, 500.0))
    pixels = rng.uniform(0, 4000, size=(2, 3, 8, 9)).astype(np.float32)
    normalized = normalization.apply(pixels)
    assert normalized.dtype == np.float32
    np.testing.assert_allclose(normalization.undo(normalized), pixels, rtol=1e-5, atol=1e-3)


def test_a_constant_image_is_refused_with_its_value():
    with pytest.raises(InputError, match=r"constant: every pixel that was looked at is 5\."):
        measure_normalization([np.full((1, 8, 8), 5, np.float32)] * 3)


def test_an_empty_channel_beside_others_is_left_as_it_is(rng):
    pixels = np.stack([rng.normal(size=(8, 8)), np.zeros((8, 8))]).astype(np.float32)
    assert measure_normalization([pixels]).stds[1] == 1.0


def test_variation_too_small_for_float32_is_refused(rng):
    pixels = (rng.normal(size=(1, 8, 8)) * 1e-42).astype(np.float32)
    with pytest.raises(InputError, match="Multiply its intensities"):
        measure_normalization([pixels])
