"""Dropping a model file on napari opens the Denoise dock with that model chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import napari

from napari_denoise._napari.shared.models import MODEL_SUFFIX

__all__ = ["get_reader"]

LayerData = tuple[Any, ...]


def get_reader(path: str | Sequence[str]) -> Callable[[str], list[LayerData]] | None:
    """The reader of a single ``.safetensors`` file; None for anything else."""
    if not isinstance(path, str) or not path.lower().endswith(MODEL_SUFFIX):
        return None
    return _open_model


def _open_model(path: str | Sequence[str]) -> list[LayerData]:
    """Choose the model in the Denoise dock; napari adds no layer."""
    # A reader is not told which viewer it reads for.
    viewer = napari.current_viewer()
    if viewer is not None and isinstance(path, str):
        _, dock = viewer.window.add_plugin_dock_widget("napari-denoise", "Denoise")
        dock.setModelFile(Path(path))
    # napari's word for a file that was read and gives no layer.
    return [(None,)]
