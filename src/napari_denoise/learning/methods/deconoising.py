"""Methods that also learn what the microscope has blurred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self

from annotated_types import Ge, Gt, Le, Len
from pydantic import model_validator

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.optics import Microscope, blur_sigmas_um
from napari_denoise.core.settings import PerAxis, per_axis, setting
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.psf import check_psf_size, gaussian_psf, measured_psf
from napari_denoise.learning.methods.n2v import BlindSpotMethod
from napari_denoise.learning.networks.architecture import Architecture, UNetArchitecture
from napari_denoise.learning.normalization.light import Light

__all__ = ["DECONVOLVED", "BlurredArchitecture", "DecoNoising"]

DECONVOLVED = "deconvolved"
"""The output that is the image as it was before the microscope blurred it."""


class BlurredArchitecture(Architecture):
    """Shape of a network whose answer is blurred by a PSF in the end.

    Attributes
    ----------
    sharp : UNetArchitecture
        Of the U-Net that answers.
    psf_size : tuple of int
        Pixels of the PSF per spatial axis, odd.
    """

    network_class: ClassVar[str] = "napari_denoise.learning.networks.blurred:BlurredNetwork"

    name: Literal["blurred"] = "blurred"
    sharp: UNetArchitecture
    psf_size: Annotated[tuple[Annotated[int, Ge(1), Le(1023)], ...], Len(2, 3)]

    @model_validator(mode="after")
    def _has_a_centre(self) -> Self:
        if len(self.psf_size) != self.n_spatial or any(size % 2 == 0 for size in self.psf_size):
            raise ValueError("the PSF needs an odd size along each spatial axis")
        return self

    @property
    def n_channels(self) -> int:
        """Channels of the image that it reads and writes together."""
        return self.sharp.n_channels

    @property
    def n_spatial(self) -> int:
        """Two or three."""
        return self.sharp.n_spatial

    def alignment(self) -> tuple[int, ...]:
        """By how much the deepest level has shrunk the image, per spatial axis."""
        return self.sharp.alignment()

    def halo(self) -> tuple[int, ...]:
        """How many pixels around a pixel can change it, per spatial axis."""
        pairs = zip(self.sharp.halo(), self.psf_size, strict=True)
        return tuple(halo + size // 2 for halo, size in pairs)

    def n_values_held(self, tile: Sequence[int], core: Sequence[int]) -> float:
        """All of the sharp image is needed to blur it."""
        del core
        return self.sharp.n_values_held(tile, tile)


class DecoNoising(BlindSpotMethod):
    """DecoNoising: Noise2Void whose result, blurred as by the microscope, explains the image.

    It learns from the noisy image alone. A network that answers with the sharp image, which is
    then blurred, can leave no patterns finer than the microscope resolves.
    """

    title: ClassVar[str] = "DecoNoising"
    citation: ClassVar[str] = "Goncharova et al. 2020, arXiv:2008.08414"
    outputs: ClassVar[tuple[str, ...]] = ("image", DECONVOLVED)
    strategy_class: ClassVar[str] = "napari_denoise.learning.losses.blurred:WithBlur"
    built_of = ((BlurredArchitecture, Light),)
    takes_psf: ClassVar[bool] = True
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
    # On five confocal images 1.0 is the best of 0.5, 1.0 and 1.5: 36.76, 36.47 and 36.46 dB.
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
    # Oil: high apertures, where the blur matters most, are mostly those of oil lenses.
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
    # As in the paper. Trade-off: more keeps the sharp image from ringing, and pulls it off the
    # background.
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
    # Weighing gains 0.1 dB on two images of three (33.88 and 33.79 on BPAE_G).
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

    def make_psf(
        self, images: Sequence[TrainingImage], patch_size: Sequence[int], measured: Any = None
    ) -> FloatArray:
        if measured is None and self.psf_path is not None:
            # Imported here: most trainings read no file.
            from napari_denoise.io.images import read_image  # noqa: PLC0415

            measured = read_image(self.psf_path).pixels
        if measured is None:
            return gaussian_psf(self._sigmas(images, len(patch_size)), patch_size)
        # A bead's image is as large as it was cropped; what counts is where its light is.
        psf = measured_psf(measured, len(patch_size))
        check_psf_size(psf, patch_size)
        return psf

    def _sigmas(self, images: Sequence[TrainingImage], n_spatial: int) -> tuple[float, ...]:
        """The blur per spatial axis, in pixels."""
        if self.numerical_aperture is None or self.wavelength_nm is None:
            return per_axis(self.psf_sigma, n_spatial, "psf_sigma")
        axial, lateral = blur_sigmas_um(
            numerical_aperture=self.numerical_aperture,
            wavelength_nm=self.wavelength_nm,
            refractive_index=self.refractive_index,
            microscope=self.microscope,
        )
        sizes, *others = (each.image.pixel_sizes_um(each.layout.spatial) for each in images)
        if not sizes or any(other != sizes for other in others):
            raise SettingsError(
                f"To tell the blur from the numerical aperture, the size of a pixel of "
                f"{images[0].name} in micrometers has to be known along "
                f"{images[0].layout.spatial}, and be that of all images. Give psf_sigma in pixels "
                f"instead."
            )
        blurs = (axial, lateral, lateral)[-n_spatial:]
        return tuple(blur / size for blur, size in zip(blurs, sizes, strict=True))
