"""A package of the BioImage Model Zoo as a file, and the model of ours that may be in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

from napari_denoise.core.errors import FileError, ModelError

__all__ = ["MODEL_FILE", "PACKAGE_SUFFIX", "holds_model", "is_package", "unpacked_model"]

MODEL_FILE = "napari-denoise.safetensors"
"""The attachment that is the model as we save it."""

PACKAGE_SUFFIX = ".zip"


def is_package(path: str | os.PathLike[str]) -> bool:
    """Whether a file is named like a package of the zoo."""
    return Path(path).suffix.lower() == PACKAGE_SUFFIX


def holds_model(path: str | os.PathLike[str]) -> bool:
    """Whether napari-denoise exported the package.

    Raises
    ------
    FileError, ModelError
        If the file is missing, or is no package.
    """
    with _opened(Path(path)) as package:
        return _name_of_ours(package) is not None


@contextmanager
def unpacked_model(path: Path) -> Iterator[Path]:
    """The model file in a package that napari-denoise exported, for a while.

    Raises
    ------
    FileError
        If the file is missing or cannot be read.
    ModelError
        If it is no package, or one of another program.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / MODEL_FILE
        with _opened(path) as package:
            name = _name_of_ours(package)
            if name is None:
                raise ModelError(
                    f"{path.name} was not exported by napari-denoise, so there is no model file "
                    f"in it. Apply it as it is: napari-denoise apply --model {path.name}."
                )
            file.write_bytes(package.read(name))
        yield file


def _name_of_ours(package: ZipFile) -> str | None:
    # In whatever folder of the archive: packing programs put one around it.
    names = [name for name in package.namelist() if PurePosixPath(name).name == MODEL_FILE]
    return names[0] if names else None


@contextmanager
def _opened(path: Path) -> Iterator[ZipFile]:
    try:
        with ZipFile(path) as package:
            yield package
    except BadZipFile as error:
        raise ModelError(
            f"{path.name} is no package of the BioImage Model Zoo, or is cut off. Choose a .zip "
            f"file that was exported or downloaded as one."
        ) from error
    except FileNotFoundError as error:
        raise FileError(f"There is no model file {path}. Check the path.") from error
