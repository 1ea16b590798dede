"""Denoise fluorescence microscopy images, and know how good the result is.

The names below are the public ones. They are loaded when first used, so that importing the
package costs nothing: neither torch nor Qt nor napari.

>>> from napari_denoise import Instant, Layout, denoise, run
>>> clean = run(denoise(Instant(), image, Layout("ZYX"))).image  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "core.axes": ("Layout",),
    "evaluation.comparison": ("Outcome", "compare_methods_job"),
    "core.denoiser": ("Denoised", "Denoiser", "denoise_job"),
    "core.errors": (
        "AxesError",
        "DenoiseError",
        "DeviceError",
        "FileError",
        "InputError",
        "ModelError",
        "SettingsError",
    ),
    "filters": ("Box", "Gaussian", "Median"),
    "instant.denoiser": ("Instant",),
    "io.folder": ("find_images", "open_images_job"),
    "core.image": ("Image",),
    "io.images": ("read_image", "write_image"),
    "learning.models.file": ("load_model", "save_model"),
    "learning.methods": (
        "CARE",
        "IDR",
        "N2N",
        "N2V",
        "N2V2",
        "PN2V",
        "Autoencoder",
        "DecoNoising",
        "DivNoising",
        "Noise2Fast",
        "StructN2V",
    ),
    "learning.prediction": ("ModelDenoiser",),
    "learning.training.job": ("TrainingImage", "train_job"),
    "learning.models.zoo": ("ZooCard", "ZooDenoiser", "export_model_job"),
    "metrics": ("Scores", "compare_job", "nrmse", "psnr", "ssim"),
    "noise": (
        "Bleaching",
        "Calibration",
        "CameraNoise",
        "CorrelatedNoise",
        "GaussianNoise",
        "GeneralizedAnscombe",
        "PoissonNoise",
        "SaltAndPepperNoise",
        "ScmosNoise",
        "SpeckleNoise",
        "StripeNoise",
        "add_noise_job",
        "calibrate_job",
        "calibrate_repeats_job",
        "dose_series_job",
    ),
    "core.progress": ("Progress", "Request", "run"),
    "core.recipe": ("Recipe",),
    "filters.tuning.search": ("Tuned", "tune_job"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605  # a list of text all the same


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from napari_denoise.core.recipe import software_version  # noqa: PLC0415

        return software_version()
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
