"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from napari_denoise.core.errors import FileError

__all__ = ["atomic_write"]


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Let a file be written beside `path`, and put it there only once it is whole.

    If the body fails, nothing is left of it, and what was at `path` before stays.

    Parameters
    ----------
    path : Path
        Where the file shall be; an existing one is replaced.

    Yields
    ------
    Path
        What the body writes to: hidden, in the same folder, with another ending. Name the format
        to a library that takes it from the ending.

    Raises
    ------
    FileError
        In place of an :class:`OSError` of the body; other errors pass through.
    """
    # In the same folder, because a rename is atomic only within one file system; with a name of
    # its own, because two programs may write the same file at the same time.
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        yield part
        with part.open("rb+") as file:
            # Else the new name may come before the bytes where the power fails.
            os.fsync(file.fileno())
        part.replace(path)
    except FileError:
        raise
    except OSError as error:
        raise FileError(
            f"{path} could not be written ({error.strerror or error}). "
            f"Choose a folder that exists and can be written to, with space left."
        ) from error
    finally:
        part.unlink(missing_ok=True)
