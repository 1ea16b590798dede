"""Optics: how wide a microscope's blur is."""

import pytest

from napari_denoise.core.errors import SettingsError
from napari_denoise.core.optics import blur_sigmas_um

OIL = {"numerical_aperture": 1.4, "wavelength_nm": 520, "refractive_index": 1.52}


def test_a_wide_field_blur_is_as_in_the_paper():
    axial, lateral = blur_sigmas_um(**OIL, microscope="widefield")
    assert lateral == pytest.approx(0.225 * 0.52 / 1.4, rel=2e-3)
    assert axial == pytest.approx(0.78 * 1.52 * 0.52 / 1.4**2, rel=2e-3)


def test_a_confocal_microscope_blurs_less_and_a_longer_wavelength_more():
    wide = blur_sigmas_um(**OIL, microscope="widefield")
    confocal = blur_sigmas_um(**OIL, microscope="confocal")
    red = blur_sigmas_um(**{**OIL, "wavelength_nm": 650}, microscope="confocal")
    assert all(c < r < w for c, r, w in zip(confocal, red, wide, strict=True))


def test_an_aperture_that_the_immersion_cannot_have_is_refused():
    with pytest.raises(SettingsError, match=r"aperture of 1\.4 .* \(given: 1\.33\)"):
        blur_sigmas_um(**{**OIL, "refractive_index": 1.33}, microscope="confocal")
