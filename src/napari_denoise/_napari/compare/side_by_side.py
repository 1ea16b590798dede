"""Layers next to each other with one locked contrast, and everything put back afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from napari.experimental import layers_linked

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

__all__ = ["SideBySide"]


class SideBySide:
    """A grid of some of the viewer's layers, each under its name.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its grid, camera, layer visibility, contrast and overlays are borrowed by :meth:`show`
        and given back by :meth:`hide`, whatever happened to the layers in between.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        # Gives everything back in the reverse order, also where one of the layers has been removed.
        self._borrowed = ExitStack()
        self._limits: tuple[float, float] | None = None
        self._leader: Image | None = None

    @property
    def is_shown(self) -> bool:
        """Whether the grid is on by our doing."""
        return self._leader is not None

    def show(self, layers: Sequence[Image], leader: Image) -> None:
        """Show layers, and nothing else, side by side in one contrast.

        Parameters
        ----------
        layers : sequence of napari.layers.Image
        leader : napari.layers.Image
            One of them, whose contrast limits and gamma all get.

        Called again while shown, it changes the layers and keeps a contrast the user has set.
        """
        # Read before `hide` puts the old contrast back.
        limits = self._leader.contrast_limits if self._leader is leader else leader.contrast_limits
        self.hide()
        self._leader = leader
        self._borrow_grid()
        for layer in self._viewer.layers:
            self._borrow(layer, visible=layer in layers)
        for layer in layers:
            self._lock_contrast(layer, leader, limits)
            self._borrow(layer.name_overlay, visible=True)
        # Linked last, so that setting up one layer does not set up the others.
        self._borrowed.enter_context(layers_linked(layers, ("contrast_limits", "gamma")))
        self._viewer.fit_to_view()

    def hide(self) -> None:
        """Put everything back as it was."""
        self._borrowed.close()
        self._leader = None

    def _borrow_grid(self) -> None:
        camera = self._viewer.scene.camera
        self._borrow(camera, center=camera.center, zoom=camera.zoom, angles=camera.angles)
        canvas = self._viewer.canvas
        self._borrow(canvas.overlays.scale_bar, gridded=True)
        # A cell for each layer, in a shape that napari finds; the gap keeps neighbours apart.
        self._borrow(canvas.grid, enabled=True, stride=1, shape=(-1, -1), spacing=4)

    def _lock_contrast(self, layer: Image, leader: Image, limits: Any) -> None:
        low, high = limits
        first, last = leader.contrast_limits_range
        self._borrow(
            layer,
            # Before the limits, which napari would cut to the range that is in force.
            contrast_limits_range=(min(first, low), max(last, high)),
            contrast_limits=(low, high),
            gamma=leader.gamma,
        )

    def _borrow(self, owner: Any, **values: Any) -> None:
        """Set attributes, and have the present values set again, in the same order, by `hide`."""
        before = {name: getattr(owner, name) for name in values}
        self._borrowed.callback(_set, owner, before)
        _set(owner, values)


def _set(owner: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(owner, name, value)
