"""A result in its making, shown as it fills up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.layers import Image as ImageLayer

from napari_denoise._napari.shared.plane_preview import add_unselected
from napari_denoise._napari.shared.results import live_layer
from napari_denoise._qt.run_bar import RunBar
from napari_denoise.core.image import Image
from napari_denoise.core.progress import Job, Progress
from napari_denoise.core.tiling import TileDone

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["LiveResult", "blank_image_job"]

_DELAY_S = 1.0
"""A result that is there sooner is not shown before it is whole: a layer would only flash up."""

_INTERVAL_S = 0.3
"""Trade-off: shorter looks smoother, and takes more of the time for drawing."""

_LEISURE = 5
"""Drawing may take one part in this many of the time: a volume takes long to draw."""


class LiveResult:
    """Follows a run bar: a layer shows what is done so far, and goes when the run ends.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
    bar : RunBar
        Its jobs denoise.
    """

    def __init__(self, viewer: ViewerModel, bar: RunBar) -> None:
        self._viewer = viewer
        self._source: tuple[ImageLayer, Image] | None = None
        self._layer: ImageLayer | None = None
        self._next_s = 0.0
        bar.progressed.connect(self._on_progressed)
        bar.ended.connect(self._on_ended)

    def follow(self, layer: ImageLayer, image: Image) -> None:
        """Show the next run's result.

        Parameters
        ----------
        layer : napari.layers.Image
            What is denoised: the result is shown at its place and in its colours.
        image : Image
            The layer as it was read.
        """
        self._source = (layer, image)
        self._next_s = time.monotonic() + _DELAY_S

    def _on_progressed(self, events: tuple[Progress, ...]) -> None:
        done = [event for event in events if isinstance(event, TileDone)]
        if not done or self._source is None or time.monotonic() < self._next_s:
            return
        start = time.monotonic()
        layer, image = self._source
        pixels = done[-1].image
        # Several results along a leading axis: samples, of which the first alone says little.
        if pixels.ndim != len(image.axes):
            return
        # After the last tile the whole result is about to become a layer of its own.
        if self._layer is None and done[-1].fraction < 1:
            self._layer = live_layer(layer, image.with_pixels(pixels))
            # Unselected: one goes on with the layer that one had.
            add_unselected(self._viewer, self._layer)
        elif self._layer is not None and self._layer in self._viewer.layers:
            # Slices anew what the viewer shows, and nothing else: the rest would take time, and
            # show nothing new.
            self._layer.refresh(thumbnail=False, extent=False, highlight=False)
        now = time.monotonic()
        # Counted from the end of the drawing, so that slow drawing leaves time for the work.
        self._next_s = now + max(_INTERVAL_S, _LEISURE * (now - start))

    def _on_ended(self) -> None:
        layer, self._layer, self._source = self._layer, None, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)


def blank_image_job(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Job[npt.NDArray[Any]]:
    """An image whose pixels let one see through where they can: NaN; zero as whole numbers.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype

    Returns
    -------
    array
        When the job has been run to its end.
    """
    if np.dtype(dtype).kind != "f":
        return np.zeros(shape, dtype)
    pixels = np.empty(shape, dtype)
    # Plane by plane, not np.full: gigabytes take seconds to fill, and Cancel must not wait for it.
    for plane in pixels.reshape(-1, *shape[-2:]):
        plane.fill(np.nan)
        yield Progress(fraction=0.0)
    return pixels
