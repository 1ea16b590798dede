"""How far a microscope spreads the light of a point, from what is written on its objective."""

from __future__ import annotations

from math import pi, sqrt
from typing import Literal

from napari_denoise.core.errors import SettingsError

__all__ = ["Microscope", "blur_sigmas_um"]

Microscope = Literal["widefield", "confocal"]


def blur_sigmas_um(
    *,
    numerical_aperture: float,
    wavelength_nm: float,
    refractive_index: float,
    microscope: Microscope,
) -> tuple[float, float]:
    """Standard deviations of the Gaussian that comes closest to the PSF, axial and lateral, in µm.

    After Zhang, Zerubia & Olivo-Marin 2007, doi:10.1364/AO.46.001819, who fit the paraxial PSF.
    That of a confocal microscope with a small pinhole is the product of the PSFs of excitation
    and emission, here taken to be alike.

    Parameters
    ----------
    numerical_aperture : float
    wavelength_nm : float
        Of the light that is recorded.
    refractive_index : float
        Of the immersion; larger than the numerical aperture.
    microscope : {"widefield", "confocal"}

    Raises
    ------
    SettingsError
        If the aperture is larger than the immersion allows.
    """
    if numerical_aperture >= refractive_index:
        raise SettingsError(
            f"A numerical aperture of {numerical_aperture:g} needs an immersion of a larger "
            f"refractive index (given: {refractive_index:g}): 1.33 is water, 1.52 oil."
        )
    wave_number = 2 * pi / (wavelength_nm / 1000)
    # The lateral width of the plane in focus; the wide-field volume has the same.
    lateral = sqrt(2) / (wave_number * numerical_aperture)
    axial = 2 * sqrt(6) * refractive_index / (wave_number * numerical_aperture**2)
    # The product of two equal Gaussians is one that is narrower by the root of two.
    narrowing = {"widefield": 1.0, "confocal": sqrt(2)}[microscope]
    return axial / narrowing, lateral / narrowing
