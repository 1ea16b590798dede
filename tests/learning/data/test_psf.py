"""The PSF that is learned with: centred, of a sum of one, and refused where it cannot be used."""

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_denoise.core.axes import Layout
from napari_denoise.core.errors import FileError, InputError, SettingsError
from napari_denoise.core.image import Image
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.psf import gaussian_psf, measured_psf
from napari_denoise.learning.methods import N2V, DecoNoising

PATCH = (64, 64)
OPTICS = {"numerical_aperture": 1.4, "wavelength_nm": 520}


def bead(shape=(21, 21), centre=(9, 12), sigma=(1.0, 1.5), height=1000.0):
    grids = np.indices(shape)
    distances = [((g - c) / s) ** 2 for g, c, s in zip(grids, centre, sigma, strict=True)]
    return height * np.exp(-0.5 * sum(distances))


def an_image(layout=Layout("YX"), pixel_size_um=()):  # noqa: B008  # frozen
    units = ("micrometer",) * len(pixel_size_um)
    pixels = np.zeros((8,) * len(layout.axes))
    image = Image(pixels, layout.axes, scale=pixel_size_um, units=units, name="cells")
    return TrainingImage(image, layout)


def widths(psf):
    """Standard deviation along each axis."""
    grids = [g - (n // 2) for g, n in zip(np.indices(psf.shape), psf.shape, strict=True)]
    return [np.sqrt((psf * grid**2).sum()) for grid in grids]


def test_a_gaussian_is_centred_sums_to_one_and_has_its_width():
    psf = gaussian_psf((1.0, 2.0), PATCH)
    assert psf.shape == (7, 13)
    assert psf.sum() == pytest.approx(1, abs=1e-6)
    assert widths(psf) == pytest.approx([1.0, 2.0], rel=0.03)
    np.testing.assert_array_equal(psf, psf[::-1, ::-1])


def test_a_gaussian_is_cut_where_planes_are_few_and_left_out_where_there_is_one():
    assert gaussian_psf((1.0, 1.0, 1.0), (4, 32, 32)).shape == (3, 7, 7)
    assert gaussian_psf((1.0, 1.0, 1.0), (1, 32, 32)).shape == (1, 7, 7)


def test_a_gaussian_wider_than_the_patch_is_refused():
    with pytest.raises(SettingsError, match=r"blur of 3 pixels .* patches of 4 × 32 × 32"):
        gaussian_psf((3.0, 1.0, 1.0), (4, 32, 32))


def test_a_measured_psf_loses_its_background_and_its_surroundings_and_is_centred(rng):
    psf = measured_psf(bead() + 100 + rng.normal(0, 1, (21, 21)), 2)
    assert all(size % 2 == 1 for size in psf.shape)
    assert psf.sum() == pytest.approx(1, abs=1e-6)
    assert np.unravel_index(psf.argmax(), psf.shape) == tuple(n // 2 for n in psf.shape)
    assert widths(psf) == pytest.approx([1.0, 1.5], rel=0.1)


def test_a_psf_near_the_border_of_its_image_stays_whole():
    psf = measured_psf(bead(centre=(2, 12)) + 100, 2)
    whole = measured_psf(bead() + 100, 2)
    assert psf.shape == whole.shape
    assert np.abs(psf - whole).max() < 0.01


def test_a_psf_of_a_sum_of_one_keeps_its_values_up_to_its_border():
    kernel = gaussian_psf((1.5, 1.5), (5, 5))
    np.testing.assert_allclose(measured_psf(kernel, 2), kernel, rtol=1e-5)


def test_a_volume_stored_with_empty_axes_is_a_psf():
    volume = ndimage.gaussian_filter(np.pad(np.ones((1, 1, 1)), 10), (2, 1, 1))
    psf = measured_psf(volume[np.newaxis, np.newaxis], 3)
    assert psf.ndim == 3
    assert psf.shape[0] > psf.shape[1] == psf.shape[2]


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((9, 9)), "PSF is empty"),
        (np.full((9, 9), 7), "PSF is empty"),
        (np.full((9, 9), np.nan), "PSF has 81 pixels"),
        (np.ones((3, 9, 9)), "2 spatial axes"),
        (np.ones(9), "2 spatial axes"),
    ],
)
def test_what_is_no_psf_is_refused(pixels, words):
    with pytest.raises(InputError, match=words):
        measured_psf(pixels, 2)


def test_a_measured_psf_larger_than_the_patch_is_refused():
    with pytest.raises(SettingsError, match=r"PSF spreads over \d+ × \d+ pixels.* 6 × 6"):
        DecoNoising().make_psf([an_image()], (6, 6), bead())


def test_a_measured_psf_comes_from_a_file(tmp_path):
    tifffile.imwrite(tmp_path / "psf.tif", bead().astype(np.float32))
    method = DecoNoising(psf_path=tmp_path / "psf.tif")
    psf = method.make_psf([an_image()], PATCH)
    np.testing.assert_array_equal(psf, measured_psf(bead().astype(np.float32), 2))
    with pytest.raises(FileError, match=r"no file .*nowhere\.tif"):
        DecoNoising(psf_path=tmp_path / "nowhere.tif").make_psf([an_image()], PATCH)


def test_optics_and_pixel_size_tell_the_blur_of_planes_and_volumes():
    method = DecoNoising(**OPTICS, microscope="widefield")
    plane = method.make_psf([an_image(pixel_size_um=(0.05, 0.05))], PATCH)
    assert widths(plane) == pytest.approx([1.67, 1.67], rel=0.03)
    layout = Layout("ZYX", "ZYX")
    image = an_image(layout, pixel_size_um=(0.2, 0.05, 0.05))
    volume = method.make_psf([image], (16, 32, 32))
    assert widths(volume) == pytest.approx([1.57, 1.67, 1.67], rel=0.04)


def test_optics_without_a_pixel_size_are_refused():
    method = DecoNoising(**OPTICS)
    with pytest.raises(SettingsError, match="size of a pixel of cells in micrometers"):
        method.make_psf([an_image()], PATCH)
    sizes = [an_image(pixel_size_um=(size, size)) for size in (0.05, 0.1)]
    with pytest.raises(SettingsError, match="that of all images"):
        method.make_psf(sizes, PATCH)


def test_settings_that_name_the_blur_by_halves_or_twice_are_refused():
    with pytest.raises(ValueError, match="together"):
        DecoNoising(numerical_aperture=1.4)
    with pytest.raises(ValueError, match="either psf_path or numerical_aperture"):
        DecoNoising(**OPTICS, psf_path="psf.tif")


def test_a_psf_for_a_method_that_has_no_use_for_it_is_refused():
    with pytest.raises(SettingsError, match="Noise2Void has no use for a PSF"):
        N2V().make_psf([an_image()], PATCH, bead())
    assert N2V().make_psf([an_image()], PATCH) is None
