"""What all ways have in common in which intensities become what a network sees."""

from __future__ import annotations

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
