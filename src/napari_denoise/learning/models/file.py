"""The model file: one ``.safetensors``, weights as tensors and all else as JSON in its header.

Nothing in it can run code, and the same model gives the same bytes.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from napari_denoise.core.atomic_write import atomic_write
from napari_denoise.core.errors import FileError, ModelError
from napari_denoise.learning.methods import is_known
from napari_denoise.learning.models.checkpoint import Checkpoint, CheckpointInfo
from napari_denoise.learning.models.model import FORMAT, Model, ModelInfo
from napari_denoise.learning.models.package import is_package, unpacked_model

__all__ = ["load_model", "read_checkpoint_info", "read_model_info", "save_model"]

_KEY = "napari-denoise"

_CHECKPOINT = "training"
"""What an unfinished training needs to go on is kept beside the model, under this name."""

# The average is the model itself; the gradient's mean is kept as `mean`, that of its square as
# `square`.
_VECTORS = ("weights", "mean", "square")


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file, whole or not at all; an existing file is replaced.

    Parameters
    ----------
    model : Model
        The same model gives the same bytes.
    path : path-like
        Ends in ``.safetensors``.

    Raises
    ------
    FileError
        If the folder is missing or cannot be written to.
    """
    tensors = {name: tensor.numpy() for name, tensor in model.network.state_dict().items()}
    info = ModelInfo(**{name: getattr(model, name) for name in ModelInfo.model_fields})
    # In the order of the fields: the same model gives the same bytes.
    header = info.model_dump(mode="json")
    if model.checkpoint:
        vectors = {name: getattr(model.checkpoint, name).numpy() for name in _VECTORS}
        tensors |= {f"{_CHECKPOINT}.{name}": vector for name, vector in vectors.items()}
        header[_CHECKPOINT] = model.checkpoint.info.model_dump(mode="json")
    # One entry: safetensors gives several no fixed order.
    content = save(tensors, metadata={_KEY: json.dumps(header)})
    with atomic_write(Path(path)) as part:
        part.write_bytes(content)


def read_model_info(path: str | os.PathLike[str]) -> ModelInfo:
    """What a model file says about its model, without its weights and without torch.

    Raises
    ------
    FileError
        If the file is missing or cannot be read.
    ModelError
        If it is no model file of ours, damaged, or from a newer version.
    """
    return _read(Path(path), with_weights=False).info


def read_checkpoint_info(path: str | os.PathLike[str]) -> CheckpointInfo | None:
    """How far the unfinished training in a model file has come; None if it is finished.

    Raises
    ------
    FileError, ModelError
        As :func:`read_model_info`.
    """
    return _read(Path(path), with_weights=False).checkpoint


def load_model(path: str | os.PathLike[str]) -> Model:
    """Read a model from a file of ours, or from a package of the zoo that we exported.

    Raises
    ------
    FileError, ModelError
        As :func:`read_model_info`; also if the weights, or what an unfinished training needs to
        go on, do not fit the description.
    """
    # Imported here: reading a header must not cost seconds.
    import torch  # noqa: PLC0415

    found = _read(Path(path), with_weights=True)
    network = found.info.architecture.make_network()
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    n_weights = sum(parameter.numel() for parameter in network.parameters())
    # One vector of each kind for all weights, as the optimiser has them.
    if found.checkpoint:
        shapes |= {f"{_CHECKPOINT}.{name}": (n_weights,) for name in _VECTORS}
    arrays = found.arrays
    # Before they are loaded: torch would broadcast or convert without a word.
    is_float32 = all(array.dtype == np.float32 for array in arrays.values())
    if {name: array.shape for name, array in arrays.items()} != shapes or not is_float32:
        raise ModelError(
            f"The weights in {path} do not fit the network it describes. "
            f"The file is damaged; use another copy, or train again."
        )
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    vectors = [tensors.pop(f"{_CHECKPOINT}.{name}") for name in _VECTORS if found.checkpoint]
    network.load_state_dict(tensors)
    checkpoint = Checkpoint(found.checkpoint, *vectors) if found.checkpoint else None
    return Model.of(found.info, network, checkpoint)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is in a file."""

    info: ModelInfo
    checkpoint: CheckpointInfo | None
    arrays: dict[str, npt.NDArray[np.float32]]


def _read(path: Path, *, with_weights: bool) -> _Found:
    if is_package(path):
        with unpacked_model(path) as ours:
            return _read(ours, with_weights=with_weights)
    if not path.is_file():
        raise FileError(f"There is no model file {path}. Check the path.")
    try:
        with safe_open(path, framework="numpy") as file:
            info, checkpoint = _parse(path, (file.metadata() or {}).get(_KEY))
            names = file.keys() if with_weights else ()
            return _Found(info, checkpoint, {name: file.get_tensor(name) for name in names})
    except OSError as error:
        raise FileError(f"The model file {path} cannot be read ({error}).") from error
    except (SafetensorError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{path} is no model file, or is cut off. Choose a .safetensors file "
            f"that was saved by napari-denoise."
        ) from error


def _parse(path: Path, text: str | None) -> tuple[ModelInfo, CheckpointInfo | None]:
    if text is None:
        raise ModelError(
            f"{path} holds weights of some other program. Choose a model that was saved by "
            f"napari-denoise."
        )
    try:
        header: Any = json.loads(text)
        _check_format(path, header)
        _check_method(path, str(header["method"]["name"]))
        kept = header.pop(_CHECKPOINT, None)
        checkpoint = None if kept is None else CheckpointInfo.model_validate_json(json.dumps(kept))
        return ModelInfo.model_validate_json(json.dumps(header)), checkpoint
    except ModelError:
        raise
    except (ValidationError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise ModelError(
            f"The description of the model in {path} is damaged. Use another copy, or train again."
        ) from error


def _check_method(path: Path, name: str) -> None:
    if not is_known(name):
        raise ModelError(
            f"The description of the model in {path} is damaged, or its method {name!r} is one of "
            f"another package. Use another copy, or import what registers the method."
        )


def _check_format(path: Path, header: dict[str, Any]) -> None:
    if header.get("format", 0) > FORMAT:
        raise ModelError(
            f"{path} was saved by a newer napari-denoise ({header.get('version')}, format "
            f"{header['format']}; this one reads up to {FORMAT}). Update napari-denoise."
        )
