"""Maps: where an image is right and where not."""

from dataclasses import replace

import numpy as np
import pytest

from napari_denoise.core.errors import InputError
from napari_denoise.core.image import Image
from napari_denoise.core.progress import run
from napari_denoise.evaluation import MapKind, draw_map_job
from napari_denoise.metrics import ssim_map_job


def test_a_difference_is_signed_and_its_limits_symmetric(clean, denoised):
    found = run(draw_map_job(MapKind.DIFFERENCE, denoised, clean))
    np.testing.assert_allclose(found.pixels, denoised.pixels - clean.pixels, atol=1e-4)
    assert found.limits == (-np.abs(found.pixels).max(), np.abs(found.pixels).max())


def test_an_error_has_no_sign(clean, denoised):
    found = run(draw_map_job(MapKind.ERROR, denoised, clean))
    np.testing.assert_allclose(found.pixels, np.abs(denoised.pixels - clean.pixels), atol=1e-4)
    assert found.limits == (0, found.pixels.max())


def test_a_residual_is_what_was_taken_out(noisy, denoised):
    found = run(draw_map_job(MapKind.RESIDUAL, denoised, noisy))
    np.testing.assert_allclose(found.pixels, noisy.pixels - denoised.pixels, atol=1e-4)
    assert found.limits[0] == -found.limits[1]


def test_similarity_is_that_of_the_metric(clean, denoised):
    found = run(draw_map_job(MapKind.SSIM, denoised, clean, data_range=200))
    expected = run(ssim_map_job(clean.pixels, denoised.pixels, data_range=200))
    np.testing.assert_array_equal(found.pixels, expected)
    assert found.limits == (0, 1)


def test_a_map_has_the_axes_and_shape_of_its_image(rng):
    clean = rng.uniform(0, 9, (2, 3, 12, 14)).astype(np.float32)
    turned = np.moveaxis(clean + 1, (0, 1), (-1, -2))[np.newaxis]
    image = Image(turned, "ZYXCT", name="turned")
    found = run(draw_map_job(MapKind.DIFFERENCE, image, Image(clean, "TCYX", name="clean")))
    assert found.pixels.shape == turned.shape
    np.testing.assert_allclose(found.pixels, 1, atol=1e-5)


def test_the_contrast_leaves_out_a_few_pixels_far_off(clean):
    pixels = clean.pixels + np.linspace(-1, 1, clean.pixels.size).reshape(clean.pixels.shape)
    pixels[3, 3] += 1000
    found = run(draw_map_job(MapKind.DIFFERENCE, replace(clean, pixels=pixels), clean))
    assert found.limits[1] > 900
    assert found.contrast == pytest.approx((-1, 1), abs=0.01)


def test_equal_images_have_limits_that_can_be_shown(clean):
    assert run(draw_map_job(MapKind.DIFFERENCE, clean, clean)).limits == (-1, 1)


def test_another_shape_or_no_range_is_refused(clean, denoised):
    with pytest.raises(InputError, match="Compare images of the same shape"):
        run(draw_map_job(MapKind.ERROR, denoised, replace(clean, pixels=clean.pixels[:9])))
    with pytest.raises(InputError, match="data range of 0"):
        run(draw_map_job(MapKind.SSIM, denoised, clean))
