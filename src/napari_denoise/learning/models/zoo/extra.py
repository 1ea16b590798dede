"""The package of the zoo's makers, which is not installed with us unless asked for."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from napari_denoise.core.errors import ModelError

__all__ = ["quiet", "require_bioimageio"]


def require_bioimageio() -> None:
    """Make sure that the zoo's package is there, without the seconds it takes to import it.

    Raises
    ------
    ModelError
        If it is not installed.
    """
    if find_spec("bioimageio") is None or find_spec("bioimageio.spec") is None:
        raise ModelError(
            "The BioImage Model Zoo's own package is not installed. Install it with: "
            "pip install 'napari-denoise[bioimageio]'."
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Without its running commentary, and without warnings about its own workings.

    What it leaves open is closed at the end: an open file cannot be deleted on every system.
    """
    from loguru import logger  # noqa: PLC0415

    logger.disable("bioimageio")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
            gc.collect()
    finally:
        logger.enable("bioimageio")
