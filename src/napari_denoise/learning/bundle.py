"""The model file: one ``.safetensors``, weights as tensors and all else as JSON in its header.

Nothing in it can run code, and the same model gives the same bytes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from napari_denoise.errors import FileError, ModelError
from napari_denoise.learning.model import FORMAT, Model, ModelInfo

__all__ = ["load_model", "read_model_info", "save_model"]

_KEY = "napari-denoise"


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file, whole or not at all; an existing file is replaced.

    Raises
    ------
    FileError
        If the folder is missing or cannot be written to.
    """
    weights = {name: tensor.numpy() for name, tensor in model.network.state_dict().items()}
    info = ModelInfo(**{name: getattr(model, name) for name in ModelInfo.model_fields})
    content = save(weights, metadata={_KEY: info.model_dump_json()})
    try:
        _write_whole(Path(path), content)
    except OSError as error:
        raise FileError(
            f"The model could not be written to {path} ({error.strerror}). "
            f"Choose a folder that exists and can be written to."
        ) from error


def read_model_info(path: str | os.PathLike[str]) -> ModelInfo:
    """What a model file says about its model, without its weights and without torch.

    Raises
    ------
    FileError
        If the file is missing or cannot be read.
    ModelError
        If it is no model file of ours, damaged, or from a newer version.
    """
    return _read(Path(path), with_weights=False)[0]


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model from a file.

    Raises
    ------
    FileError, ModelError
        As :func:`read_model_info`; also if the weights do not fit the description.
    """
    # Imported here: reading a header must not cost seconds.
    import torch  # noqa: PLC0415

    from napari_denoise.learning.networks import make_network  # noqa: PLC0415

    info, weights = _read(Path(path), with_weights=True)
    network = make_network(info.architecture)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: array.shape for name, array in weights.items()}
    if found != wanted or any(array.dtype != np.float32 for array in weights.values()):
        raise ModelError(
            f"The weights in {path} do not fit the network it describes. "
            f"The file is damaged; use another copy, or train again."
        )
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return Model.of(info, network)


def _read(
    path: Path, *, with_weights: bool
) -> tuple[ModelInfo, dict[str, npt.NDArray[np.float32]]]:
    if not path.is_file():
        raise FileError(f"There is no model file {path}. Check the path.")
    try:
        with safe_open(path, framework="numpy") as file:
            info = _parse(path, (file.metadata() or {}).get(_KEY))
            names = file.keys() if with_weights else ()
            return info, {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise FileError(f"The model file {path} cannot be read ({error}).") from error
    except (SafetensorError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path} is no model file, or is cut off. Choose a .safetensors file "
            f"that was saved by napari-denoise."
        ) from error


def _parse(path: Path, text: str | None) -> ModelInfo:
    if text is None:
        raise ModelError(
            f"{path} holds weights of some other program. Choose a model that was saved by "
            f"napari-denoise."
        )
    try:
        header: Any = json.loads(text)
        _check_format(path, header)
        return ModelInfo.model_validate_json(text)
    except ModelError:
        raise
    except (ValidationError, ValueError, AttributeError, TypeError) as error:
        raise ModelError(
            f"The description of the model in {path} is damaged. Use another copy, or train again."
        ) from error


def _check_format(path: Path, header: dict[str, Any]) -> None:
    if header.get("format", 0) > FORMAT:
        raise ModelError(
            f"{path} was saved by a newer napari-denoise ({header.get('version')}, format "
            f"{header['format']}; this one reads up to {FORMAT}). Update napari-denoise."
        )


def _write_whole(path: Path, content: bytes) -> None:
    """Write to a temporary neighbour, then rename: no half a file under the real name."""
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
