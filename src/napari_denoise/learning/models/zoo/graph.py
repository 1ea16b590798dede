"""A model as TorchScript: image in, image out, both in the image's own intensities.

Normalisation and stabilisation are inside, so that any program that can run TorchScript gives
what we give, in float32 and without knowing our settings.
"""

from __future__ import annotations

import io
import warnings
from typing import Any, cast
from zipfile import ZIP_STORED, ZipFile

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # torch's own custom

from napari_denoise.core.errors import ModelError
from napari_denoise.core.progress import run
from napari_denoise.learning.losses import make_objective
from napari_denoise.learning.losses.blurred import BlurredRegression
from napari_denoise.learning.losses.even_noise import StabilizedRegression
from napari_denoise.learning.losses.regression import Regression
from napari_denoise.learning.models.model import Model
from napari_denoise.learning.networks.blurred import BlurredNetwork
from napari_denoise.learning.networks.instant import InstantNetwork
from napari_denoise.learning.networks.unet import UNet
from napari_denoise.learning.normalization.camera import Camera
from napari_denoise.learning.normalization.linear import Normalization
from napari_denoise.learning.normalization.variance_stabilization import clean_plane

__all__ = ["image_graph", "read_torchscript", "torchscript_of"]


def image_graph(model: Model) -> nn.Module:
    """The model as a module that takes and gives images, axes ``NC(Z)YX``.

    The sizes have to be multiples of the network's alignment.

    Raises
    ------
    ModelError
        If its results take more than one pass of a network.
    """
    objective = make_objective(model.method, model.normalization, torch.device("cpu"))
    # Subclasses may make something else of the network's answer.
    if type(objective) is Regression:
        return _Normalized(model.network, objective.normalization)
    if type(objective) is BlurredRegression:
        return _Blurred(model.network, objective.normalization)
    if type(objective) is StabilizedRegression:
        return _Stabilized(model.network, objective.camera)
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


class _Normalized(nn.Module):
    """A U-Net between a linear normalisation and its inverse."""

    means: Tensor
    stds: Tensor

    def __init__(self, network: UNet | BlurredNetwork, normalization: Normalization) -> None:
        super().__init__()
        self.network = network
        shape = (1, -1, *(1,) * network.architecture.n_spatial)
        self.register_buffer("means", torch.tensor(normalization.means).reshape(shape))
        self.register_buffer("stds", torch.tensor(normalization.stds).reshape(shape))

    def forward(self, batch: Tensor) -> Tensor:
        cleaned = self._clean((batch - self.means) / self.stds)
        return cleaned * self.stds + self.means

    def _clean(self, batch: Tensor) -> Tensor:
        return cast("Tensor", self.network(batch))


class _Blurred(_Normalized):
    """A network that gives the sharp image, and the microscope's blur of it."""

    def _clean(self, batch: Tensor) -> Tensor:
        return cast("BlurredNetwork", self.network).blur(super()._clean(batch))


class _Stabilized(nn.Module):
    """The instant denoiser's network for one camera; volumes plane by plane with neighbours."""

    def __init__(self, network: InstantNetwork, camera: Camera) -> None:
        super().__init__()
        self.network = network
        self._camera = camera
        self._reach = network.architecture.n_planes // 2

    def forward(self, batch: Tensor) -> Tensor:
        seen = batch if batch.ndim == 4 else self._windows(batch)
        cleaned, _ = run(clean_plane(self.network, self._camera, seen))
        return cleaned.reshape(batch.shape)

    def _windows(self, batch: Tensor) -> Tensor:
        """Each plane with those around it, mirrored at the ends: ``N1ZYX`` to ``(NZ)ZYX``."""
        mirrored = F.pad(batch, [0, 0, 0, 0, self._reach, self._reach], mode="reflect")
        windows = mirrored[:, 0].unfold(1, 2 * self._reach + 1, 1)
        return windows.permute(0, 1, 4, 2, 3).flatten(0, 1)


def _without_paths(content: bytes) -> bytes:
    """The same TorchScript without its debug records, which name folders of this computer."""
    slim = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as full, ZipFile(slim, "w", ZIP_STORED) as archive:
        for entry in full.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                archive.writestr(entry, full.read(entry), ZIP_STORED)
    return slim.getvalue()
