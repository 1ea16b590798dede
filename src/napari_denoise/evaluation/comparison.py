"""Many methods on one image, each timed and, against a clean image, measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from napari_denoise.core.axes import Layout
from napari_denoise.core.denoiser import Denoiser, denoise_job
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, nested
from napari_denoise.core.recipe import Recipe
from napari_denoise.learning.methods import TrainingMethod
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.metrics import Scores, compare_job

__all__ = ["Outcome", "compare_methods_job"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one method made of the image.

    Attributes
    ----------
    label : str
        The method's name for people.
    image : Image
        In the axes and units of the input, float32, with the recipe by which to do it again.
    seconds : float
        Wall time in seconds, training included.
    scores : Scores or None
        None where there is no clean image.
    """

    label: str
    image: Image
    seconds: float
    scores: Scores | None


def compare_methods_job(
    methods: Sequence[Denoiser | TrainingMethod],
    image: Any,
    layout: Layout,
    *,
    clean: Any = None,
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
) -> Job[tuple[Outcome, ...]]:
    """Run each method on the image; learned ones are trained on it first.

    Parameters
    ----------
    methods : sequence of Denoiser or TrainingMethod
    image : array-like, axes as in `layout`
        The noisy image.
    clean : array-like, same axes and shape, optional
        With it and `data_range`, each outcome is measured.
    data_range : float, optional
        As for :func:`napari_denoise.metrics.psnr`.
    seed : int
        For methods that draw random numbers.
    device : str
        Where learned methods compute: "auto", "cpu", "cuda:0", "mps".

    Raises
    ------
    DenoiseError
        If the image does not suit one of the methods.
    """
    outcomes = []
    for i, method in enumerate(methods):
        part = i / len(methods), (i + 1) / len(methods)
        job = _try_method(method, image, layout, seed, device)
        label, result, seconds = yield from nested(job, *part, method.title)
        scores = None
        # After the clock has stopped: measuring is no part of the method.
        if clean is not None and data_range is not None:
            measuring = compare_job(clean, result.pixels, data_range=data_range)
            scores = yield from nested(measuring, part[1], part[1], f"measuring {method.title}")
        outcomes.append(Outcome(label, result, seconds, scores))
    return tuple(outcomes)


def _try_method(
    method: Denoiser | TrainingMethod, image: Any, layout: Layout, seed: int, device: str
) -> Job[tuple[str, Image, float]]:
    # Training counts: it is what a user waits for.
    start = time.perf_counter()
    if isinstance(method, TrainingMethod):
        # Imported here: torch takes seconds, and filters do without.
        from napari_denoise.learning.training.job import TrainingImage, train_job  # noqa: PLC0415

        job = train_job(
            method, [TrainingImage.of(image, layout, "image")], seed=seed, device=device
        )
        model = yield from nested(job, 0.0, 0.9)
        denoiser: Denoiser = ModelDenoiser.of(model, device=device)
        result = yield from nested(denoise_job(denoiser, image, layout), 0.9, 1.0)
        # A model in memory has no path to be found at: the recipe says how to train it again.
        recipe = Recipe.of("denoise", method, layout, dtype="float32", seed=seed)
        return method.title, replace(result.image, recipe=recipe), time.perf_counter() - start
    result = yield from denoise_job(method, image, layout)
    return method.title, result.image, time.perf_counter() - start
