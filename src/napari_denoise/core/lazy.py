"""What is named in settings and imported when it is used, such as what needs torch."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["imported"]


def imported(place: str) -> Any:
    """The class or function at a place such as ``"package.module:Name"``.

    Settings are read by docks and the command line, which must not wait for torch; so they name
    what computes with them, and nothing is imported before it is asked for.
    """
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
