"""What a notebook calls: a line for each job, which returns when the work is done.

Every function takes an image as it comes from :func:`~napari_denoise.io.images.read_image`, or a
plain array with its axes named, and gives back a value. The jobs behind them, which docks and
services run step by step, are the functions whose names end in ``_job``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, denoise_job
from napari_denoise.core.errors import SettingsError
from napari_denoise.core.image import Image, as_image
from napari_denoise.core.progress import Progress, Request, TextBar, run
from napari_denoise.core.recipe import Recipe
from napari_denoise.core.settings import make_settings
from napari_denoise.evaluation import Assessment, assess_job
from napari_denoise.filters.tuning.search import Tuned, tune_job
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.models.model import Model
from napari_denoise.learning.models.zoo import ZooDenoiser, denoiser_class_of
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.noise import Calibration, add_noise_job, calibrate_job, calibrate_repeats_job
from napari_denoise.registry import make_denoiser, method_class

if TYPE_CHECKING:
    from napari_denoise.core.progress import Job
    from napari_denoise.noise.simulation.job import Noises

__all__ = ["add_noise", "calibrate", "denoise", "measure", "train", "tune"]

T = TypeVar("T")
Shown = bool | Callable[[Progress], Request | None]
Channels = Literal["independent", "joint"]

_MODEL_FILES = (".safetensors", ".zip")


def denoise(  # what can be said of the image, the method and the result
    image: Any,
    method: str | Path | Denoiser | Model = "instant",
    *,
    axes: str | None = None,
    spatial: str | None = None,
    channels: Channels = "independent",
    stabilize: bool | None = None,
    dtype: npt.DTypeLike = np.float32,
    progress: Shown = False,
    **settings: Any,
) -> Image:
    """Denoise an image.

    Parameters
    ----------
    image : Image or array-like, any real dtype
        May be lazy (dask, zarr, memory-mapped); it is read tile by tile.
    method : str, Path, Denoiser or Model
        The name of a denoiser, such as "instant" or "nlm"; a model, or its file; or complete
        settings.
    axes : str, optional
        One letter out of ``STCZYX`` per axis; needed for arrays of more than two axes.
    spatial : str, optional
        The axes the method treats as space: "YX" (the default), "ZYX", or "TYX" for time as
        depth. A model knows its own.
    channels : {"independent", "joint"}
        Whether the method sees one channel at a time, or all at once.
    stabilize : bool, optional
        Whether photon noise is evened out first. By default it is for filters that expect noise
        of the same strength everywhere.
    dtype : dtype, default float32
        Of the result. Integer types round and saturate.
    progress : bool or callable
        True for a bar with the time left; or a function that is given each event.
    **settings
        Of the method, where its name is given.

    Returns
    -------
    Image
        In the input's units, axes and shape, in memory, with its recipe.

    Raises
    ------
    SettingsError
        If there is no such method or setting, or a value is out of bounds.
    AxesError, InputError
        If the axes do not fit, or the pixels cannot be used.
    """
    source = as_image(image, axes)
    denoiser = _denoiser(method, settings, stabilize=stabilize)
    # A model was trained on planes or on volumes, one channel or several: it knows which.
    if spatial is None and isinstance(denoiser, ModelDenoiser | ZooDenoiser):
        layout = denoiser.layout_for(source.axes)
    else:
        layout = Layout(source.axes, spatial or "YX", channels)
    return _finish(denoise_job(denoiser, source, layout, dtype=dtype), progress).image


def _denoiser(method: Any, settings: dict[str, Any], *, stabilize: bool | None) -> Denoiser:
    if isinstance(method, Model):
        return ModelDenoiser.of(method, **settings)
    if isinstance(method, Path) or (isinstance(method, str) and method.endswith(_MODEL_FILES)):
        return make_settings(denoiser_class_of(method), {"path": method, **settings})
    if not isinstance(method, str | Denoiser):
        kind = type(method).__name__
        raise SettingsError(
            f'A {kind} was given where a method is needed. Give a name, such as "instant", '
            f"settings, or a model."
        )
    return make_denoiser(method, settings, stabilize=stabilize)


def train(  # noqa: PLR0913  # what can be said of the images, the method and the training
    images: Any,
    method: str | TrainingMethod = "n2v",
    *,
    targets: Any = None,
    steps: int | None = None,
    axes: str | None = None,
    spatial: str = "YX",
    channels: Channels = "independent",
    seed: int = 0,
    device: str = "auto",
    progress: Shown = False,
    **settings: Any,
) -> Model:
    """Train a network on an image, or on several.

    Parameters
    ----------
    images : Image or array-like, or a list of them
    method : str or TrainingMethod
        A learned method's name, or its complete settings.
    targets : Image or array-like, or a list of them, optional
        For methods that learn from pairs: the other image of each.
    steps : int, optional
        How many training steps are done, where the method's name is given; as the method has it
        if unset.
    axes : str, optional
        Of arrays; as for :func:`denoise`.
    spatial : str
        The axes the network treats as space: "YX", "ZYX" or "TYX".
    channels : {"independent", "joint"}
        Whether the network sees one channel at a time, or all at once.
    seed : int
        Of all random numbers; the same seed on the same device gives the same model.
    device : str
        "auto", "cpu", "cuda:0", "mps".
    progress : bool or callable
        As for :func:`denoise`.
    **settings
        Of the method, where its name is given, such as ``patch_size=32``.

    Raises
    ------
    SettingsError, AxesError, InputError
        If the settings or the images do not fit.
    DeviceError
        If the device cannot compute, or runs out of memory.
    """
    # Imported here: torch takes seconds, and filters do without.
    from napari_denoise.learning.training.job import TrainingImage, train_job  # noqa: PLC0415

    if steps is not None:
        settings["n_steps"] = steps
    chosen = _training_method(method, settings)
    sources = [as_image(each, axes, name="image") for each in _several(images)]
    wanted: Sequence[Any] = [None] * len(sources) if targets is None else _several(targets)
    if len(wanted) != len(sources):
        raise SettingsError(
            f"There are {len(sources)} images and {len(wanted)} targets. Give one for each."
        )
    pairs = [
        TrainingImage(
            source,
            Layout(source.axes, spatial, channels),
            _beside(source, target, axes),
        )
        for source, target in zip(sources, wanted, strict=True)
    ]
    return _finish(train_job(chosen, pairs, seed=seed, device=device), progress)


def _training_method(method: str | TrainingMethod, settings: dict[str, Any]) -> TrainingMethod:
    if isinstance(method, TrainingMethod):
        if settings:
            raise SettingsError("Settings were given twice. Give them once.")
        return method
    return make_settings(method_class(method), settings)


def measure(
    image: Any,
    reference: Any = None,
    *,
    noisy: Any = None,
    data_range: float | None = None,
    axes: str | None = None,
    progress: Shown = False,
) -> Assessment:
    """Measure how good an image is, with a clean one beside it or without.

    Parameters
    ----------
    image : Image or array-like
        What is measured.
    reference : Image or array-like, optional
        The same scene without noise: for PSNR, SSIM and the like. An array has the axes of
        `image`, unless `axes` says otherwise.
    noisy : Image or array-like, optional
        What `image` was made from: for photometry and the residual.
    data_range : float, optional
        Difference of the largest and smallest possible intensity, which PSNR and SSIM are
        relative to; the reference's maximum minus its minimum if it is not given.
    axes : str, optional
        Of arrays; as for :func:`denoise`.
    progress : bool or callable
        As for :func:`denoise`.

    Returns
    -------
    Assessment
        Numbers by name from ``to_dict()``; a table in a notebook.

    Raises
    ------
    InputError
        If shapes or scales differ, a pixel is not finite, or the data range is not positive.
    """
    measured = as_image(image, axes)
    clean, before = (_beside(measured, each, axes) for each in (reference, noisy))
    job = assess_job(measured, clean=clean, noisy=before, data_range=data_range)
    return _finish(job, progress)


def calibrate(
    image: Any,
    *,
    axes: str | None = None,
    channel: int | None = None,
    is_repeated: bool = False,
    dark: Any = None,
    progress: Shown = False,
) -> Calibration:
    """Measure a camera's gain, offset and read noise on one of its images.

    Parameters
    ----------
    image : Image or array-like, in DN
    axes : str, optional
        Of an array; as for :func:`denoise`.
    channel : int, optional
        Which channel, from 0; needed if there are several.
    is_repeated : bool
        Whether the frames along T show one unchanging field, which tells more.
    dark : Image or array-like, optional
        Frames without light, if the field is repeated.
    progress : bool or callable
        As for :func:`denoise`.

    Raises
    ------
    InputError, AxesError
        If the noise cannot be measured on the image, or its axes do not fit.
    """
    source = as_image(image, axes)
    if is_repeated:
        darkness = None if dark is None else np.asarray(dark)
        job = calibrate_repeats_job(source.pixels, source.axes, dark=darkness, channel=channel)
    else:
        job = calibrate_job(source.pixels, source.axes, channel=channel)
    return _finish(job, progress)


def add_noise(
    image: Any,
    noise: Noises,
    *,
    axes: str | None = None,
    seed: int = 0,
    dtype: npt.DTypeLike | None = None,
    progress: Shown = False,
) -> Image:
    """Simulate what a detector would have recorded of a clean image.

    Parameters
    ----------
    image : Image or array-like
    noise : noise model, or sequence of them
        Several are added in order.
    axes : str, optional
        Of an array; as for :func:`denoise`.
    seed : int
        The same seed gives the same noise.
    dtype : dtype, optional
        Of the result; that of the image if not given. Integer types round and saturate.
    progress : bool or callable
        As for :func:`denoise`.

    Raises
    ------
    InputError, AxesError
        If the pixels or the axes do not fit.
    """
    source, rng = as_image(image, axes), np.random.default_rng(seed)
    job = add_noise_job(noise, source.pixels, rng=rng, axes=source.axes, dtype=dtype)
    pixels = _finish(job, progress).image
    recipe = source.recipe
    for model in noise if isinstance(noise, Sequence) else [noise]:
        about = {"source": source.name, "dtype": str(pixels.dtype), "seed": seed}
        recipe = Recipe.of("simulate", model, Layout(source.axes), **about, previous=recipe)
    return source.with_pixels(pixels, recipe=recipe)


def tune(
    image: Any,
    method: str | Denoiser,
    *,
    axes: str | None = None,
    spatial: str = "YX",
    stabilize: bool | None = None,
    progress: Shown = False,
    **settings: Any,
) -> Tuned:
    """Find the settings of a filter that suit an image; no clean image is needed.

    Parameters
    ----------
    image : Image or array-like
    method : str or Denoiser
        A filter's name, or its settings.
    axes, spatial, stabilize, progress
        As for :func:`denoise`.
    **settings
        What is to stay as it is, where a name is given.

    Returns
    -------
    Tuned
        Its ``denoiser`` is what :func:`denoise` takes.

    Raises
    ------
    SettingsError
        If the method has no setting that can be tuned.
    InputError
        If the image is too small, or has no noise.
    """
    source = as_image(image, axes)
    denoiser = make_denoiser(method, settings, stabilize=stabilize)
    job = tune_job(denoiser, source.pixels, Layout(source.axes, spatial), keep=settings)
    return _finish(job, progress)


def _beside(image: Image, other: Any, axes: str | None) -> Image | None:
    """Another image of the same scene; an array has the same axes, unless they are given."""
    if other is None or isinstance(other, Image):
        return None if other is None else as_image(other, axes)
    return as_image(other, axes or image.axes)


def _several(images: Any) -> list[Any]:
    """A list of images; a single one, which may be an array, in a list of its own."""
    return list(images) if isinstance(images, list | tuple) else [images]


def _finish(job: Job[T], progress: Shown) -> T:
    """Run a job to its end, with what is asked for to show of it."""
    return run(job, TextBar() if progress is True else progress or None)
