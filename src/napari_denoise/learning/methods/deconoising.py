"""Methods that also learn what the microscope has blurred."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self

from annotated_types import Gt, Le
from pydantic import model_validator

from napari_denoise.core.optics import Microscope
from napari_denoise.core.settings import PerAxis, setting
from napari_denoise.learning.methods.n2v import BlindSpotMethod

__all__ = ["DECONVOLVED", "DecoNoising"]

DECONVOLVED = "deconvolved"
"""The output that is the image as it was before the microscope blurred it."""


class DecoNoising(BlindSpotMethod):
    """DecoNoising: Noise2Void whose result, blurred as by the microscope, explains the image.

    It learns from the noisy image alone. A network that answers with the sharp image, which is
    then blurred, can leave no patterns finer than the microscope resolves.
    """

    title: ClassVar[str] = "DecoNoising"
    citation: ClassVar[str] = "Goncharova et al. 2020, arXiv:2008.08414"
    outputs: ClassVar[tuple[str, ...]] = ("image", DECONVOLVED)
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {
            "paper": MappingProxyType(
                {
                    "n_steps": 2000,  # 200 epochs of 10
                    "batch_size": 20,
                    "patch_size": 100,
                    "learning_rate": 1e-3,
                    "depth": 3,
                    "n_features": 64,
                    "masked_pixel_percentage": 3.0,
                    "replacement": "uniform",
                    "positivity": 1.0,
                    "weighting": "none",
                }
            )
        }
    )

    name: Literal["deconoising"] = "deconoising"
    psf_sigma: PerAxis[Annotated[float, Gt(0), Le(20)]] = setting(
        1.0,
        "Standard deviation of the microscope's blur; one value, or one per axis (Z, Y, X). Not "
        "used where a PSF or a numerical aperture is given.",
        unit="pixels",
        step=0.1,
    )
    psf_path: Path | None = setting(
        None,
        "A measured PSF: the image of a bead, with the pixel size of the images and as many "
        "spatial axes.",
    )
    numerical_aperture: float | None = setting(
        None,
        "Of the objective. With the wavelength and the image's pixel size it tells the blur.",
        gt=0,
        le=2,
        step=0.05,
        advanced=True,
    )
    wavelength_nm: float | None = setting(
        None,
        "Of the light that is recorded.",
        unit="nm",
        ge=100,
        le=2000,
        step=10,
        advanced=True,
    )
    refractive_index: float = setting(
        1.52,
        "Of the immersion: 1 for air, 1.33 for water, 1.52 for oil. Tells the blur along Z.",
        ge=1,
        le=2,
        step=0.01,
        advanced=True,
    )
    microscope: Microscope = setting(
        "confocal", "A confocal microscope blurs less than a wide-field one.", advanced=True
    )
    positivity: float = setting(
        1.0,
        "How much the sharp image is kept from being darker than the background, where no light "
        "can be.",
        ge=0,
        le=1000,
        step=0.1,
        advanced=True,
    )
    background: float | None = setting(
        None,
        "Intensity where there is no light; unset: that of the darkest places of the images.",
        unit="DN",
        ge=-1e9,
        le=1e9,
        advanced=True,
    )
    weighting: Literal["noise", "none"] = setting(
        "noise",
        "How much pixels count: the less the noisier they are, or all alike (the original method).",
        advanced=True,
    )

    @model_validator(mode="after")
    def _knows_one_psf(self) -> Self:
        if (self.numerical_aperture is None) != (self.wavelength_nm is None):
            raise ValueError("give numerical_aperture and wavelength_nm together, or neither")
        if self.psf_path is not None and self.numerical_aperture is not None:
            raise ValueError("give either psf_path or numerical_aperture, not both")
        return self
