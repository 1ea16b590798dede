"""Networks trained beforehand: half-precision weights in one file, and how they came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from napari_denoise.core.atomic_write import atomic_write
from napari_denoise.core.errors import ModelError
from napari_denoise.learning.networks.architecture import InstantArchitecture
from napari_denoise.learning.networks.instant import N_CONDITIONS, InstantNetwork

__all__ = ["FILES", "load_network", "save_network", "shipped_network", "widened"]

_FOLDER = Path(__file__).parent / "weights"
FILES = {2: _FOLDER / "planes.safetensors", 3: _FOLDER / "volumes.safetensors"}
"""The weights that come along, for two and for three spatial axes."""

_KEY = "napari-denoise-instant"


def save_network(network: InstantNetwork, path: Path, training: dict[str, Any]) -> None:
    """Write a network, whole or not at all, with a record of its training (plain JSON values)."""
    record = {"architecture": network.architecture.model_dump(mode="json"), "training": training}
    weights = {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in network.state_dict().items()
    }
    with atomic_write(path) as part:
        save_file(weights, part, metadata={_KEY: json.dumps(record)})


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


def shipped_network(n_spatial: int) -> InstantNetwork:
    """A network as it comes along: for planes, or for volumes."""
    return load_network(FILES[n_spatial])[0]


def widened(network: InstantNetwork, n_planes: int) -> InstantNetwork:
    """The same network with further planes, which as yet make no difference."""
    n_new = n_planes - network.architecture.n_planes
    wide = InstantNetwork(network.architecture.model_copy(update={"n_planes": n_planes}))
    given = network.state_dict()
    head = given["head.weight"]
    planes, conditions = head.split([network.architecture.n_planes, N_CONDITIONS], dim=1)
    unseen = head.new_zeros(len(head), n_new // 2, *head.shape[2:])
    wide.load_state_dict(
        {**given, "head.weight": torch.cat([unseen, planes, unseen, conditions], dim=1)}
    )
    return wide
