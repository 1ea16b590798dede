"""What a user chooses about training: one settings class per method, free of torch."""

from napari_denoise.core.settings import class_named
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
    "METHODS",
    "N2N",
    "N2V",
    "N2V2",
    "PN2V",
    "SAMPLE",
    "SAMPLES",
    "UNCERTAINTY",
    "Autoencoder",
    "BlindSpotMethod",
    "DecoNoising",
    "DivNoising",
    "Noise2Fast",
    "PairedMethod",
    "ProbabilisticMethod",
    "StructN2V",
    "TrainingMethod",
    "is_known",
    "method_class",
    "register_method",
]

METHODS: tuple[type[TrainingMethod], ...] = (
    N2V,
    N2V2,
    StructN2V,
    Noise2Fast,
    PN2V,
    IDR,
    DivNoising,
    DecoNoising,
    N2N,
    CARE,
    Autoencoder,
)
"""Ways to train a model, which then is a denoiser; those that come along."""

_registered: dict[str, type[TrainingMethod]] = {method.tag(): method for method in METHODS}


def register_method(method: type[TrainingMethod]) -> None:
    """Let files with models of a further method be read; the latest one of a name counts."""
    _registered[method.tag()] = method


def is_known(name: str) -> bool:
    """Whether there is a method called `name`, of ours or registered."""
    return name in _registered


def method_class(name: str) -> type[TrainingMethod]:
    """The training method called `name`; SettingsError if there is none."""
    return class_named(tuple(_registered.values()), name, "learned method")
