"""Rows of values as text: for the clipboard and as CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from napari_denoise.core.atomic_write import atomic_write

__all__ = ["save_csv", "to_text"]


def to_text(titles: Sequence[str], rows: Iterable[Iterable[Any]], *, delimiter: str = "\t") -> str:
    """A header and the rows as text; None is left empty.

    Parameters
    ----------
    titles : sequence of str
        The header.
    rows : iterable of iterables
        The values, as many in each row as there are titles; numbers keep all their digits.
    delimiter : str
        Between two values: a tab, which every spreadsheet pastes as columns, or a comma.

    Returns
    -------
    str
        One line each, with quotes where a value has the delimiter in it.
    """
    text = io.StringIO()
    # The csv module's own "\r\n" would show as empty lines once a text file translates it.
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows(rows)
    return text.getvalue()


def save_csv(path: Path, titles: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a header and the rows as CSV, whole or not at all.

    Parameters
    ----------
    path : Path
        The file; an existing one is replaced.
    titles, rows
        As for :func:`to_text`.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    with atomic_write(path) as part:
        # With a byte order mark, without which Excel takes UTF-8 for Latin-1.
        part.write_text(to_text(titles, rows, delimiter=","), encoding="utf-8-sig", newline="")
