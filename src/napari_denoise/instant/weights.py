"""The weights file: one ``.safetensors`` with half-precision weights, and how they came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from napari_denoise.errors import ModelError
from napari_denoise.instant.network import InstantArchitecture, InstantNetwork

__all__ = ["load_network", "save_network"]

_KEY = "napari-denoise-instant"


def save_network(network: InstantNetwork, path: Path, training: dict[str, Any]) -> None:
    """Write a network, whole or not at all, with a record of its training (plain JSON values)."""
    record = {"architecture": network.architecture.model_dump(mode="json"), "training": training}
    weights = {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in network.state_dict().items()
    }
    unfinished = path.with_suffix(".unfinished")
    save_file(weights, unfinished, metadata={_KEY: json.dumps(record)})
    unfinished.replace(path)


def load_network(path: Path) -> tuple[InstantNetwork, dict[str, Any]]:
    """Read a network in float32, and the record of its training.

    Raises
    ------
    ModelError
        If the file is damaged or holds something else.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            record = json.loads((file.metadata() or {})[_KEY])
            weights = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118
        network = InstantNetwork(InstantArchitecture(**record["architecture"]))
        network.load_state_dict({n: torch.from_numpy(w) for n, w in weights.items()})
    except (OSError, SafetensorError, KeyError, ValueError, ValidationError, RuntimeError) as error:
        raise ModelError(
            f"The weights of the instant denoiser in {path} cannot be used ({error}). "
            f"Install napari-denoise again."
        ) from error
    return network, dict(record["training"])
