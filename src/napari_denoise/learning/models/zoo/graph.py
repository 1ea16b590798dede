"""A model as TorchScript: image in, image out, both in the image's own intensities.

Normalisation and stabilisation are inside, so that any program that can run TorchScript gives
what we give, in float32 and without knowing our settings.
"""

from __future__ import annotations

import io
import warnings
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import torch
from torch import Tensor, nn

from napari_denoise.core.errors import ModelError
from napari_denoise.learning.losses.base import Loss
from napari_denoise.learning.models.model import Model

__all__ = ["image_graph", "read_torchscript", "torchscript_of"]


def image_graph(model: Model) -> nn.Module:
    """The model as a module that takes and gives images, axes ``NC(Z)YX``.

    The sizes have to be multiples of the network's alignment.

    Raises
    ------
    ModelError
        If its results take more than one pass of a network.
    """
    loss: Loss = model.method.strategy().loss(model.normalization, torch.device("cpu"))
    graph = loss.image_graph(model.network)
    if graph is not None:
        return graph
    raise ModelError(
        f"A {model.method.title} model needs more than one pass of its network, which the zoo's "
        f"format cannot say. Share its .safetensors file instead."
    )


def torchscript_of(graph: nn.Module, example: Tensor) -> bytes:
    """The content of a TorchScript file; `example` may be smaller than what it will be used on."""
    # Traced on an image small enough for a single slab and in need of no padding: the branches
    # that tracing warns of are never taken then, whatever the size.
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(graph.eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
        content = io.BytesIO()
        torch.jit.save(traced, content)
    return _without_paths(content.getvalue())


def read_torchscript(content: bytes, device: torch.device) -> Any:
    """The network in a TorchScript file, on the device.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(io.BytesIO(content), map_location=device)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise ModelError(
            f"The TorchScript network cannot be read by torch {torch.__version__} "
            f"({str(error).splitlines()[0]})."
        ) from error
    return network.eval()


def _without_paths(content: bytes) -> bytes:
    """The same TorchScript without its debug records, which name folders of this computer."""
    slim = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as full, ZipFile(slim, "w", ZIP_STORED) as archive:
        for entry in full.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                archive.writestr(entry, full.read(entry), ZIP_STORED)
    return slim.getvalue()
