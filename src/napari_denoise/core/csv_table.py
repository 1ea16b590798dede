"""Rows of values as text: for the clipboard and as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_denoise.core.errors import FileError

__all__ = ["save_csv", "to_text"]


def to_text(titles: Sequence[str], rows: Iterable[Iterable[Any]], *, delimiter: str = "\t") -> str:
    """A header and the rows; None is left empty. Spreadsheets paste it with tabs between."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows(rows)
    return text.getvalue()


def save_csv(path: Path, titles: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a header and the rows as CSV.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    try:
        # With a byte order mark, without which Excel takes UTF-8 for Latin-1.
        path.write_text(to_text(titles, rows, delimiter=","), encoding="utf-8-sig", newline="")
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise FileError(f"{path} cannot be written ({reason}). Choose another place.") from error
