"""Write docs/reference.md from the package's public names: ``python tools/make_reference.py``.

A page kept by hand lacked 28 names and listed 15 that were not public; a test compares this one
with what the program writes.
"""

from __future__ import annotations

from importlib import import_module
from itertools import groupby
from pathlib import Path

import napari_denoise

PAGE = Path(__file__).parent.parent / "docs" / "reference.md"
_HEAD = """# Reference

Every name that can be imported from `napari_denoise`, by the room it lives in. On the command line,
`napari-denoise methods` lists every method with its settings, their defaults and bounds.

Written by `tools/make_reference.py`: change the docstrings, not this page.
"""


def reference() -> str:
    """The page's text: each room with what it is for, and its public names from A to Z."""
    places = sorted(_place(name) for name in napari_denoise.__all__)
    rooms = groupby(places, key=lambda place: place.split(".")[1])
    return _HEAD + "".join(_section(room, list(entries)) for room, entries in rooms)


def _place(name: str) -> str:
    """Where a name is defined: documentation is read from source, which lazy names are not in."""
    thing = getattr(napari_denoise, name)
    return f"{thing.__module__}.{thing.__qualname__}"


def _section(room: str, places: list[str]) -> str:
    about = (import_module(f"napari_denoise.{room}").__doc__ or "").splitlines()[0]
    by_name = sorted(places, key=lambda place: place.rpartition(".")[2].lower())
    return f"\n## {room}\n{about}\n\n" + "".join(f"::: {place}\n" for place in by_name)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
