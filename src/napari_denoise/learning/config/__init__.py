"""What a user chooses about training: one settings class per method, free of torch."""

from typing import Annotated

from pydantic import Field

from napari_denoise.learning.config.autoencoding import Autoencoder
from napari_denoise.learning.config.blind_spot import N2V, N2V2, BlindSpotMethod, StructN2V
from napari_denoise.learning.config.deconvolving import DECONVOLVED, DecoNoising
from napari_denoise.learning.config.generative import SAMPLE, SAMPLES, DivNoising
from napari_denoise.learning.config.method import UNCERTAINTY, TrainingMethod
from napari_denoise.learning.config.paired import CARE, N2N, PairedMethod
from napari_denoise.learning.config.probabilistic import IDR, PN2V, ProbabilisticMethod
from napari_denoise.learning.config.zero_shot import Noise2Fast

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
