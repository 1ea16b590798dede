"""Iterative data refinement: what a first network makes of the images is what a next one learns.

The first one learns as Noise2Void does. Its result is clean, though not quite right; with noise
drawn anew as the detector makes it, the next one learns to undo just that, on all pixels at once
and without a blind spot. After Zhang et al. 2022, arXiv:2111.14358.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_denoise.core.denoiser import denoise_job
from napari_denoise.core.errors import AxesError, SettingsError
from napari_denoise.core.progress import Job, Request, nested
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.losses.posterior import WithDetector
from napari_denoise.learning.losses.strategy import TrainOnce
from napari_denoise.learning.methods.pn2v import IDR, IDRRound
from napari_denoise.learning.models.model import Model
from napari_denoise.learning.normalization.noise_model import NoiseModelNormalization
from napari_denoise.learning.prediction import ModelDenoiser
from napari_denoise.noise.noise_model import AnyNoiseModel

__all__ = ["Refinement"]


class Refinement(WithDetector[IDR]):
    """Trains in rounds, each on the result of the one before."""

    def train(
        self,
        train_once: TrainOnce,
        images: Sequence[TrainingImage],
        *,
        device: str,
        resume: Model | None = None,
    ) -> Job[Model]:
        """Train all rounds.

        Parameters
        ----------
        train_once : callable
        images : sequence of TrainingImage
        device : str
        resume : Model, optional
            One that was interrupted. Its first round goes on as if nothing had been; a later one
            begins again, with what has been learned.

        Returns
        -------
        Model
            That of the last round; if the user stops, of the round that runs then.

        Raises
        ------
        AxesError
            If channels are to be seen together.
        SettingsError
            If the model to go on with has been trained to its end.
        """
        _check_refining(images, resume)
        method = self.method
        # The first round is the guess that the others refine.
        n_rounds, n_before = method.n_rounds + 1, _rounds_before(resume)
        watched = _Watched()
        if resume is None or n_before == 0:
            first = train_once(_round(method), images, resume=resume)
            model = yield from nested(watched.run(first), 0.0, 1 / n_rounds, "first guess")
        else:
            # The round that was interrupted is not one more.
            model = resume.model_copy(update={"checkpoint": None, "recipe": resume.recipe.previous})
        for number in range(max(n_before, 1), n_rounds):
            if watched.is_stopped:
                break
            start, stop = number / n_rounds, (number + 1) / n_rounds
            guesses = yield from nested(_guess(model, images, device), start, start)
            detector = model.normalization
            assert isinstance(detector, NoiseModelNormalization)  # noqa: S101  # the method has one
            again = _round(method, detector.noise[0])
            job = train_once(again, guesses, resume=model)
            model = yield from nested(watched.run(job), start, stop, f"refining ({number})")
        recipe = model.recipe.model_copy(update={"settings": method.model_dump(mode="json")})
        return model.model_copy(update={"method": method, "recipe": recipe})


def _round(method: IDR, drawn: AnyNoiseModel | None = None) -> IDRRound:
    """The settings of one round; those after the first have noise to draw."""
    return IDRRound(**dict(method), drawn=drawn)


def _check_refining(images: Sequence[TrainingImage], resume: Model | None) -> None:
    """Refuse what cannot be refined; no pixels are read.

    Raises
    ------
    AxesError
        If channels are to be seen together.
    SettingsError
        If the model to go on with has been trained to its end.
    """
    if images[0].unit_shape[0] > 1:
        raise AxesError(
            f"{images[0].name} gives {images[0].unit_shape[0]} channels to be seen together, and "
            f"iterative data refinement takes one at a time. See each channel independently."
        )
    if resume and resume.checkpoint is None:
        raise SettingsError(
            "A model of iterative data refinement has been trained to its end, in rounds. "
            "Begin with a new network."
        )


def _rounds_before(resume: Model | None) -> int:
    """How many rounds an interrupted training has ended: each is one step of its recipe."""
    n_rounds, recipe = 0, resume.recipe.previous if resume else None
    while recipe:
        n_rounds, recipe = n_rounds + 1, recipe.previous
    return n_rounds


class _Watched:
    """Notices that the user has stopped one of several jobs."""

    def __init__(self) -> None:
        self.is_stopped = False

    def run(self, job: Job[Model]) -> Job[Model]:
        """Pass everything on."""
        try:
            request = None
            while True:
                event = job.send(request) if request else next(job)
                request = yield event
                self.is_stopped |= request is Request.STOP
        except StopIteration as end:
            model: Model = end.value
            return model
        finally:
            job.close()


def _guess(model: Model, images: Sequence[TrainingImage], device: str) -> Job[list[TrainingImage]]:
    """The images as the model cleans them."""
    # Averaged over flips: what is learned from should be as clean as can be had, and it is
    # done once a round.
    denoiser, guesses = ModelDenoiser.of(model, device=device, average_flips=True), []
    for image in images:
        job = denoise_job(denoiser, image.pixels, image.layout)
        result = yield from nested(job, 0.0, 0.0, f"cleaning {image.name}")
        guess = image.image.with_pixels(np.asarray(result.image))
        guesses.append(replace(image, image=guess))
    return guesses
