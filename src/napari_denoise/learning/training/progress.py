"""What a training reports while it runs; free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Progress

__all__ = ["Preview", "PreviewCrop", "TrainingProgress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress(Progress):
    """How a training is doing.

    Attributes
    ----------
    step, n_steps : int
        Steps the model has been trained for, and will have been, as far as can be told.
    loss : float
        Of this step: mean square error over the pixels asked for, in units of the normalised
        image, or of the noise where a camera is known.
    validation_loss : float or None
        The same for the averaged weights on patches that stay the same; None between
        measurements.
    """

    step: int
    n_steps: int
    loss: float
    validation_loss: float | None = None


@dataclass(frozen=True, slots=True)
class PreviewCrop:
    """A piece of a noisy image to be shown denoised while a training goes on.

    Attributes
    ----------
    pixels : array, axes C(Z)YX
        In the image's units; a few hundred pixels wide, as it is cleaned in one go.
    place : any
        Handed back with the result, for whoever shows it.
    """

    pixels: FloatArray
    place: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(Progress):
    """What the training makes of a crop.

    Attributes
    ----------
    step : int
        Steps done.
    pixels : array, axes C(Z)YX
        Denoised, in the image's units.
    crop : PreviewCrop
    """

    step: int
    pixels: FloatArray
    crop: PreviewCrop
