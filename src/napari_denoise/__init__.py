"""Denoise fluorescence microscopy images, and know how good the result is.

The names below are the public ones. They are loaded when first used, so that importing the
package costs nothing: neither torch nor Qt nor napari. A function whose name ends in ``_job``
returns a generator of progress events that can be stepped, stopped and cancelled; all others
return when the work is done.

>>> import napari_denoise as nd
>>> clean = nd.denoise(nd.read_image("noisy.tif"))  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "_napari.shared.functions": ("add_noise_to_layer", "denoise_layer"),
    "api": ("add_noise", "calibrate", "denoise", "measure", "train", "tune"),
    "core.axes": ("Layout",),
    "core.denoiser": ("Denoised", "Denoiser", "Session", "denoise_job"),
    "core.errors": (
        "AxesError",
        "DenoiseError",
        "DeviceError",
        "FileError",
        "InputError",
        "ModelError",
        "OutOfMemoryError",
        "SettingsError",
    ),
    "core.image": ("Image", "as_image"),
    "core.progress": ("Notice", "Progress", "Request", "Skipped", "run"),
    "core.recipe": ("Recipe",),
    "evaluation": ("Assessment", "assess_job"),
    "evaluation.comparison": ("Outcome", "compare_methods_job"),
    "evaluation.sweep": ("sweep_job",),
    "filters": (
        "BM3D",
        "BM4D",
        "AnisotropicDiffusion",
        "Bilateral",
        "Box",
        "Butterworth",
        "Gaussian",
        "Median",
        "NonLocalMeans",
        "RichardsonLucy",
        "TotalVariation",
        "Wavelet",
        "Wiener",
        "register_filter",
    ),
    "filters.base": ("ChannelFilter", "Filter", "NoiseAwareFilter"),
    "filters.stabilized": ("Stabilized",),
    "filters.tuning.search": ("Tuned", "TuningCurve", "tune_job"),
    "instant.denoiser": ("Instant",),
    "io.folder": ("find_images", "open_images_job"),
    "io.images": ("read_image", "write_image"),
    "learning.models.file": ("load_model", "save_model"),
    "learning.models.model": ("Model",),
    "learning.models.zoo": ("ZooCard", "ZooDenoiser", "export_model_job"),
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
    "metrics": ("Scores", "compare_job", "nrmse", "psnr", "ssim"),
    "noise": (
        "Bleaching",
        "Calibration",
        "CameraNoise",
        "CorrelatedNoise",
        "GaussianNoise",
        "CameraModel",
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
    "registry": ("describe_methods", "make_denoiser"),
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
