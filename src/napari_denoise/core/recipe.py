"""How a result says where it came from.

A :class:`Recipe` travels with every result: in a layer's metadata, in the OME-TIFF, in a
model's header. It holds all that is needed to do the same again.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from napari_denoise.core.axes import Layout
from napari_denoise.core.settings import Settings

__all__ = ["METADATA_KEY", "Recipe", "software_version"]

Operation = Literal["simulate", "denoise", "train", "compare"]

METADATA_KEY = "napari-denoise"
"""Where a layer's metadata and a file's annotations hold the recipe."""


def software_version() -> str:
    """The installed version of napari-denoise; "unknown" from a bare source tree."""
    try:
        return version("napari-denoise")
    except PackageNotFoundError:
        return "unknown"


class Recipe(Settings):
    """One step from a source to a result; `previous` holds the steps before it.

    Attributes
    ----------
    operation : {"simulate", "denoise", "train", "compare"}
    settings : dict
        The noise model's, filter's or method's settings, its ``name`` among them.
    source : str
        Name of the layer or file the step read.
    axes, spatial, channels : str
        The :class:`~napari_denoise.core.axes.Layout` it was done with.
    dtype : str
        Of the result.
    seed : int or None
        Of the random numbers, where any were drawn.
    doses : tuple of float
        Shares of the full exposure along the result's first axis; empty if it is no series.
    """

    # A plain dict, not the settings class: files from newer versions with settings that are
    # unknown here can still be read and passed on.
    operation: Operation
    settings: dict[str, Any]
    source: str = ""
    axes: str = ""
    spatial: str = ""
    channels: str = ""
    dtype: str = ""
    seed: int | None = None
    doses: tuple[float, ...] = ()
    software: str = "napari-denoise"
    version: str = ""
    previous: Recipe | None = None

    @classmethod
    def of(
        cls,
        operation: Operation,
        settings: Settings,
        layout: Layout | None = None,
        **more: Any,
    ) -> Recipe:
        """The recipe of a step that is done with these settings on this layout."""
        place: dict[str, Any] = {}
        if layout:
            place = {"axes": layout.axes, "spatial": layout.spatial, "channels": layout.channels}
        values = settings.model_dump(mode="json")
        return cls(
            operation=operation, settings=values, version=software_version(), **place, **more
        )

    def steps(self) -> tuple[Recipe, ...]:
        """All steps from the first source to this result."""
        return (*(self.previous.steps() if self.previous else ()), self)
