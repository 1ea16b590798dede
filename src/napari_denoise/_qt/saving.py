"""Asks where a file shall go, writes it there, and says in words what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_denoise.core.errors import FileError

__all__ = ["save_where_asked"]


def save_where_asked(
    parent: QWidget,
    write: Callable[[Path], None],
    *,
    title: str,
    name: str,
    refuse: Callable[[FileError], None],
) -> None:
    """Ask for a path and write there; nothing happens if the user names none.

    Parameters
    ----------
    parent : QWidget
        What the dialog stands in front of.
    write : callable
        Gets the path. Its :class:`~napari_denoise.core.errors.FileError` goes to `refuse`.
    title : str
        The dialog's title.
    name : str
        The name to begin with; its ending names the kind of file, and is added where the user
        writes none.
    refuse : callable
        Shows why the file could not be written.
    """
    ending = Path(name).suffix
    kind = f"{ending.removeprefix('.').upper()} (*{ending})"
    text, _ = QFileDialog.getSaveFileName(parent, title, name, kind)
    if not text:
        return
    path = Path(text)
    try:
        write(path if path.suffix else path.with_suffix(ending))
    except FileError as error:
        refuse(error)
