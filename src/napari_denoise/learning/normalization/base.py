"""What all ways have in common in which intensities become what a network sees."""

from __future__ import annotations

import numpy as np

from napari_denoise.core.dtype import FloatArray
from napari_denoise.core.settings import Settings

__all__ = ["Normalization"]


class Normalization(Settings):
    """How intensities become what a network sees; stored with the model.

    A subclass adds a field ``name`` with a ``Literal`` tag and what has been measured.
    """

    @property
    def n_channels(self) -> int:
        """How many channels it holds for together."""
        return 1

    def example(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        """An image as those that were measured, to test a model on.

        Parameters
        ----------
        values : array, axes (Z)YX
            From 0 to 1: what is to be seen.
        rng : numpy.random.Generator
            For the noise.

        Returns
        -------
        array, axes C(Z)YX
        """
        raise NotImplementedError(type(self).__name__)
