"""What outlasts a napari session: the page that Preferences shows for this plugin."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from napari.settings import get_plugin_settings

__all__ = ["SAME_AS_SOURCE", "Preferences", "preferences", "remember"]

SAME_AS_SOURCE = "same as source"
"""The dtype policy that casts a result back to its source's dtype."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """The values of ``contributions.configurations.general`` in the manifest.

    Attributes
    ----------
    device : str
        "auto", "cpu", "cuda:0", "mps".
    result_dtype : {"float32", "same as source"}
    model_folder : str
        Where the file dialogs for models open; empty for none chosen yet.
    """

    device: str = "auto"
    result_dtype: str = "float32"
    model_folder: str = ""


def preferences() -> Preferences:
    """The values in force; the defaults where napari does not know the plugin."""
    # Asked each time: the page in napari's Preferences may have changed them since.
    stored = _stored()
    if stored is None:
        return Preferences()
    return Preferences(**{f.name: getattr(stored, f.name) for f in fields(Preferences)})


def remember(**values: str) -> None:
    """Store what the user chose in a dock as what the next one starts with."""
    stored = _stored()
    for name, value in values.items():
        # Setting a value may write napari's settings file: only what has changed is set.
        if stored is not None and getattr(stored, name) != value:
            setattr(stored, name, value)


def _stored() -> Any:
    try:
        return get_plugin_settings("napari-denoise").general
    # Run from a source tree without installation, such as in a test, there is no manifest.
    except KeyError:
        return None
