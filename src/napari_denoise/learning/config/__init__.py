"""What a user chooses about training: one settings class per method, free of torch."""

from typing import Annotated

from pydantic import Field

from napari_denoise.learning.config.blind_spot import N2V, BlindSpotMethod
from napari_denoise.learning.config.deconvolving import DECONVOLVED, DecoNoising
from napari_denoise.learning.config.method import UNCERTAINTY, TrainingMethod
from napari_denoise.learning.config.paired import CARE, N2N, PairedMethod

__all__ = [
    "CARE",
    "DECONVOLVED",
    "N2N",
    "N2V",
    "UNCERTAINTY",
    "AnyMethod",
    "BlindSpotMethod",
    "DecoNoising",
    "PairedMethod",
    "TrainingMethod",
]

AnyMethod = Annotated[N2V | N2N | CARE | DecoNoising, Field(discriminator="name")]
"""What a model file may name."""
