"""What a user chooses about training: one settings class per method, free of torch."""

from typing import Annotated

from pydantic import Field

from napari_denoise.learning.methods.autoencoder import Autoencoder
from napari_denoise.learning.methods.base import UNCERTAINTY, TrainingMethod
from napari_denoise.learning.methods.care import CARE, N2N, PairedMethod
from napari_denoise.learning.methods.deconoising import DECONVOLVED, DecoNoising
from napari_denoise.learning.methods.divnoising import SAMPLE, SAMPLES, DivNoising
from napari_denoise.learning.methods.n2v import N2V, N2V2, BlindSpotMethod, StructN2V
from napari_denoise.learning.methods.noise2fast import Noise2Fast
from napari_denoise.learning.methods.pn2v import IDR, PN2V, ProbabilisticMethod

__all__ = [
    "CARE",
    "DECONVOLVED",
    "IDR",
    "N2N",
    "N2V",
    "N2V2",
    "PN2V",
    "SAMPLE",
    "SAMPLES",
    "UNCERTAINTY",
    "AnyMethod",
    "Autoencoder",
    "BlindSpotMethod",
    "DecoNoising",
    "DivNoising",
    "Noise2Fast",
    "PairedMethod",
    "ProbabilisticMethod",
    "StructN2V",
    "TrainingMethod",
]

AnyMethod = Annotated[
    N2V
    | N2V2
    | StructN2V
    | PN2V
    | IDR
    | Noise2Fast
    | N2N
    | CARE
    | Autoencoder
    | DecoNoising
    | DivNoising,
    Field(discriminator="name"),
]
"""What a model file may name."""
