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
    "axes": ("Layout",),
    "comparison": ("Outcome", "compare_methods"),
    "denoiser": ("Denoised", "Denoiser", "denoise"),
    "errors": (
        "AxesError",
        "DenoiseError",
        "DeviceError",
        "FileError",
        "InputError",
        "ModelError",
        "SettingsError",
    ),
    "filters": ("Box", "Gaussian", "Median"),
    "instant.model": ("Instant",),
    "io.folder": ("find_images", "open_images"),
    "io.images": ("Image", "read_image", "write_image"),
    "learning.bundle": ("load_model", "save_model"),
    "learning.config": (
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
    "learning.training": ("TrainingImage", "train"),
    "learning.zoo": ("ZooCard", "ZooDenoiser", "export_model"),
    "metrics": ("Scores", "compare", "nrmse", "psnr", "ssim"),
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
        "add_noise",
        "calibrate",
        "calibrate_repeats",
        "dose_series",
    ),
    "progress": ("Progress", "Request", "run"),
    "recipe": ("Recipe",),
    "tuning": ("Tuned", "tune"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605  # a list of text all the same


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from napari_denoise.recipe import software_version  # noqa: PLC0415

        return software_version()
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
