"""What a noise model is: settings, and how one plane is recorded with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import nan
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from napari_denoise.core.settings import Settings

__all__ = ["Noise", "Pixels", "Recording"]

Pixels = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a noise model may know of an image beyond the plane it is given.

    Attributes
    ----------
    low, high : float
        Smallest and largest intensity of the whole clean image; NaN unless
        :attr:`Noise.needs_range`.
    frame, n_frames : int or None
        Which time point the plane belongs to, out of how many; None without a time axis.
    plane_shape : (int, int) or None
        Of the whole plane; None if all of it is given.
    rows : slice
        Which of its rows are given.
    columns : slice
        Which of its columns are given.
    dose : float
        Share of the full exposure.
    """

    low: float = nan
    high: float = nan
    frame: int | None = None
    n_frames: int | None = None
    plane_shape: tuple[int, int] | None = None
    rows: slice = field(default_factory=lambda: slice(None))
    columns: slice = field(default_factory=lambda: slice(None))
    dose: float = 1.0


class Noise(Settings, ABC):
    """Settings of one kind of noise. A subclass adds a ``Literal`` field ``name``."""

    title: ClassVar[str]
    citation: ClassVar[str] = ""

    @property
    def label(self) -> str:
        """What is added, in a word or two: "Poisson"."""
        return self.title.partition(" (")[0]

    @property
    def needs_whole_planes(self) -> bool:
        """Whether :meth:`sample` must see all rows of a plane at once."""
        return False

    @property
    def has_own_units(self) -> bool:
        """Whether the result is in other units than the clean image, as a detector's is."""
        return False

    @property
    def needs_range(self) -> bool:
        """Whether :meth:`sample` depends on the range of intensities of the whole image."""
        return False

    @property
    def needs_time(self) -> bool:
        """Whether :meth:`sample` makes sense only where a time axis is known."""
        return False

    def check(self, plane_shape: tuple[int, int]) -> None:
        """Refuse planes of a shape that the settings do not fit, before any noise is drawn."""

    @abstractmethod
    def sample(self, clean: Pixels, recording: Recording, rng: np.random.Generator) -> Pixels:
        """One noisy version of a plane, or of a part of it, ``YX``, in the same units."""
