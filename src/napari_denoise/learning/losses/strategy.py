"""How a method's networks begin, learn and predict: what of a method needs torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.progress import Job
from napari_denoise.learning.data.batch import Batch
from napari_denoise.learning.data.images import TrainingImage
from napari_denoise.learning.data.sampler import PatchSampler
from napari_denoise.learning.losses.base import Loss
from napari_denoise.learning.losses.regression import Regression
from napari_denoise.learning.methods.base import TrainingMethod
from napari_denoise.learning.models.model import Model
from napari_denoise.learning.networks.architecture import Architecture
from napari_denoise.learning.networks.base import Network
from napari_denoise.learning.normalization.base import Normalization
from napari_denoise.learning.normalization.linear import LinearNormalization, measure_normalization

__all__ = ["Start", "Strategy", "TrainOnce"]

M_co = TypeVar("M_co", bound=TrainingMethod, covariant=True)

TrainOnce = Callable[..., Job[Model]]
"""Trains a method on images, once; `resume` is the model to begin with, if there is one."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a training begins."""

    network: Network
    normalization: Normalization


@dataclass(frozen=True, slots=True)
class Strategy(Generic[M_co]):
    """What most methods do: a fresh network, which gives the image itself.

    A method that does otherwise overrides what it does otherwise.
    """

    method: M_co

    def suggest(self, images: Sequence[TrainingImage]) -> Job[M_co]:
        """Fill in settings that are unset and depend on the images; says what they are."""
        del images
        yield from ()  # a job, though there is nothing to do
        return self.method

    def train(
        self,
        train_once: TrainOnce,
        images: Sequence[TrainingImage],
        *,
        device: str,
        resume: Model | None = None,
    ) -> Job[Model]:
        """Train as often as it takes: once, or again on what came of it.

        Parameters
        ----------
        train_once : callable
        images : sequence of TrainingImage
        device : str
            "auto", "cpu", "cuda:0", "mps".
        resume : Model, optional
            To train further.
        """
        del device
        return train_once(self.method, images, resume=resume)

    def initialize(
        self, sampler: PatchSampler, samples: Batch, *, seed: int, psf: FloatArray | None = None
    ) -> Job[Start]:
        """Make the network, and measure what it has to know of the images.

        Parameters
        ----------
        sampler : PatchSampler
        samples : Batch
            Patches of all images.
        seed : int
            Of a fresh network's weights.
        psf : array, ``(Z)YX``, optional
            What :meth:`TrainingMethod.make_psf` has made.

        Raises
        ------
        InputError
            If the images are constant, or cannot be measured.
        """
        del sampler, psf
        yield from ()  # a job, as others measure the camera here
        return self.from_scratch(samples, seed)

    def loss(self, normalization: Normalization, device: torch.device) -> Loss:
        """How its networks learn and predict.

        Parameters
        ----------
        normalization : Normalization
            Of the images that they see.
        device : torch.device
            That they are on.
        """
        assert isinstance(normalization, LinearNormalization)  # noqa: S101  # see `built_of`
        return Regression(normalization, device)

    def from_scratch(self, samples: Batch, seed: int) -> Start:
        """A fresh network, and the linear normalisation of the samples.

        Parameters
        ----------
        samples : Batch
            Patches of all images, in their units.
        seed : int
            Of the weights.
        """
        # A generator of its own: weights depend on the seed, and on nothing drawn before.
        network = self.architecture(samples).make_network(torch.Generator().manual_seed(seed))
        return Start(network, measure_normalization([samples.known_pixels()]))

    def architecture(self, samples: Batch) -> Architecture:
        """The shape of a fresh network for such patches."""
        n_channels, *patch_size = samples.input.shape[1:]
        return self.method.network(n_channels, tuple(patch_size))
